package auth_test

import (
	"testing"
	"time"

	"monarch/internal/auth"
)

// These were issued by the signer of these tests, for alice and for admission. That they
// are still accepted also shows that an update of the server voids nothing.
const (
	issuedTicket = "t=dAEAAAEfcfsEywAAAAcAAAAAQZCrAKCyQe5aREa57*FvEUPBIEyEQlhoV*y228lpYJ*RwDVvrJC653aB6TQ&p=0"
	issuedToken  = "dwEAAAEfcfsEywAAAAcAAAAAQZCrAOTFgsRv3wsVnIiebqpRWKwryZ7zT5HS7aocbNm4JhmW3SACP4k03ME"
	issuedCookie = "4711.1337544493151333120.16184165586803317205"
)

func TestWhatWasIssuedEarlierIsAccepted(t *testing.T) {
	s := signer()
	if got, err := s.OpenTicket(issuedTicket, now, time.Hour); err != nil || got.User != alice.User {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.OpenWebToken(issuedToken, now, time.Hour); err != nil || got.User != alice.User {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.OpenCookie(issuedCookie, admission, now, time.Hour); err != nil || got != admission {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzOpen looks for a text that is accepted and was not issued.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{issuedTicket, issuedToken, issuedCookie, "", "t=&p=0", "1.2.3", "t=" + issuedToken + "&p=0"} {
		f.Add(seed)
	}
	s := signer()
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := s.OpenTicket(text, now, time.Hour); (err == nil) != (text == issuedTicket) {
			t.Errorf("ticket %q: %+v, %v", text, got, err)
		}
		if got, err := s.OpenWebToken(text, now, time.Hour); (err == nil) != (text == issuedToken) {
			t.Errorf("web token %q: %+v, %v", text, got, err)
		}
		if got, err := s.OpenCookie(text, admission, now, time.Hour); (err == nil) != (text == issuedCookie) {
			t.Errorf("cookie %q: %+v, %v", text, got, err)
		}
		auth.NewHasher(1, 1, cheap).Outdated(text)
	})
}
