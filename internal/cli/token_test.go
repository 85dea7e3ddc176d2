package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

func TestTokenCommands(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	if got := p.ok(t, "", "token", "list"); !strings.Contains(got, "token create") {
		t.Errorf("list of none: %s", got)
	}
	got := p.ok(t, "", "token", "create", "deploy", "--scope", "accounts:read", "--scope", "audit:read", "--expires", "90d")
	secret, rest, _ := strings.Cut(got, "\n\n")
	if !strings.HasPrefix(secret, "monarch_") || !strings.Contains(rest, "the token deploy") || !strings.Contains(rest, "may accounts:read audit:read.") || !strings.Contains(rest, "good until ") {
		t.Errorf("create: %s", got)
	}
	var made admin.MadeToken
	decode(t, p.ok(t, "", "token", "create", "helper", "--role", "moderator", "--json"), &made)
	if made.Name != "helper" || made.Expires != nil || len(made.Scopes) != len(admin.Scopes("moderator")) {
		t.Errorf("made %+v", made)
	}
	got = p.ok(t, "", "token", "list")
	if strings.Contains(got, secret) || !strings.Contains(got, "do what moderators do") || strings.Count(got, "\n") != 3 {
		t.Errorf("list: %s", got)
	}
	var all []admin.Token
	decode(t, p.ok(t, "", "token", "list", "--json"), &all)
	if len(all) != 2 || all[1].ID != made.ID {
		t.Errorf("list: %+v", all)
	}
	p.ok(t, "", "token", "revoke", made.ID)
	p.ok(t, "", "token", "revoke", "deploy")
	for want, args := range map[string][]string{
		"monarch token list":  {"token", "revoke", "deploy"},
		"the scopes are":      {"token", "create", "x"},
		"there is no scope":   {"token", "create", "x", "--scope", "everything"},
		"choose administrato": {"token", "create", "x", "--role", "king"},
	} {
		if r := p.run("", args...); r.code != 1 || !strings.Contains(r.errout, want) {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestRolesAndResets(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	p.ok(t, "", "user", "role", "alice@example.com", "moderator")
	if got := p.ok(t, "", "user", "list"); !strings.Contains(got, "  moderator  ") {
		t.Errorf("list: %s", got)
	}
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "Role              moderator") {
		t.Errorf("show: %s", got)
	}
	p.ok(t, "", "user", "role", "alice@example.com", "none")
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "Role              none") {
		t.Errorf("show: %s", got)
	}
	if got := p.ok(t, "", "user", "reset", "alice@example.com"); !strings.Contains(got, "is the password of alice@example.com now") {
		t.Errorf("reset: %s", got)
	}
}

// TestAServiceElsewhere manages a server with a token, as from another machine.
func TestAServiceElsewhere(t *testing.T) {
	f := msntest.Start(t, nil)
	made, err := admin.Local(f.Server.Admin()).CreateToken(t.Context(), admin.NewToken{Name: "remote", Role: "administrator"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(made.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, listener := range []string{"ops", "web"} {
		place := []string{"--api", "http://" + f.Server.Addr(listener), "--token-file", file}
		ok := func(stdin string, args ...string) string {
			t.Helper()
			r := run(stdin, append(place, args...)...)
			if r.code != 0 || r.errout != "" {
				t.Errorf("%q: %+v", args, r)
			}
			return r.out
		}
		if got := ok("", "user", "list"); !strings.Contains(got, "alice@example.com") {
			t.Errorf("list: %s", got)
		}
		ok("secret\n", "user", "add", "zoe@example.com", "--password-stdin")
		ok("", "user", "delete", "zoe@example.com", "--yes")
		ok("", "session", "list")
		ok("", "nodes")
		if got := ok("", "audit", "--user", "zoe@example.com"); !strings.Contains(got, "account added") || !strings.Contains(got, "by token remote") {
			t.Errorf("audit: %s", got)
		}
		if got := ok("", "audit", "--user", "zoe@example.com", "--json"); !strings.HasPrefix(got, `{"time":`) {
			t.Errorf("audit: %s", got)
		}
		for want, args := range map[string][]string{
			"leave --api out":           {"config", "print"},
			"--api out":                 {"backup", "x"},
			"leave --api or --follow":   {"audit", "--follow"},
			"there is no account":       {"user", "show", "nobody@example.com"},
			"it reads its configuratio": {"reload"},
			"about this machine":        {"doctor"},
		} {
			if r := run("", append(place, args...)...); r.code == 0 || !strings.Contains(r.errout, want) {
				t.Errorf("%q: %+v", args, r)
			}
		}
	}
	address := "http://" + f.Server.Addr("ops")
	if r := run("", "--api", address, "user", "list"); r.code != 2 || !strings.Contains(r.errout, "MONARCH_TOKEN") {
		t.Errorf("without a token: %+v", r)
	}
	t.Setenv("MONARCH_TOKEN", "monarch_guess")
	if r := run("", "--api", address, "user", "list"); r.code != 1 || !strings.Contains(r.errout, "there is no such token") {
		t.Errorf("with a wrong token: %+v", r)
	}
	if r := run("", "--api", "im.example.com", "user", "list"); r.code != 2 || !strings.Contains(r.errout, "https://im.example.com") {
		t.Errorf("with a wrong address: %+v", r)
	}
	t.Setenv("MONARCH_TOKEN", made.Secret)
	if r := run("", "--api", address, "user", "list"); r.code != 0 {
		t.Errorf("with the token in the environment: %+v", r)
	}
	if r := run("", "config", "check"); r.code != 0 {
		t.Errorf("the token is taken for a setting: %+v", r)
	}
}

func TestNoServiceElsewhere(t *testing.T) {
	t.Setenv("MONARCH_TOKEN", "monarch_guess")
	dead := "http://127.0.0.1:" + loopback.Port(t)
	if r := run("", "--api", dead, "user", "list"); r.code != 1 || strings.Count(r.errout, dead) != 1 ||
		!strings.Contains(r.errout, "connection refused") || !strings.Contains(r.errout, "ops.listen") {
		t.Errorf("where nobody is: %+v", r)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if r := run("", "--api", other.URL, "user", "list"); r.code != 1 || !strings.Contains(r.errout, other.URL+" answers 404") ||
		!strings.Contains(r.errout, "ops.listen") {
		t.Errorf("where something else is: %+v", r)
	}
}
