package msntest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"monarch/internal/pgtest"
	"monarch/internal/store"
)

// databaseEnv chooses the database of the servers that [Start] starts: postgres, or else SQLite.
const databaseEnv = "MONARCH_TEST_DATABASE"

// OnPostgres reports whether the servers have their accounts in PostgreSQL.
func OnPostgres() bool { return os.Getenv(databaseEnv) == "postgres" }

// connections is how many a server has with PostgreSQL at most: those of all transcripts that play at a
// time must fit.
const connections = 4

// databases is the PostgreSQL server of all tests of a process, which the first of them starts.
var databases struct {
	mu       sync.Mutex
	server   *pgtest.Server
	template string   // a database with the schema
	free     []string // databases that are as the template is
}

// emptied are statements that make a database what it was before anybody had an account there.
const emptied = `DELETE FROM account; DELETE FROM signing_key; DELETE FROM invitation; DELETE FROM invite_code;
	DELETE FROM letter_token; DELETE FROM network_rule; DELETE FROM api_token; DELETE FROM webhook; UPDATE last_account SET id = 0`

// newDatabase returns the url of a new database, or "" for a file.
func newDatabase(t testing.TB) string {
	t.Helper()
	if !OnPostgres() {
		return ""
	}
	d := &databases
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		var err error
		if d.server, err = pgtest.New(); err == nil {
			// What is written here need not outlive the machine.
			err = d.server.Run("postgres", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
		}
		if err == nil {
			d.template, err = newTemplate(d.server)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var name string
	if n := len(d.free); n > 0 {
		name, d.free = d.free[n-1], d.free[:n-1]
	} else {
		var err error
		if name, err = d.server.Create(d.template); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := d.server.Run(name, pgtest.Alone, emptied); err != nil {
			t.Error(err)
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.free = append(d.free, name)
	})
	return d.server.URL(name)
}

func newTemplate(server *pgtest.Server) (string, error) {
	name, err := server.Create("")
	if err != nil {
		return "", err
	}
	s, err := store.Open(context.Background(), server.URL(name))
	if err != nil {
		return "", err
	}
	return name, s.Close()
}

// Main runs tests, and ends what they have started for all of them. It returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if s := databases.server; s != nil {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}
