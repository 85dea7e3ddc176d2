package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
)

const cookieLife = 120 * time.Second

var cookieForm = regexp.MustCompile(`^[0-9.]{10,52}$`)

func TestCookiesAdmitToTheirSession(t *testing.T) {
	for _, tc := range []struct {
		name string
		a    auth.Admission
	}{
		{"an ordinary session", admission},
		{"the smallest numbers", auth.Admission{Board: "a:1", Session: 1, User: 1, Login: 1}},
		{"the largest numbers", auth.Admission{
			Board: strings.Repeat("x", 255) + ":65535", Session: 1<<31 - 1, User: 1<<63 - 1, Login: 1<<64 - 1,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := signer()
			text := s.Cookie(tc.a, now)
			if !cookieForm.MatchString(text) {
				t.Error(text)
			}
			here := tc.a
			here.Session = 0
			if got, err := s.OpenCookie(text, here, now, cookieLife); err != nil || got != tc.a {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestCookiesAreBound(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*auth.Admission)
	}{
		{"to the switchboard", func(a *auth.Admission) { a.Board = "192.0.2.2:1865" }},
		{"to the user", func(a *auth.Admission) { a.User++ }},
		{"to the sign-in", func(a *auth.Admission) { a.Login++ }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, here := signer(), admission
			tc.change(&here)
			if got, err := s.OpenCookie(s.Cookie(admission, now), here, now, cookieLife); !errors.Is(err, auth.ErrTicket) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestCookiesAge(t *testing.T) {
	for _, tc := range []struct {
		name string
		age  time.Duration
		ok   bool
	}{
		{"just issued", 0, true},
		{"119 s old", 119 * time.Second, true},
		{"121 s old", 121 * time.Second, false},
		{"a day old", 24 * time.Hour, false},
		{"from a clock that is a little ahead", -time.Second, true},
		{"from the future", -121 * time.Second, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := signer()
			_, err := s.OpenCookie(s.Cookie(admission, now), admission, now.Add(tc.age), cookieLife)
			if tc.ok && err != nil || !tc.ok && !errors.Is(err, auth.ErrTicket) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// The time of issue has 32 bits, which begin anew on 7 February 2106.
func TestCookiesWorkWhereTheirTimeBeginsAnew(t *testing.T) {
	s := signer()
	for _, date := range []time.Time{time.Unix(1<<31, 0), time.Unix(1<<32, 0), time.Unix(1<<32+1<<31, 0)} {
		for before := -2 * time.Second; before <= 2*time.Second; before += time.Second {
			issued := date.Add(before)
			text := s.Cookie(admission, issued)
			for age, ok := range map[time.Duration]bool{0: true, 119 * time.Second: true, 122 * time.Second: false, -119 * time.Second: true, -122 * time.Second: false} {
				if _, err := s.OpenCookie(text, admission, issued.Add(age), cookieLife); (err == nil) != ok {
					t.Errorf("issued %v, %v old: %v", issued.UTC(), age, err)
				}
			}
		}
	}
}

func TestCookiesOfOtherKeys(t *testing.T) {
	issuer := fixedKey(1, 'k')
	text := signer(issuer).Cookie(admission, now)
	for _, tc := range []struct {
		name string
		keys []auth.Key
		ok   bool
	}{
		{"an old key is accepted", []auth.Key{fixedKey(2, 'n'), issuer}, true},
		{"another secret under the same id is not", []auth.Key{fixedKey(1, 'x')}, false},
		{"the same secret under another id is not", []auth.Key{fixedKey(2, 'k')}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := signer(tc.keys...).OpenCookie(text, admission, now, cookieLife)
			if tc.ok && err != nil || !tc.ok && !errors.Is(err, auth.ErrTicket) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// A cookie is good once, which the switchboard sees by its text: so it must have one form.
func TestTamperedCookiesAreRefused(t *testing.T) {
	s := signer()
	text := s.Cookie(admission, now)
	refused := func(what, changed string) {
		t.Helper()
		if changed == text {
			return
		}
		if got, err := s.OpenCookie(changed, admission, now, cookieLife); !errors.Is(err, auth.ErrTicket) || got != (auth.Admission{}) {
			t.Errorf("%s: %q: %+v, %v", what, changed, got, err)
		}
	}
	for i := range text {
		for c := range 256 {
			refused("a byte replaced", text[:i]+string([]byte{byte(c)})+text[i+1:])
			refused("a byte inserted", text[:i]+string([]byte{byte(c)})+text[i:])
		}
		refused("a byte left out", text[:i]+text[i+1:])
		refused("cut short", text[:i])
	}
	group := strings.Split(text, ".")
	refused("groups exchanged", group[0]+"."+group[2]+"."+group[1])
	refused("a group more", text+".0")
	refused("a group too large", group[0]+"."+group[1]+".18446744073709551616")
	refused("leading zeros everywhere", "0"+group[0]+".0"+group[1]+".0"+group[2])
	refused("a sign", "+"+text)
	refused("nothing", "")
	refused("dots", "..")
}

// BitlBee and others look for patterns in what they get; there are none.
func TestAThousandCookiesHaveNothingInCommon(t *testing.T) {
	s, seen, first := signer(), make(map[string]bool), make(map[byte]bool)
	for range 1000 {
		a := admission
		a.Session = auth.SessionID()
		text := s.Cookie(a, now)
		if !cookieForm.MatchString(text) {
			t.Error(text)
		}
		seen[text], first[text[0]] = true, true
	}
	if len(seen) != 1000 || len(first) == 1 {
		t.Errorf("%d different ones, %d beginnings", len(seen), len(first))
	}
	again := make(map[string]bool)
	for range 1000 {
		again[s.Cookie(admission, now)] = true
	}
	if len(again) != 1000 {
		t.Errorf("%d different ones for the same session", len(again))
	}
}

func TestNonceIsTwentyDigits(t *testing.T) {
	form, seen := regexp.MustCompile(`^[0-9]{20}$`), make(map[string]bool)
	for range 1000 {
		n := auth.Nonce()
		if !form.MatchString(n) {
			t.Error(n)
		}
		seen[n] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different ones", len(seen))
	}
}

func TestSessionIDsArePositiveNumbersOf31Bits(t *testing.T) {
	seen := make(map[uint32]bool)
	for range 1000 {
		id := auth.SessionID()
		if id < 1 || id > 2147483647 {
			t.Error(id)
		}
		seen[id] = true
	}
	if len(seen) < 990 {
		t.Errorf("%d different ones", len(seen))
	}
}

func TestTokenIsThirtyTwoHexDigits(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	if a, b := auth.Token(), auth.Token(); !form.MatchString(a) || a == b {
		t.Error(a, b)
	}
}
