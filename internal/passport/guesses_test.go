package passport_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"monarch/internal/login"
	"monarch/internal/passport"
)

// refusal is what a refused client shows.
const refusal = "The%20e-mail%20address%20or%20password%20is%20incorrect.%20After%20several%20attempts%20wait%20a%20few%20minutes%20before%20the%20next."

// withRates slows guessing down.
func withRates(c *passport.Config) { c.Login.SetLimits(login.Limits{Rates: true}) }

// enters reports whether somebody gets in with a password.
func (w *world) enters(handle, password string) bool {
	w.t.Helper()
	return w.ticket(w.logIn("sign-in="+handle+",pwd="+password)) != ""
}

// fail tries wrong passwords.
func (w *world) fail(times int, handle string) {
	w.t.Helper()
	for range times {
		if w.enters(handle, "wrong") {
			w.t.Fatal("a wrong password is right")
		}
	}
}

// TestRefusalsAreAllTheSame is why nobody finds out which accounts there are: whatever is wrong,
// the answer is the same to the byte, and as many hashes were computed for it.
func TestRefusalsAreAllTheSame(t *testing.T) {
	for name, rates := range map[string]bool{"with rates": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *passport.Config) { c.Login.SetLimits(login.Limits{Rates: rates}) })
			locked := w.addUser("locked@example.com", "secret")
			w.must(w.store.SetDisabled(t.Context(), locked.ID, true))
			w.addUser("held@example.com", "secret")
			w.fail(5, "held@example.com")
			ask := func(authorization string) (answer string, work uint64) {
				before := w.hasher.Computed()
				answer = w.logIn(authorization)
				return answer, w.hasher.Computed() - before
			}
			want, _ := ask("sign-in=alice@example.com,pwd=wrong" + challenge)
			head, _, _ := strings.Cut(want, "\r\n\r\n")
			if lines := strings.Split(head, "\r\n"); lines[0] != "HTTP/1.1 401 Unauthorized" || lines[1] != "Content-Type: text/html" ||
				lines[3] != "WWW-Authenticate: Passport1.4 da-status=failed,srealm=Passport.NET,ts=-3,prompt,cburl=http://login.passport.com/logo.gif,cbtxt="+refusal ||
				lines[4] != "PassportConfig: ConfigVersion=11" || lines[5] != "Connection: close" || len(lines) != 6 {
				t.Errorf("refusal %q", lines)
			}
			held := "secret"
			if !rates {
				held = "wrong"
			}
			for what, c := range map[string]struct {
				authorization string
				work          uint64
			}{
				"wrong password":                  {"sign-in=alice@example.com,pwd=wrong", 1},
				"unknown account":                 {"sign-in=nobody@example.com,pwd=secret", 1},
				"locked account":                  {"sign-in=locked@example.com,pwd=secret", 1},
				"held back":                       {"sign-in=held@example.com,pwd=" + held, 1},
				"wrong password, not UTF-8":       {"sign-in=alice@example.com,pwd=%ff", 2},
				"unknown account, not UTF-8":      {"sign-in=nobody@example.com,pwd=%ff", 2},
				"locked account, not UTF-8":       {"sign-in=locked@example.com,pwd=%ff", 2},
				"held back, not UTF-8":            {"sign-in=held@example.com,pwd=%ff", 2},
				"no address":                      {"sign-in=%00,pwd=secret", 1},
				"unreadable, whoever it was from": {"nonsense", 0},
				"password missing":                {"sign-in=alice@example.com,lc=1", 0},
			} {
				if got, work := ask(c.authorization); got != want || work != c.work {
					t.Errorf("%s: %d hashes, answered %q", what, work, got)
				}
			}
			soap, before := w.askHTTPS(rstRequest("alice@example.com", "wrong")), w.hasher.Computed()
			for i, who := range []string{"nobody", "locked", "alice", "held"} {
				password := map[bool]string{true: "wrong", false: "secret"}[who == "alice" || who == "held" && !rates]
				got := w.askHTTPS(rstRequest(who+"@example.com", password))
				if work := w.hasher.Computed() - before; got != soap || work != uint64(i+1) {
					t.Errorf("%s by SOAP: %d hashes in all, answered %q", who, work, got)
				}
			}
		})
	}
}

func TestAnAddressThatGoesOnIsTurnedAway(t *testing.T) {
	w := newWorld(t, withRates)
	var before uint64
	for i := range 1000 {
		before = w.hasher.Computed()
		got := w.logIn(fmt.Sprintf("sign-in=user%d@example.com,pwd=wrong", i%20))
		if isUnavailable(got) && i >= 60 {
			break
		}
		if !strings.HasPrefix(got, "HTTP/1.1 401 Unauthorized\r\n") {
			t.Fatalf("attempt %d: answered %q", i, got)
		}
	}
	if n := w.hasher.Computed() - before; n != 0 {
		t.Errorf("for %d hashes", n)
	}
	w.clock.Advance(time.Minute)
	if !w.enters("alice@example.com", "secret") {
		t.Error("still turned away")
	}
}
