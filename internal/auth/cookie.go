package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Admission is what a caller's cookie grants: one entrance to a switchboard, to this user
// in this login.
type Admission struct {
	Board   string // address of the switchboard, as the client is told
	Session uint32 // the session to create, 1 to 2147483647
	User    int64
	Login   uint64 // number of the sign-in it was given to
}

// SessionID returns a random number for a switchboard session, 1 to 2147483647.
func SessionID() uint32 {
	for {
		if n := uint32(random64()) &^ (1 << 31); n != 0 {
			return n
		}
	}
}

// Nonce returns 20 random decimal digits, the form of a challenge and of the groups of a
// cookie.
func Nonce() string {
	digits := strconv.FormatUint(random64(), 10)
	return strings.Repeat("0", 20-len(digits)) + digits
}

func random64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// Cookie returns the cookie of XFR: three groups of digits with dots between, the session's
// number, a nonce with the time of issue, and a MAC. docs/protocol/switchboard.md#cookies
func (s *Signer) Cookie(a Admission, now time.Time) string {
	nonce := random64()<<32 | uint64(uint32(now.Unix()))
	return cookieText(uint64(a.Session), nonce, (*s.keys.Load())[0].cookieMAC(a, nonce))
}

func cookieText(session, nonce, mac uint64) string {
	return strconv.FormatUint(session, 10) + "." + strconv.FormatUint(nonce, 10) + "." + strconv.FormatUint(mac, 10)
}

// OpenCookie checks a cookie of [Signer.Cookie] that may be life old, presented at the board
// by the user in the login of a, and returns a with the session it admits to. The error is
// [ErrTicket].
func (s *Signer) OpenCookie(text string, a Admission, now time.Time, life time.Duration) (Admission, error) {
	groups := strings.Split(text, ".")
	if len(groups) != 3 {
		return Admission{}, ErrTicket
	}
	session, err1 := strconv.ParseUint(groups[0], 10, 31)
	nonce, err2 := strconv.ParseUint(groups[1], 10, 64)
	mac, err3 := strconv.ParseUint(groups[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Admission{}, ErrTicket
	}
	if cookieText(session, nonce, mac) != text {
		return Admission{}, ErrTicket // leading zeros would make another cookie of a used one
	}
	a.Session = uint32(session)
	age := time.Duration(int32(uint32(now.Unix())-uint32(nonce))) * time.Second // right in 2106, too
	for _, k := range *s.keys.Load() {
		if k.Retired(now) || subtle.ConstantTimeCompare(word(mac), word(k.cookieMAC(a, nonce))) != 1 {
			continue
		}
		if age > life || -age > life {
			break
		}
		return a, nil
	}
	s.unknown()
	return Admission{}, ErrTicket
}

func (k Key) cookieMAC(a Admission, nonce uint64) uint64 {
	b := make([]byte, 0, 64)
	b = append(b, byte(forCookie), k.ID)
	b = binary.BigEndian.AppendUint32(b, a.Session)
	b = binary.BigEndian.AppendUint64(b, uint64(a.User))
	b = binary.BigEndian.AppendUint64(b, a.Login)
	b = binary.BigEndian.AppendUint64(b, nonce)
	b = append(b, a.Board...)
	return binary.BigEndian.Uint64(k.mac(b))
}

func word(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Token returns 32 random hex digits.
func Token() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
