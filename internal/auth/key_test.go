package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
)

// signed is one of each thing that keys sign.
type signed struct{ ticket, token, cookie string }

func sign(s *auth.Signer) signed {
	return signed{s.Ticket(alice), s.WebToken(alice), s.Cookie(admission, now)}
}

// accepted returns an error for each thing that does not pass.
func (g signed) accepted(s *auth.Signer, at time.Time) []error {
	_, ticket := s.OpenTicket(g.ticket, at, auth.MaxLife)
	_, token := s.OpenWebToken(g.token, at, auth.MaxLife)
	_, cookie := s.OpenCookie(g.cookie, admission, at, auth.MaxLife)
	return []error{ticket, token, cookie}
}

func TestAReplacedKeyAcceptsUntilItRetires(t *testing.T) {
	s := signer()
	before := sign(s)
	old := fixedKey(1, 'k')
	old.Retires = now.Add(time.Hour).Unix()
	s.SetKeys([]auth.Key{fixedKey(2, 'n'), old})
	after := sign(s)
	for _, tc := range []struct {
		name string
		what signed
		at   time.Duration
		ok   bool
	}{
		{"what was signed before", before, 0, true},
		{"and until it retires", before, time.Hour - time.Second, true},
		{"but not from then on", before, time.Hour, false},
		{"what was signed after", after, 0, true},
		{"and later", after, 2 * time.Hour, true},
	} {
		for i, err := range tc.what.accepted(s, now.Add(tc.at)) {
			if tc.ok && err != nil || !tc.ok && !errors.Is(err, auth.ErrTicket) {
				t.Errorf("%s, thing %d: %v", tc.name, i, err)
			}
		}
	}
	s.SetKeys([]auth.Key{fixedKey(2, 'n')})
	for i, err := range before.accepted(s, now) {
		if !errors.Is(err, auth.ErrTicket) {
			t.Errorf("thing %d of a deleted key: %v", i, err)
		}
	}
}

// An id may come round again: the things of its former owner are worth nothing then.
func TestAnIDThatComesRoundAgainAcceptsOnlyItsOwn(t *testing.T) {
	s := signer(fixedKey(255, 'a'))
	before := sign(s)
	s.SetKeys([]auth.Key{fixedKey(255, 'b')})
	for i, err := range before.accepted(s, now) {
		if !errors.Is(err, auth.ErrTicket) {
			t.Errorf("thing %d: %v", i, err)
		}
	}
}

func TestWithoutKeysNothingIsAccepted(t *testing.T) {
	things := sign(signer())
	for i, err := range things.accepted(auth.NewSigner(nil), now) {
		if !errors.Is(err, auth.ErrTicket) {
			t.Errorf("thing %d: %v", i, err)
		}
	}
}

func TestKeysAreReplacedWhileTheyAreUsed(t *testing.T) {
	a, b := fixedKey(1, 'a'), fixedKey(2, 'b')
	s := signer(a, b)
	done := make(chan struct{})
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for {
				for i, err := range sign(s).accepted(s, now) {
					if err != nil {
						t.Errorf("thing %d: %v", i, err)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 2000 {
		s.SetKeys([]auth.Key{b, a})
		s.SetKeys([]auth.Key{a, b})
	}
	close(done)
	users.Wait()
}

func TestNobodyPrintsASecret(t *testing.T) {
	k := fixedKey(7, 'k')
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("a key", "key", k, "pointer", &k)
	fmt.Fprintf(&b, "%v %+v %#v %s %v %+v", k, k, k, k, &k, []auth.Key{k})
	for _, form := range []string{
		strings.Repeat("k", 8), hex.EncodeToString(k.Secret)[:16], base64.StdEncoding.EncodeToString(k.Secret)[:16], "107 107 107",
	} {
		if strings.Contains(b.String(), form) {
			t.Errorf("the secret is in:\n%s", &b)
		}
	}
	if !strings.Contains(b.String(), "key 7") {
		t.Errorf("no key 7 in:\n%s", &b)
	}
}
