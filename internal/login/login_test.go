package login_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/internal/login"
	"monarch/internal/store"
)

// world is a desk and one account, whose password is "secret".
type world struct {
	t      *testing.T
	desk   *login.Desk
	store  *store.Store
	hasher *auth.Hasher
	clock  *clock.Clock
	alice  im.User
}

// cheap keeps the tests quick.
var cheap = auth.Params{Memory: 8, Time: 1}

// withRates slows guessing down.
func withRates(c *login.Config) { c.Limits.Rates = true }

// newWorld makes a desk whose configuration edit, if any, has changed.
func newWorld(t *testing.T, edit func(*login.Config)) *world {
	t.Helper()
	w := &world{t: t, hasher: auth.NewHasher(2, 64, cheap), clock: clock.New()}
	t.Cleanup(w.clock.Close)
	var err error
	w.store, err = store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "monarch.db"))
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.alice = w.addUser("alice@example.com", "secret")
	cfg := login.Config{Store: w.store, Hasher: w.hasher, Clock: w.clock, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&cfg)
	}
	w.desk = login.New(cfg)
	return w
}

func (w *world) addUser(handle, password string) im.User {
	w.t.Helper()
	hash, err := w.hasher.Hash(w.t.Context(), password)
	w.must(err)
	u, err := w.store.CreateUser(w.t.Context(), handle, handle, hash)
	w.must(err)
	return u
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// signIn tries passwords, all from one address.
func (w *world) signIn(handle string, passwords ...string) error {
	u, err := w.desk.SignIn(w.t.Context(), handle, passwords, netip.MustParseAddr("192.0.2.1"))
	if (err == nil) != (u.Handle == handle) {
		w.t.Errorf("%q signed in as %q, %v", handle, u.Handle, err)
	}
	return err
}

// enters reports whether somebody gets in with a password.
func (w *world) enters(handle, password string) bool {
	w.t.Helper()
	return w.signIn(handle, password) == nil
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

func TestWhoMayEnter(t *testing.T) {
	w := newWorld(t, nil)
	locked := w.addUser("locked@example.com", "secret")
	w.must(w.store.SetDisabled(t.Context(), locked.ID, true))
	for name, c := range map[string]struct {
		handle    string
		passwords []string
		want      error
	}{
		"the right password":        {"alice@example.com", []string{"secret"}, nil},
		"the second that it may be": {"alice@example.com", []string{"other", "secret"}, nil},
		"a wrong password":          {"alice@example.com", []string{"wrong"}, login.ErrRefused},
		"two wrong ones":            {"alice@example.com", []string{"wrong", "other"}, login.ErrRefused},
		"an account nobody has":     {"nobody@example.com", []string{"secret"}, login.ErrRefused},
		"one that cannot be any":    {"", []string{"secret"}, login.ErrRefused},
		"one that is locked":        {"locked@example.com", []string{"secret"}, login.ErrRefused},
	} {
		before := w.hasher.Computed()
		if _, err := w.desk.SignIn(t.Context(), c.handle, c.passwords, netip.Addr{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if n := w.hasher.Computed() - before; n != uint64(len(c.passwords)) {
			t.Errorf("%s: %d hashes", name, n)
		}
	}
	if in, no := w.desk.Counts.SignedIn.Load(), w.desk.Counts.Refused.Load(); in != 2 || no != 5 {
		t.Errorf("%d signed in, %d were refused", in, no)
	}
}

func TestABusyDeskSaysSo(t *testing.T) {
	w := newWorld(t, func(c *login.Config) { c.Hasher = auth.NewHasher(0, 0, cheap) })
	if err := w.signIn("alice@example.com", "secret"); !errors.Is(err, auth.ErrBusy) {
		t.Error(err)
	}
	if n := w.desk.Counts.Busy.Load(); n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestWhoGuessesIsHeldBackLongerAndLonger(t *testing.T) {
	w := newWorld(t, withRates)
	w.addUser("bob@example.com", "secret")
	for range 10 {
		if !w.enters("alice@example.com", "secret") {
			t.Fatal("right passwords count")
		}
	}
	w.fail(4, "alice@example.com")
	if !w.enters("alice@example.com", "secret") {
		t.Fatal("held back after 4 failures")
	}
	w.fail(5, "alice@example.com")
	for _, minutes := range []time.Duration{1, 2, 4, 8, 15, 15} {
		if w.enters("alice@example.com", "secret") {
			t.Fatalf("not held back for %d minutes", minutes)
		}
		w.clock.Advance(minutes*time.Minute - time.Second)
		if w.enters("alice@example.com", "secret") {
			t.Errorf("held back for less than %d minutes", minutes)
		}
		w.clock.Advance(time.Second)
		w.fail(1, "alice@example.com")
	}
	if !w.enters("bob@example.com", "secret") {
		t.Error("somebody else at the address is held back too")
	}
	w.clock.Advance(15 * time.Minute)
	if !w.enters("alice@example.com", "secret") {
		t.Error("still held back")
	}
	w.fail(4, "alice@example.com")
	if !w.enters("alice@example.com", "secret") {
		t.Error("the right password did not make good for the failures")
	}
	if n := w.desk.Counts.Limited.Load(); n != 12 {
		t.Errorf("%d attempts were counted as held back", n)
	}
}

func TestFailuresAreForgottenWithinADay(t *testing.T) {
	w := newWorld(t, withRates)
	for range 10 {
		w.fail(5, "alice@example.com")
		w.clock.Advance(15 * time.Minute)
	}
	w.clock.Advance(24 * time.Hour)
	w.fail(4, "alice@example.com")
	if !w.enters("alice@example.com", "secret") {
		t.Fatal("not forgotten")
	}
	w.fail(5, "alice@example.com")
	w.clock.Advance(time.Minute)
	if !w.enters("alice@example.com", "secret") {
		t.Error("held back for longer than the first time")
	}
}

func TestAnAddressThatGuessesIsHeldBack(t *testing.T) {
	w := newWorld(t, withRates)
	w.addUser("bob@example.com", "secret")
	if !w.enters("alice@example.com", "secret") {
		t.Fatal("refused")
	}
	for i := range 30 {
		w.fail(1, fmt.Sprintf("user%d@example.com", i))
	}
	if w.enters("bob@example.com", "secret") {
		t.Error("30 failures of one address do not hold it back")
	}
	if !w.enters("alice@example.com", "secret") {
		t.Error("an account that is at home there is held back too")
	}
	w.clock.Advance(time.Minute)
	if !w.enters("bob@example.com", "secret") {
		t.Error("address still held back after a minute")
	}
}

func TestAnAddressThatGoesOnIsTurnedAway(t *testing.T) {
	w := newWorld(t, withRates)
	var before uint64
	for i := range 1000 {
		before = w.hasher.Computed()
		err := w.signIn(fmt.Sprintf("user%d@example.com", i%20), "wrong")
		if errors.Is(err, login.ErrTurnedAway) && i >= 60 {
			break
		}
		if !errors.Is(err, login.ErrRefused) && !errors.Is(err, login.ErrLimited) {
			t.Fatalf("attempt %d: %v", i, err)
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

func TestManyGuessesAtOnceAreLimitedToo(t *testing.T) {
	w := newWorld(t, withRates)
	var guesses sync.WaitGroup
	for i := range 20 {
		guesses.Go(func() { _ = w.signIn("alice@example.com", fmt.Sprint("guess", i)) }) // counted below
	}
	guesses.Wait()
	if n := w.desk.Counts.Refused.Load(); n > 5 {
		t.Errorf("%d passwords were tried", n)
	}
}

func TestLimitsChangeWhileTheServerRuns(t *testing.T) {
	w := newWorld(t, withRates)
	w.desk.SetLimits(login.Limits{Rates: true, Guesses: login.GuessLimits{Account: 2, MaxDelay: 90 * time.Second}})
	w.fail(2, "alice@example.com")
	if w.enters("alice@example.com", "secret") {
		t.Error("the former limit holds")
	}
	w.clock.Advance(time.Minute)
	w.fail(1, "alice@example.com")
	w.clock.Advance(90 * time.Second)
	if !w.enters("alice@example.com", "secret") {
		t.Error("held back for longer than the longest time")
	}
	w.fail(3, "alice@example.com")
	w.desk.SetLimits(login.Limits{})
	if !w.enters("alice@example.com", "secret") {
		t.Error("held back without rates")
	}
}

// Whoever has come from another service gets a hash of ours when he signs in, and nothing that he was
// given becomes worthless by it.
func TestAHashOfAnotherServiceIsReplacedAtTheSignIn(t *testing.T) {
	for name, hash := range map[string]string{
		"PBKDF2 of Escargot": "pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI=",
		"MD5 of Escargot":    "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w==",
		"bcrypt":             "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			before, err := w.store.CreateUser(t.Context(), "snail@example.com", "Snail", hash)
			w.must(err)
			w.fail(1, "snail@example.com")
			if u, err := w.store.UserByID(t.Context(), before.ID); err != nil || u.PasswordHash != hash {
				t.Errorf("a wrong password has made the hash %q, %v", u.PasswordHash, err)
			}
			signer := auth.NewSigner([]auth.Key{{ID: 1, Secret: make([]byte, 32)}})
			issued := time.Unix(1_700_000_000, 0)
			ticket := signer.Ticket(auth.Ticket{User: int64(before.ID), Credential: before.Credential, Issued: issued})
			if !w.enters("snail@example.com", "open sesame") {
				t.Fatal("the right password is refused")
			}
			after, err := w.store.UserByID(t.Context(), before.ID)
			w.must(err)
			if w.hasher.Outdated(after.PasswordHash) || !strings.HasPrefix(after.PasswordHash, "$argon2id$") {
				t.Errorf("the hash is %s now", after.PasswordHash)
			}
			if got, err := signer.OpenTicket(ticket, issued, time.Hour); err != nil || got.Credential != after.Credential {
				t.Errorf("the ticket of before: %+v, %v; the credential is %d", got, err, after.Credential)
			}
			if !w.enters("snail@example.com", "open sesame") || w.enters("snail@example.com", "sesame") {
				t.Error("the new hash is of another password")
			}
		})
	}
}
