package ns

import (
	"crypto/subtle"
	"math/rand/v2"
	"time"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/msnp"
)

// challengeNow sends a challenge and sets the limit for the answer.
// docs/protocol/presence.md#challenge
func (s *session) challengeNow() {
	if s.srv.Challenge == Off {
		return
	}
	nonce := auth.Nonce()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.challenge = nonce
	s.srv.Clock.Set(&s.timer, s.srv.Limits.ChallengeTimeout, s.unanswered)
	s.conn.Send(msnp.AppendLine(nil, msnp.CHL, string(msnp.Async), nonce))
}

// unanswered runs when the time for an answer is up.
func (s *session) unanswered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.challenge == "" || s.ended:
	case s.srv.Challenge == Enforce:
		s.conn.Close(conn.Timeout)
	default:
		s.srv.Log.Warn("a challenge was not answered", "conn", s.conn.ID(), "user", s.handle)
		s.challengeLater()
	}
}

// challengeLater sets the time of the next challenge, between half of the interval and the
// whole. s.mu is held.
func (s *session) challengeLater() {
	if s.ended {
		return
	}
	half := s.srv.Limits.ChallengeInterval / 2
	s.srv.Clock.Set(&s.timer, half+rand.N(half+time.Second), s.challengeNow)
}

// chl gives the client a challenge it asked for, as a test.
func (s *session) chl(f msnp.Frame) error {
	t, err := f.TrID()
	if err != nil {
		return err
	}
	s.asked = auth.Nonce()
	return s.reply(msnp.CHL, string(t), s.asked)
}

// qry checks the answer to a challenge.
func (s *session) qry(f msnp.Frame) error {
	m, err := msnp.ParseQRY(f)
	if err != nil {
		return err
	}
	if s.srv.Challenge != Off && !s.answered(m) {
		if s.srv.Challenge == Enforce {
			return fatal{msnp.CodeChallengeFailed, conn.Refused}
		}
		s.srv.Log.Warn("a challenge was answered wrong", "conn", s.conn.ID(), "user", s.handle, "product", m.Product)
	}
	return s.reply(msnp.QRY, string(m.TrID))
}

// answered reports whether the answer is right for the open challenge or for the one the
// client asked for, which is then settled.
func (s *session) answered(m msnp.ChallengeAnswer) bool {
	product, ok := msnp.ProductByID(m.Product)
	if !ok {
		return false
	}
	right := func(nonce string) bool {
		return nonce != "" && subtle.ConstantTimeCompare([]byte(product.Answer(nonce)), []byte(m.Response)) == 1
	}
	if right(s.asked) {
		s.asked = ""
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !right(s.challenge) {
		return false
	}
	s.challenge = ""
	s.challengeLater()
	return true
}
