package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/pgtest"
	"monarch/internal/store"
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
	file := filepath.Join(t.TempDir(), "all.jsonl")
	p.ok(t, "", "export", file)
	if got := p.ok(t, "", "import", "--on-conflict", "replace", file); !strings.Contains(got, "Replaced 1.") {
		t.Errorf("import said %s", got)
	}
	other, err := store.Open(t.Context(), server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.run("", "import", "--on-conflict", "skip", file); r.code != 1 || !strings.Contains(r.errout, "stop every node") {
		t.Errorf("import while somebody is connected: %+v", r)
	}
	p.ok(t, "", "import", "--dry-run", "--on-conflict", "skip", file)
	if err := other.Close(); err != nil {
		t.Fatal(err)
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
