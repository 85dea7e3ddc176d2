package ns

import (
	"crypto/subtle"
	"math/rand/v2"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
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
	s.beside().challenge = nonce
	s.srv.Clock.Wake(s, patience, s.srv.Limits().ChallengeTimeout)
	s.conn.Send(msnp.AppendLine(nil, msnp.CHL, string(msnp.Async), nonce))
}

// The timers of a session, which is a clock.Sleeper.
const (
	challenge = iota // until the next challenge
	patience         // until its answer must be there
)

// Timer returns one of them.
func (s *session) Timer(n int) *clock.Timer { return &s.timers[n] }

// Wake is what the clock calls.
func (s *session) Wake(n int) {
	if n == challenge {
		s.challengeNow()
	} else {
		s.unanswered()
	}
}

// unanswered runs when the time for an answer is up.
func (s *session) unanswered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.aside == nil || s.aside.challenge == "" || s.ended:
	case s.srv.Challenge == Enforce:
		s.conn.Close(conn.Timeout)
	default:
		s.srv.Log.Warn("a challenge was not answered", "conn", s.conn.ID(), "user", s.handle())
		s.challengeLater()
	}
}

// challengeLater sets the time of the next challenge, between half of the interval and the
// whole. s.mu is held.
func (s *session) challengeLater() {
	if s.ended {
		return
	}
	half := s.srv.Limits().ChallengeInterval / 2
	s.srv.Clock.Wake(s, challenge, half+rand.N(half+time.Second))
}

// chl gives the client a challenge it asked for, as a test.
func (s *session) chl(f msnp.Frame) error {
	t, err := f.TrID()
	if err != nil {
		return err
	}
	s.own().asked = auth.Nonce()
	return s.reply(msnp.CHL, string(t), s.private.asked)
}

// qry checks the answer to a challenge.
func (s *session) qry(f msnp.Frame) error {
	m, err := msnp.ParseQRY(f)
	if err != nil {
		return err
	}
	if s.srv.Challenge != Off && !s.answered(m) {
		if s.srv.Challenge == Enforce {
			s.srv.Audit.Later(audit.Event{What: audit.Disconnected, User: s.handle(), Addr: s.conn.Peer(), Note: "challenge answered wrong"})
			return fatal{msnp.CodeChallengeFailed, conn.Refused}
		}
		s.srv.Log.Warn("a challenge was answered wrong", "conn", s.conn.ID(), "user", s.handle(), "product", m.Product)
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
	if s.private != nil && right(s.private.asked) {
		s.private.asked = ""
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside == nil || !right(s.aside.challenge) {
		return false
	}
	s.aside.challenge = ""
	s.tidy()
	s.srv.Clock.Stop(&s.timers[patience])
	s.challengeLater()
	return true
}
