package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
)

// kinds are the two things made of a ticket, which look and age alike.
var kinds = []struct {
	name string
	form *regexp.Regexp
	make func(*auth.Signer, auth.Ticket) string
	open func(*auth.Signer, string, time.Time, time.Duration) (auth.Ticket, error)
}{
	{"ticket", regexp.MustCompile(`^t=[A-Za-z0-9*!]+&p=[A-Za-z0-9*!]+$`), (*auth.Signer).Ticket, (*auth.Signer).OpenTicket},
	{"web token", regexp.MustCompile(`^[A-Za-z0-9*!]+$`), (*auth.Signer).WebToken, (*auth.Signer).OpenWebToken},
}

func TestTicketsComeBackAsTheyWere(t *testing.T) {
	for _, k := range kinds {
		for _, tc := range []struct {
			name   string
			ticket auth.Ticket
		}{
			{"an ordinary account", alice},
			{"the smallest numbers", auth.Ticket{User: 1, Credential: 0, Issued: now}},
			{"the largest numbers", auth.Ticket{User: 1<<63 - 1, Credential: 1<<32 - 1, Issued: now}},
			{"a time with a fraction loses it", auth.Ticket{User: 1, Issued: now.Add(900 * time.Millisecond)}},
		} {
			t.Run(k.name+" of "+tc.name, func(t *testing.T) {
				s := signer()
				text := k.make(s, tc.ticket)
				if !k.form.MatchString(text) || len(text) >= 300 {
					t.Errorf("%d bytes: %s", len(text), text)
				}
				got, err := k.open(s, text, now.Add(time.Minute), time.Hour)
				want := tc.ticket
				want.Issued = want.Issued.Truncate(time.Second)
				if err != nil || got.User != want.User || got.Credential != want.Credential || !got.Issued.Equal(want.Issued) {
					t.Errorf("%+v, %v; want %+v", got, err, want)
				}
			})
		}
	}
}

func TestTicketsAge(t *testing.T) {
	const life = 10 * time.Minute
	for _, k := range kinds {
		for _, tc := range []struct {
			name string
			age  time.Duration
			ok   bool
		}{
			{"just issued", 0, true},
			{"a second before its end", life - time.Second, true},
			{"at its end", life, true},
			{"a second after its end", life + time.Second, false},
			{"a year old", 365 * 24 * time.Hour, false},
			{"from a clock that is a little ahead", -time.Second, true},
			{"from the future", -life - time.Second, false},
		} {
			t.Run(k.name+" "+tc.name, func(t *testing.T) {
				s := signer()
				_, err := k.open(s, k.make(s, alice), now.Add(tc.age), life)
				if tc.ok && err != nil || !tc.ok && !errors.Is(err, auth.ErrTicket) {
					t.Errorf("err = %v", err)
				}
			})
		}
	}
}

func TestTicketsOfOtherKeysAreRefused(t *testing.T) {
	issuer := fixedKey(1, 'k')
	for _, k := range kinds {
		for _, tc := range []struct {
			name string
			keys []auth.Key
			ok   bool
		}{
			{"the same key", []auth.Key{issuer}, true},
			{"a newer key and the same", []auth.Key{fixedKey(2, 'n'), issuer}, true},
			{"another secret under the same id", []auth.Key{fixedKey(1, 'x')}, false},
			{"the same secret under another id", []auth.Key{fixedKey(2, 'k')}, false},
			{"other keys", []auth.Key{fixedKey(2, 'n'), fixedKey(3, 'm')}, false},
		} {
			t.Run(k.name+" and "+tc.name, func(t *testing.T) {
				_, err := k.open(signer(tc.keys...), k.make(signer(issuer), alice), now, time.Hour)
				if tc.ok && err != nil || !tc.ok && !errors.Is(err, auth.ErrTicket) {
					t.Errorf("err = %v", err)
				}
			})
		}
	}
}

func TestTheNewestKeySigns(t *testing.T) {
	old, young := fixedKey(1, 'o'), fixedKey(2, 'y')
	s := signer(young, old)
	if _, err := signer(young).OpenTicket(s.Ticket(alice), now, time.Hour); err != nil {
		t.Error("not signed with the newest key")
	}
}

// A ticket has one form: nothing can be changed, added or left out, however the characters
// are written.
func TestTamperedTicketsAreRefused(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := signer()
			text := k.make(s, alice)
			refused := func(what, changed string) {
				t.Helper()
				if changed == text {
					return
				}
				if got, err := k.open(s, changed, now, time.Hour); !errors.Is(err, auth.ErrTicket) || got != (auth.Ticket{}) {
					t.Errorf("%s: %+v, %v", what, got, err)
				}
			}
			for i := range text {
				for c := range 256 {
					refused("a byte replaced", text[:i]+string([]byte{byte(c)})+text[i+1:])
				}
				refused("a byte left out", text[:i]+text[i+1:])
				refused("a byte doubled", text[:i]+text[i:i+1]+text[i:])
				refused("a line end inserted", text[:i]+"\r\n"+text[i:])
				refused("cut short", text[:i])
			}
			for _, more := range []string{"=", "==", "A", "\n", "\x00", "&p=0", " "} {
				refused("something appended", text+more)
				refused("something in front", more+text)
			}
			refused("twice", text+text)
			refused("nothing", "")
		})
	}
}

func TestPurposesAreKeptApart(t *testing.T) {
	s := signer()
	ticket, token := s.Ticket(alice), s.WebToken(alice)
	body := strings.TrimSuffix(strings.TrimPrefix(ticket, "t="), "&p=0")
	if _, err := s.OpenWebToken(body, now, time.Hour); !errors.Is(err, auth.ErrTicket) {
		t.Errorf("a ticket as web token: %v", err)
	}
	if _, err := s.OpenTicket("t="+token+"&p=0", now, time.Hour); !errors.Is(err, auth.ErrTicket) {
		t.Errorf("a web token as ticket: %v", err)
	}
}

func TestNoTwoTicketsAreAlike(t *testing.T) {
	s, seen := signer(), make(map[string]bool)
	for range 1000 {
		seen[s.Ticket(alice)] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 are different", len(seen))
	}
}

func TestNewKeysAreRandom(t *testing.T) {
	a, b := auth.NewKey(3, 5), auth.NewKey(3, 5)
	if a.ID != 3 || a.Created != 5 || len(a.Secret) != 32 || string(a.Secret) == string(b.Secret) {
		t.Errorf("%+v", a.ID)
	}
}
