package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// bench is a service with a client of it and everything that was logged.
type bench struct {
	*admin.Service
	client *admin.Client
	log    *strings.Builder
	trail  string // the audit log
}

// each runs a test with a client in this process and with one over a socket.
func each(t *testing.T, test func(t *testing.T, b bench)) {
	t.Run("in process", func(t *testing.T) {
		b := newBench(t)
		b.client = admin.Local(b.Service)
		test(t, b)
	})
	t.Run("over the socket", func(t *testing.T) {
		b := newBench(t)
		dir := t.TempDir()
		serve(t, dir, b.Service)
		c, err := admin.Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		b.client = c
		test(t, b)
	})
}

func newBench(t testing.TB) bench {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(dir, "monarch.db"))
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	log := new(strings.Builder)
	logger := slog.New(slog.NewTextHandler(log, nil))
	trail := filepath.Join(dir, "audit.log")
	records, err := audit.Open(audit.Config{Path: trail, Limits: audit.Limits{MaxSize: 1, Keep: 1}, Clock: clk, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clk.Close()
		if err := errors.Join(s.Close(), records.Close()); err != nil {
			t.Error(err)
		}
	})
	h := hub.New(clk, 0)
	return bench{
		Service: &admin.Service{
			Users: &account.Service{
				Store: s, Hub: h, Hasher: auth.NewHasher(1, 8, auth.Params{Memory: 64, Time: 1}), Clock: clk, Log: logger, Audit: records,
			},
			Store:  s,
			Hub:    h,
			Signer: auth.NewSigner(nil),
			Clock:  clk,
			Log:    logger,
			Audit:  records,
		},
		log: log, trail: trail,
	}
}

// serve answers on the management socket of dir until the test ends.
func serve(t *testing.T, dir string, s *admin.Service) {
	t.Helper()
	d, ln := listen(t, dir)
	srv := &http.Server{Handler: s.Handler(), ConnContext: admin.Actor, ReadHeaderTimeout: time.Second}
	done := make(chan error)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := errors.Join(d.Release(), <-done); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// listen claims a data directory and opens its management socket.
func listen(t *testing.T, dir string) (*admin.Directory, net.Listener) {
	t.Helper()
	d, err := admin.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := d.Listen()
	if err != nil {
		t.Fatal(err)
	}
	return d, ln
}

// add makes an account whose password is its name and "pw".
func (b bench) add(t testing.TB, name string) im.User {
	t.Helper()
	email := name + "@example.com"
	if _, err := b.client.AddAccount(t.Context(), admin.NewAccount{Email: email, Password: name + "pw"}); err != nil {
		t.Fatal(err)
	}
	u, err := b.Store.User(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// session is a signed-in client that remembers what it is told.
type session struct {
	mu     sync.Mutex
	events []hub.Event
}

// Deliver takes every event.
func (s *session) Deliver(ev hub.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, ev)
	return true
}

func (s *session) told(t *testing.T, want ...hub.Event) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	s.events = nil
}

func (b bench) signIn(u im.User) *session {
	s := new(session)
	b.Hub.SignIn(hub.Login{
		Person: u.Person, Version: msnp.MSNP9, Since: time.Unix(1_100_000_000, 0),
		Addr: netip.MustParseAddrPort("192.0.2.7:1029"), Client: "MSNMSGR 6.0.0602",
	}, s)
	return s
}

func code(err error) string {
	var p *admin.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func TestAccountLife(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		made, err := c.AddAccount(ctx, admin.NewAccount{Email: "Alice@Example.com", Nick: "Alice ♥", Password: "secret one"})
		if err != nil {
			t.Fatal(err)
		}
		if made.Email != "alice@example.com" || made.Nick != "Alice ♥" || made.Created.IsZero() {
			t.Errorf("made %+v", made)
		}
		if u := b.add(t, "bob"); u.Name != "bob" {
			t.Errorf("bob is called %q", u.Name)
		}
		if err := c.SetDisabled(ctx, "bob@example.com", true); err != nil {
			t.Fatal(err)
		}
		list, err := c.Accounts(ctx, "", 0)
		if err != nil || len(list) != 2 || list[0] != made || !list[1].Disabled {
			t.Errorf("list %+v, %v", list, err)
		}
		if list, err := c.Accounts(ctx, "alice@example.com", 1); err != nil || len(list) != 1 || list[0].Nick != "bob" {
			t.Errorf("list after alice %+v, %v", list, err)
		}
		if err := c.Rename(ctx, "ALICE@example.com", "Al"); err != nil {
			t.Fatal(err)
		}
		d, err := c.Account(ctx, "alice@example.com")
		want := admin.Details{
			Account:     admin.Account{Email: "alice@example.com", Nick: "Al", Created: made.Created},
			ListVersion: d.ListVersion, AsksWhenAdded: true, AllowsOthers: true,
			Listed: map[string]int{}, Groups: []string{"Other Contacts"}, Properties: []admin.Property{},
		}
		if diff := cmp.Diff(want, d); diff != "" || err != nil {
			t.Errorf("alice, %v (-want +got):\n%s", err, diff)
		}
		if err := c.DeleteAccount(ctx, "alice@example.com"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Account(ctx, "alice@example.com"); code(err) != admin.CodeNoAccount {
			t.Errorf("after deletion: %v", err)
		}
	})
}

func TestChangesReachTheSessionAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		u := b.add(t, "alice")
		s := b.signIn(u)
		changed := hub.Kicked{Why: hub.AccountChanged}
		for _, step := range []struct {
			name string
			do   func() error
			want []hub.Event
		}{
			{"rename", func() error { return c.Rename(ctx, u.Handle, "Ally") }, []hub.Event{hub.Renamed{Name: "Ally"}}},
			{"password", func() error { return c.SetPassword(ctx, u.Handle, "other") }, []hub.Event{changed}},
			{"kick", func() error { return c.Kick(ctx, u.Handle) }, []hub.Event{hub.Kicked{Why: hub.ByOperator}}},
			{"enable", func() error { return c.SetDisabled(ctx, u.Handle, false) }, nil},
			{"disable", func() error { return c.SetDisabled(ctx, u.Handle, true) }, []hub.Event{changed}},
			{"notice", func() error { _, err := c.Notify(ctx, 5); return err }, []hub.Event{hub.Notice{Minutes: 5}}},
			{"delete", func() error { return c.DeleteAccount(ctx, u.Handle) }, []hub.Event{changed, changed}},
		} {
			if err := step.do(); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
			s.told(t, step.want...)
		}
	})
}

func TestPasswords(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		u := b.add(t, "alice")
		if err := b.client.SetPassword(ctx, u.Handle, "correct horse"); err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{"correct horse": true, "alicepw": false} {
			if got, err := b.PasswordIs(ctx, u.Handle, password); err != nil || got != want {
				t.Errorf("password %q: %t, %v", password, got, err)
			}
		}
		after, err := b.Store.User(ctx, u.Handle)
		if err != nil || after.Credential == u.Credential {
			t.Errorf("credential still %d, %v", after.Credential, err)
		}
		for _, bad := range []string{"", "two\nlines", strings.Repeat("hunter2", 40)} {
			err := b.client.SetPassword(ctx, u.Handle, bad)
			if code(err) != admin.CodeBadPassword || bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("password of %d bytes: %v", len(bad), err)
			}
		}
		for _, secret := range []string{"correct horse", "alicepw", "hunter2"} {
			if strings.Contains(b.log.String(), secret) {
				t.Errorf("the log holds a password:\n%s", b.log)
			}
		}
	})
}

func TestContacts(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		alice, bob := b.add(t, "alice"), b.add(t, "bob")
		b.signIn(bob)
		g, err := b.Store.AddGroup(ctx, alice.ID, "Friends")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []store.Addition{
			{List: im.Forward, Handle: bob.Handle, Name: "Bobby", Group: g.Group.Number},
			{List: im.Allow, Handle: bob.Handle, Name: "Bobby"},
		} {
			if _, err := b.Store.Add(ctx, alice.ID, a); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.client.Contacts(ctx, alice.Handle)
		want := []admin.Contact{{
			Email: bob.Handle, Nick: "bob", Stored: "Bobby",
			Lists: []string{"FL", "AL"}, Groups: []string{"Friends"}, SignedIn: true,
		}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("contacts, %v (-want +got):\n%s", err, diff)
		}
		d, err := b.client.Account(ctx, bob.Handle)
		if err != nil || d.Listed["RL"] != 1 || d.Session == nil || d.Session.Client != "MSNMSGR 6.0.0602" {
			t.Errorf("bob %+v, %v", d, err)
		}
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		b.signIn(b.add(t, "bob"))
		b.signIn(b.add(t, "alice"))
		all, err := b.client.Sessions(ctx)
		got := all.Items
		if err != nil || len(got) != 2 || all.Unheard != nil {
			t.Fatalf("sessions %+v, %v", all, err)
		}
		want := admin.Session{
			Email: "alice@example.com", Nick: "alice", Status: got[0].Status, Version: "MSNP9",
			Client: "MSNMSGR 6.0.0602", Address: "192.0.2.7:1029", Since: time.Unix(1_100_000_000, 0).UTC(),
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("first session (-want +got):\n%s", diff)
		}
		if n, err := b.client.Notify(ctx, 1); n != 2 || err != nil {
			t.Errorf("told %d, %v", n, err)
		}
	})
}

func TestBackup(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		u := b.add(t, "alice")
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := b.client.Backup(ctx, path); err != nil {
			t.Fatal(err)
		}
		if err := b.client.Backup(ctx, path); code(err) != admin.CodeFileExists {
			t.Errorf("over a file: %v", err)
		}
		if err := b.client.Backup(ctx, "copy.db"); code(err) != admin.CodeBadRequest {
			t.Errorf("relative path: %v", err)
		}
		if err := b.client.Backup(ctx, filepath.Join(path+".d", "copy.db")); code(err) != admin.CodeBadRequest {
			t.Errorf("no directory: %v", err)
		}
		s, err := store.Open(ctx, "sqlite://"+path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.User(ctx, u.Handle); err != nil || got.ID != u.ID {
			t.Errorf("alice in the copy: %+v, %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		b.add(t, "alice")
		for _, tc := range []struct {
			name string
			do   func() error
			code string
			want string
		}{
			{"no address", func() error {
				_, err := c.AddAccount(ctx, admin.NewAccount{Email: "alice", Password: "x"})
				return err
			}, admin.CodeBadEmail, "use one like alice@example.com"},
			{"an address twice", func() error {
				_, err := c.AddAccount(ctx, admin.NewAccount{Email: "alice@example.com", Password: "x"})
				return err
			}, admin.CodeEmailTaken, "monarch user passwd"},
			{"an endless nick", func() error {
				return c.Rename(ctx, "alice@example.com", strings.Repeat("♥", 129))
			}, admin.CodeBadNick, "1 to 129 characters"},
			{"nobody", func() error { return c.SetPassword(ctx, "no/body?@example.com", "x") }, admin.CodeNoAccount, "no/body?@example.com"},
			{"nobody's contacts", func() error { _, err := c.Contacts(ctx, "x@y.z"); return err }, admin.CodeNoAccount, "user list"},
			{"a kick at nobody there", func() error { return c.Kick(ctx, "alice@example.com") }, admin.CodeNoSession, "session list"},
			{"a notice too late", func() error { _, err := c.Notify(ctx, 0); return err }, admin.CodeBadRequest, "1 to 1440 minutes"},
		} {
			if err := tc.do(); code(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v (code %q)", tc.name, err, code(err))
			}
		}
	})
}

func TestInternalErrorsAreLoggedOnce(t *testing.T) {
	b := newBench(t)
	if err := b.Store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := admin.Local(b.Service).Accounts(t.Context(), "", 0)
	if code(err) != admin.CodeInternal || strings.Count(b.log.String(), "level=ERROR") != 1 {
		t.Errorf("error %v, log:\n%s", err, b.log)
	}
}

func TestSocketBelongsToOneServerAndItsOwner(t *testing.T) {
	dir := t.TempDir()
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("no socket: %v", err)
	}
	serve(t, dir, newBench(t).Service)
	if _, err := admin.Claim(dir); !errors.Is(err, admin.ErrRunning) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second server: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "monarch.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v", info, err)
	}
}

// Two servers that are started at the same moment do not both get the directory, and the one that
// has it keeps it and its socket, whatever the other does.
func TestOneOfManyGetsTheDirectory(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		var all sync.WaitGroup
		var got [4]*admin.Directory
		for i := range got {
			all.Go(func() {
				var err error
				if got[i], err = admin.Claim(dir); err != nil && !errors.Is(err, admin.ErrRunning) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		winners := slices.DeleteFunc(got[:], func(d *admin.Directory) bool { return d == nil })
		if len(winners) != 1 {
			t.Fatalf("%d of them have it", len(winners))
		}
		ln, err := winners[0].Listen()
		if err != nil {
			t.Fatal(err)
		}
		if err := ln.Close(); err != nil { // it stops serving, and still works on the database
			t.Error(err)
		}
		if _, err := admin.Claim(dir); !errors.Is(err, admin.ErrRunning) {
			t.Errorf("while the other one ends: %v", err)
		}
		if err := winners[0].Release(); err != nil {
			t.Error(err)
		}
		d, next := listen(t, dir)
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "monarch.sock")); err != nil {
			t.Errorf("the next one's socket: %v", err)
		}
		if err := errors.Join(next.Close(), d.Release()); err != nil {
			t.Error(err)
		}
	}
}

func TestSocketOfAKilledServerIsReplaced(t *testing.T) {
	// The name is longer than the address of a socket can be.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, first := listen(t, dir)
	path := filepath.Join(dir, "monarch.sock")
	if err := os.Rename(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // its file is gone, as after a kill
	if err := d.Release(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".kept", path); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("dead socket: %v", err)
	}
	d, second := listen(t, dir)
	if err := errors.Join(second.Close(), d.Release()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestHandlerRefusesWhatItDoesNotKnow(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	b.add(t, "alice")
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"another path", "GET", "/api/v2/accounts", "", 404},
		{"another method", "PUT", "/api/v1/accounts", "", 405},
		{"a bad limit", "GET", "/api/v1/accounts?limit=all", "", 400},
		{"a limit of none", "GET", "/api/v1/sessions?limit=0", "", 400},
		{"a parameter that there is not", "DELETE", "/api/v1/accounts/alice@example.com?dry_run=yes", "", 400},
		{"a query that is none", "GET", "/api/v1/sessions?limit=%", "", 400},
		{"an unknown field", "PATCH", "/api/v1/accounts/alice@example.com", `{"pasword":"x"}`, 400},
		{"a body that is too long", "POST", "/api/v1/accounts", `{"nick":"` + strings.Repeat("x", 70_000) + `"}`, 413},
		{"more than an object", "POST", "/api/v1/notices", `{"shutdown_in_minutes":1}{}`, 400},
		{"no JSON", "POST", "/api/v1/notices", "soon", 400},
		{"a form", "POST", "/api/v1/notices#form", `{}`, 415},
		{"a role that there is not", "PATCH", "/api/v1/accounts/alice@example.com", `{"role":"king"}`, 400},
		{"an empty change", "PATCH", "/api/v1/accounts/alice@example.com", `{}`, 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r, err := http.NewRequestWithContext(context.Background(), tc.method, tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if r.URL.Fragment == "form" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			b.Handler().ServeHTTP(w, r)
			if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "GET, POST" {
				t.Errorf("allowed is %q", w.Header().Get("Allow"))
			}
			if w.Code != tc.status {
				t.Errorf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
			if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("type %q", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestOps(t *testing.T) {
	why := "starting"
	h := admin.Ops(func() string { return why }, http.NotFoundHandler())
	get := func(path string) int {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.ServeHTTP(w, r)
		return w.Code
	}
	if a, b := get("/healthz"), get("/readyz"); a != 200 || b != 503 {
		t.Errorf("starting: healthz %d, readyz %d", a, b)
	}
	why = ""
	if a, b := get("/readyz"), get("/elsewhere"); a != 200 || b != 404 {
		t.Errorf("running: readyz %d, elsewhere %d", a, b)
	}
}
