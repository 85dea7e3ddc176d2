package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"
)

// ErrTicket says that a ticket was not made here, was made for something else, or is too
// old. Which of these is nobody's business.
var ErrTicket = errors.New("ticket not valid")

// Ticket says that somebody proved to be an account. It is bound to the account's
// credential count, so that a new password or a lock-out voids it.
type Ticket struct {
	User       int64
	Credential uint32
	Issued     time.Time // in whole seconds
}

// purpose keeps the things that one key signs apart.
type purpose byte

const (
	forSignIn purpose = 't'
	forWeb    purpose = 'w'
	forCookie purpose = 'c'
)

// ticketAlphabet is base64 in the characters that every client passes on unharmed. It is
// strict, so that a ticket has one form only.
// docs/protocol/passport.md#tickets
var ticketAlphabet = base64.NewEncoding(
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*!").WithPadding(base64.NoPadding).Strict()

// The body of a ticket: purpose, key id, account, credential, time of issue, nonce; then the
// MAC of all that.
const (
	bodyLen   = 1 + 1 + 8 + 4 + 8 + 8
	ticketLen = bodyLen + sha256.Size
)

// profilePart follows the ticket proper. Clients cut the two apart at "&p=" and some need
// something behind it; it carries nothing.
const profilePart = "&p=0"

// Signer signs tickets and cookies with the first of its keys and accepts those of all that
// have not retired. Its keys may be replaced at any time.
type Signer struct {
	keys    atomic.Pointer[[]Key]
	unknown func()
}

// NewSigner returns a signer with keys as [Signer.SetKeys] takes them.
func NewSigner(keys []Key) *Signer {
	s := &Signer{unknown: func() {}}
	s.SetKeys(keys)
	return s
}

// OnUnknown registers a function that is told of something that none of the keys signed: perhaps
// there is a new one. Strangers decide how often. It must not wait, and is for construction time.
func (s *Signer) OnUnknown(fn func()) { s.unknown = fn }

// SetKeys replaces the keys: the one that signs comes first. keys must not be changed any more.
// Without any, nothing is accepted, and nothing may be signed.
func (s *Signer) SetKeys(keys []Key) { s.keys.Store(&keys) }

// Ticket returns a ticket as USR carries it: "t=...&p=0", of letters, digits, * and !.
func (s *Signer) Ticket(t Ticket) string { return "t=" + s.seal(forSignIn, t) + profilePart }

// OpenTicket checks a ticket of [Signer.Ticket] that may be life old. The error is
// [ErrTicket].
func (s *Signer) OpenTicket(text string, now time.Time, life time.Duration) (Ticket, error) {
	body, prefixed := strings.CutPrefix(text, "t=")
	body, suffixed := strings.CutSuffix(body, profilePart)
	if !prefixed || !suffixed {
		return Ticket{}, ErrTicket
	}
	return s.open(forSignIn, body, now, life)
}

// WebToken returns a token for web pages, of the same alphabet: MSPAuth in the profile.
func (s *Signer) WebToken(t Ticket) string { return s.seal(forWeb, t) }

// OpenWebToken checks a token of [Signer.WebToken]. The error is [ErrTicket].
func (s *Signer) OpenWebToken(text string, now time.Time, life time.Duration) (Ticket, error) {
	return s.open(forWeb, text, now, life)
}

func (s *Signer) seal(p purpose, t Ticket) string {
	key := (*s.keys.Load())[0]
	b := make([]byte, 0, ticketLen)
	b = append(b, byte(p), key.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(t.User))
	b = binary.BigEndian.AppendUint32(b, t.Credential)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Issued.Unix()))
	b = b[:bodyLen]
	rand.Read(b[bodyLen-8:])
	return ticketAlphabet.EncodeToString(append(b, key.mac(b)...))
}

func (s *Signer) open(p purpose, text string, now time.Time, life time.Duration) (Ticket, error) {
	if len(text) != ticketAlphabet.EncodedLen(ticketLen) {
		return Ticket{}, ErrTicket
	}
	b, err := ticketAlphabet.DecodeString(text)
	if err != nil || len(b) != ticketLen || b[0] != byte(p) {
		return Ticket{}, ErrTicket
	}
	key, ok := s.key(b[1], now)
	if !ok || !hmac.Equal(key.mac(b[:bodyLen]), b[bodyLen:]) {
		return Ticket{}, ErrTicket
	}
	t := Ticket{
		User:       int64(binary.BigEndian.Uint64(b[2:])),
		Credential: binary.BigEndian.Uint32(b[10:]),
		Issued:     time.Unix(int64(binary.BigEndian.Uint64(b[14:])), 0),
	}
	if now.Sub(t.Issued) > life || t.Issued.Sub(now) > life {
		return Ticket{}, ErrTicket
	}
	return t, nil
}

func (s *Signer) key(id uint8, now time.Time) (Key, bool) {
	for _, k := range *s.keys.Load() {
		if k.ID == id && !k.Retired(now) {
			return k, true
		}
	}
	s.unknown()
	return Key{}, false
}

func (k Key) mac(b []byte) []byte {
	h := hmac.New(sha256.New, k.Secret)
	h.Write(b)
	return h.Sum(nil)
}
