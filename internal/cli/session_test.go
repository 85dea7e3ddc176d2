package cli_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/account"
	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// client is a session that remembers the last event.
type client struct{ last chan hub.Event }

// Deliver takes the event.
func (c client) Deliver(ev hub.Event) bool {
	c.last <- ev
	return true
}

// running returns a place where management is answered, as a server does, and a client of
// alice's that is signed in there.
func running(t *testing.T) (place, client) {
	t.Helper()
	p := place{t.TempDir()}
	p.add(t, "alice@example.com", "--nick", "Alice")
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(p.dir, "monarch.db"))
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	h := hub.New(clk, 0)
	dir, err := admin.Claim(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := dir.Listen()
	if err != nil {
		t.Fatal(err)
	}
	records, err := audit.Open(audit.Config{
		Path: filepath.Join(p.dir, "audit.log"), Limits: audit.Limits{MaxSize: 1, Keep: 1}, Clock: clk, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	service := &admin.Service{
		Users: &account.Service{Store: s, Hub: h, Hasher: auth.NewHasher(1, 4, auth.Params{Memory: 64, Time: 1}), Clock: clk, Log: log, Audit: records},
		Store: s, Hub: h, Log: log,
		Signer: auth.NewSigner(nil), Clock: clk, Audit: records,
	}
	srv := &http.Server{Handler: service.Handler(), ConnContext: admin.Actor, ReadHeaderTimeout: time.Second}
	done := make(chan error)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		clk.Close()
		if err := errors.Join(s.Close(), records.Close(), dir.Release()); err != nil {
			t.Error(err)
		}
	})
	u, err := s.User(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := client{make(chan hub.Event, 8)}
	e := h.SignIn(hub.Login{
		Person: u.Person, Version: msnp.MSNP8, Since: time.Now(), Addr: netip.MustParseAddrPort("192.0.2.7:1029"), Client: "MSNMSGR 5.0.0544",
	}, c)
	h.SetPresence(e, im.Presence{Status: msnp.Lunch}, func([]im.UserID) []im.UserID { return nil })
	return p, c
}

func TestCommandsReachTheRunningServer(t *testing.T) {
	p, c := running(t)
	got := p.ok(t, "", "session", "list")
	for _, want := range []string{"EMAIL", "alice@example.com", "out to lunch", "MSNMSGR 5.0.0544", "MSNP8", "192.0.2.7:1029"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for _, step := range []struct {
		args []string
		says string
		want hub.Event
	}{
		{[]string{"user", "rename", "alice@example.com", "Al"}, "is called Al now", hub.Renamed{Name: "Al"}},
		{[]string{"notice", "--shutdown-in", "90s"}, "Told 1 person that the service stops in 2 minutes", hub.Notice{Minutes: 2}},
		{[]string{"session", "kick", "alice@example.com"}, "user disable alice@example.com", hub.Kicked{Why: hub.ByOperator}},
		{[]string{"user", "disable", "alice@example.com"}, "cannot sign in", hub.Kicked{Why: hub.AccountChanged}},
	} {
		if got := p.ok(t, "", step.args...); !strings.Contains(got, step.says) {
			t.Errorf("%q said: %s", step.args, got)
		}
		if ev := <-c.last; ev != step.want {
			t.Errorf("%q: the session was told %#v", step.args, ev)
		}
	}
	if got := p.ok(t, "secret\n", "user", "add", "bob@example.com", "--password-stdin"); strings.Contains(got, "as soon as") {
		t.Errorf("add while the server runs: %s", got)
	}
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "out to lunch, since") {
		t.Errorf("show:\n%s", got)
	}
}

func TestServeRefusesASecondServer(t *testing.T) {
	p, _ := running(t)
	r := p.run("", "serve")
	if r.code != 1 || !strings.Contains(r.errout, "already") || !strings.Contains(r.errout, "--data") {
		t.Errorf("second server: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "monarch.sock")); err != nil {
		t.Errorf("the socket of the first: %v", err)
	}
}
