package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"
)

// A form to sign up carries a challenge. Whoever sends it shows that it was worth some work to
// him: a number that, behind the challenge, has a hash which begins with so many zero bits. A
// browser that runs no scripts shows instead that it has waited.
const (
	proofLife = time.Hour   // of a challenge
	proofWait = time.Minute // in place of work
	maxSpent  = 1 << 16     // challenges remembered, in each half of their life
	maxAnswer = 20          // digits
)

// A challenge is 64 characters, so that a hash of an answer behind it begins with a block that is
// the same for all answers: the time of issue, the bits wanted, a nonce, and a MAC of that.
const (
	nonceLen     = 15
	signedLen    = 8 + 1 + nonceLen
	challengeLen = 2 * signedLen
)

// nonce tells challenges apart.
type nonce [nonceLen]byte

// challenge is one that was issued here.
type challenge struct {
	issued time.Time
	bits   int
	nonce  nonce
}

// issue makes a challenge.
func (s *Server) issue(bits int) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, challengeLen), uint64(s.cfg.Clock.Steady().UnixMilli()))
	b = append(b, byte(bits))
	b = b[:signedLen]
	rand.Read(b[signedLen-nonceLen:])
	return base64.RawURLEncoding.EncodeToString(append(b, s.seal(b)...))
}

// open reads a challenge. It reports false if it was not issued here, or too long ago.
func (s *Server) open(text string) (challenge, bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != challengeLen || !hmac.Equal(b[signedLen:], s.seal(b[:signedLen])) {
		return challenge{}, false
	}
	c := challenge{issued: time.UnixMilli(int64(binary.BigEndian.Uint64(b))), bits: int(b[8])}
	copy(c.nonce[:], b[9:signedLen])
	return c, s.cfg.Clock.Steady().Sub(c.issued) < proofLife
}

// seal signs a challenge, as long as that is itself.
func (s *Server) seal(b []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("challenge"))
	mac.Write(b)
	return mac.Sum(nil)[:signedLen]
}

// solves reports whether an answer to a challenge, in the form it was issued in, is right.
func (c challenge) solves(text, answer string) bool {
	if answer == "" || len(answer) > maxAnswer {
		return false
	}
	sum := sha256.Sum256([]byte(text + answer))
	zeros := 0
	for _, b := range sum {
		zeros += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return zeros >= c.bits
}

// spent remembers which challenges have been used, for as long as they are good. It has two
// halves, of which the older one is forgotten when its last challenge has expired.
type spent struct {
	mu         sync.Mutex // leaf
	young, old map[nonce]struct{}
	since      time.Duration // young was begun
}

// use reports whether a challenge is used for the first time. When too many were used, none is:
// that takes more work than anybody who only wants an account has done.
func (s *spent) use(n nonce, now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch age := now - s.since; {
	case s.young == nil || age >= 2*proofLife:
		s.young, s.old, s.since = make(map[nonce]struct{}), nil, now
	case age >= proofLife:
		s.young, s.old, s.since = make(map[nonce]struct{}), s.young, now
	}
	_, before := s.young[n]
	_, longBefore := s.old[n]
	if before || longBefore || len(s.young) >= maxSpent {
		return false
	}
	s.young[n] = struct{}{}
	return true
}
