package account_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
)

// world is a service without a server.
type world struct {
	*account.Service
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "monarch.db"))
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	t.Cleanup(func() {
		clk.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{&account.Service{
		Store: s, Hub: hub.New(clk, 0), Hasher: auth.NewHasher(1, 8, auth.Params{Memory: 8, Time: 1}),
		Clock: clk,
		Log:   slog.New(slog.DiscardHandler),
	}, t}
}

// add makes an account whose password is its name and "pw".
func (w *world) add(name string) im.User {
	w.t.Helper()
	u, err := w.Create(w.t.Context(), account.New{Email: name + "@example.com", Name: name, Password: name + "pw"})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// session counts what a signed-in client is handed.
type session struct{ heard []hub.Event }

func (s *session) Deliver(ev hub.Event) bool {
	s.heard = append(s.heard, ev)
	return true
}

func (w *world) signIn(u im.User) *session {
	s := new(session)
	w.Hub.SignIn(hub.Login{Person: u.Person}, s)
	return s
}

func TestWhatAnAccountCannotBe(t *testing.T) {
	w := newWorld(t)
	w.add("alice")
	for name, c := range map[string]struct {
		account account.New
		want    error
	}{
		"no address":                    {account.New{Email: "bob", Password: "secret"}, account.ErrBadEmail},
		"an address of somebody else":   {account.New{Email: "Alice@example.com", Password: "secret"}, im.ErrHandleTaken},
		"no password":                   {account.New{Email: "bob@example.com"}, account.ErrPasswordLength},
		"a long password":               {account.New{Email: "bob@example.com", Password: strings.Repeat("x", 257)}, account.ErrPasswordLength},
		"control characters":            {account.New{Email: "bob@example.com", Password: "a\tb"}, account.ErrPasswordControl},
		"a name too long for a client":  {account.New{Email: "bob@example.com", Name: strings.Repeat("x", 500), Password: "secret"}, account.ErrBadName},
		"control characters are wrong":  {account.New{Email: "bob@example.com", Password: "a\x7f"}, account.ErrBadPassword},
		"and so is a length of nothing": {account.New{Email: "bob@example.com"}, account.ErrBadPassword},
	} {
		if _, err := w.Create(t.Context(), c.account); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAccountFromItsBeginningToItsEnd(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u, err := w.Create(ctx, account.New{Email: "Bob@example.com", Password: "secret"})
	if err != nil || u.Handle != "bob@example.com" || u.Name != "bob" {
		t.Fatalf("made %+v, %v", u, err)
	}
	if right, err := w.PasswordIs(ctx, u, "secret"); !right || err != nil {
		t.Errorf("its password: %t, %v", right, err)
	}
	for name, c := range map[string]struct {
		do   func() error
		want hub.Event
	}{
		"renamed":             {func() error { return w.Rename(ctx, u, "Robert") }, hub.Renamed{Name: "Robert"}},
		"with a new password": {func() error { return w.SetPassword(ctx, u, "other") }, hub.Kicked{Why: hub.AccountChanged}},
		"put out":             {func() error { return present(w.EndSession(ctx, u)) }, hub.Kicked{Why: hub.ByOperator}},
		"locked":              {func() error { return w.SetDisabled(ctx, u, true) }, hub.Kicked{Why: hub.AccountChanged}},
	} {
		s := w.signIn(u)
		if err := c.do(); err != nil || len(s.heard) != 1 || s.heard[0] != c.want {
			t.Errorf("%s: %v, told %v", name, err, s.heard)
		}
	}
	u, err = w.Store.UserByID(ctx, u.ID)
	if err != nil || u.Name != "Robert" || !u.Disabled {
		t.Errorf("it is %+v, %v", u, err)
	}
	if right, err := w.PasswordIs(ctx, u, "other"); !right || err != nil {
		t.Errorf("its new password: %t, %v", right, err)
	}
	if err := w.Delete(ctx, u); err != nil {
		t.Error(err)
	}
	if w.EndSession(ctx, w.add("carol")) {
		t.Error("a session ended that there was not")
	}
	if err := w.Rename(ctx, u, "Nobody"); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("renamed when it was gone: %v", err)
	}
}

func TestSigningUpAndLetters(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	hash, err := w.Hash(ctx, "secret")
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.SignUp(ctx, store.SignUp{Handle: "Bob@example.com", Name: "Bob", PasswordHash: hash})
	if err != nil || u.Name != "Bob" {
		t.Fatalf("signed up as %+v, %v", u, err)
	}
	if _, err := w.SignUp(ctx, store.SignUp{Handle: "dan@example.com", Name: strings.Repeat("x", 500)}); !errors.Is(err, account.ErrBadName) {
		t.Errorf("with a long name: %v", err)
	}
	now := w.Clock.Now()
	err1 := w.Store.AddSignUpLetter(ctx, "confirm", store.SignUp{Handle: "carol@example.com"}, now, now.Add(time.Hour))
	err2 := w.Store.AddResetLetter(ctx, "reset", u, now, now.Add(time.Hour))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(ctx, netip.Addr{}, "confirm", ""); !errors.Is(err, account.ErrBadPassword) {
		t.Errorf("confirmed without a password: %v", err)
	}
	c, err := w.Confirm(ctx, netip.Addr{}, "confirm", "chosen")
	if err != nil || c.Handle != "carol@example.com" {
		t.Errorf("confirmed %+v, %v", c, err)
	}
	if right, err := w.PasswordIs(ctx, c, "chosen"); !right || err != nil {
		t.Errorf("the password that was chosen: %t, %v", right, err)
	}
	if _, err := w.ResetPassword(ctx, netip.Addr{}, "reset", ""); !errors.Is(err, account.ErrBadPassword) {
		t.Errorf("reset to nothing: %v", err)
	}
	s := w.signIn(u)
	u, err = w.ResetPassword(ctx, netip.Addr{}, "reset", "other")
	if err != nil || len(s.heard) != 1 || s.heard[0] != (hub.Kicked{Why: hub.AccountChanged}) {
		t.Errorf("reset: %v, told %v", err, s.heard)
	}
	if right, err := w.PasswordIs(ctx, u, "other"); !right || err != nil {
		t.Errorf("the new password: %t, %v", right, err)
	}
	if _, err := w.ResetPassword(ctx, netip.Addr{}, "reset", "again"); !errors.Is(err, store.ErrNoLetter) {
		t.Errorf("again: %v", err)
	}
}

// present makes an error of what was not there.
func present(was bool) error {
	if !was {
		return errors.New("it was not there")
	}
	return nil
}
