package cli_test

import (
	"strings"
	"testing"

	"monarch/internal/pgtest"
)

func TestCommandsOnPostgres(t *testing.T) {
	freePorts(t)
	server := pgtest.Start(t)
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MONARCH_DATABASE_URL", server.URL(name))
	p := newPlace(t)
	p.add(t, "alice@example.com")
	if got := p.ok(t, "", "user", "list"); !strings.Contains(got, "alice@example.com") {
		t.Errorf("accounts:\n%s", got)
	}
	for _, args := range [][]string{{"backup", "copy.db"}, {"restore", "copy.db"}} {
		if r := p.run("", args...); r.code != 1 || !strings.Contains(r.errout, "pg_dump") || !strings.Contains(r.errout, "docs/postgresql.md") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if got := p.ok(t, "", "restore", "--after-pg-restore"); !strings.Contains(got, "Restored 1 account") {
		t.Errorf("restore said %s", got)
	}
	if got := p.run("", "doctor").out; !strings.Contains(got, "1 account") {
		t.Errorf("the doctor said %s", got)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	const away = "PostgreSQL cannot be reached; see that it runs"
	if r := p.run("", "user", "list"); r.code != 1 || !strings.Contains(r.errout, away) {
		t.Errorf("while it is stopped: %+v", r)
	}
	if r := p.run("", "doctor"); r.code != 1 || !strings.Contains(strings.Join(strings.Fields(r.out), " "), away) {
		t.Errorf("the doctor, while it is stopped: %+v", r)
	}
}
