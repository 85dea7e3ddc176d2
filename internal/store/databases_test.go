package store

import (
	"context"
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"monarch/internal/pgtest"
)

// The tests of this package run on SQLite, and once more on PostgreSQL as parts of those called as
// onPostgres says. Tests about SQLite's file say so in their names. What is exported here is for
// the tests outside of the package, which share the server with those inside.

// onPostgres is how tests begin whose parts get databases in PostgreSQL.
const onPostgres = "OnPostgres"

// NewDatabase returns the url of a database in which there is nothing but the schema, or less.
func NewDatabase(t testing.TB) string {
	t.Helper()
	if !isOnPostgres(t) {
		return "sqlite:" + filepath.Join(t.TempDir(), "monarch.db")
	}
	url := takeDatabase(t)
	t.Cleanup(func() { returnDatabase(t, url) })
	return url
}

// takeDatabase returns one that another test has done with, or makes one, which takes longer.
func takeDatabase(t testing.TB) string {
	t.Helper()
	p := &postgresServer
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		defer p.mu.Unlock()
		url := p.free[n-1]
		p.free = p.free[:n-1]
		return url
	}
	p.mu.Unlock()
	name, err := Postgres(t).Create(postgresTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	return Postgres(t).URL(name)
}

// returnDatabase empties a database, which nobody uses any more, for the next test.
func returnDatabase(t testing.TB, url string) {
	t.Helper()
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	db := openRaw(t, url)
	if readSchema(t, db) != len(list) {
		return // the test was about that
	}
	_, err = db.Exec(pgtest.Alone + `;
		DELETE FROM account; -- and what has an owner
		DELETE FROM signing_key; DELETE FROM invitation; DELETE FROM invite_code; DELETE FROM letter_token;
		DELETE FROM network_rule; DELETE FROM api_token; DELETE FROM webhook;
		UPDATE last_account SET id = 0`)
	if err != nil {
		t.Fatal(err)
	}
	p := &postgresServer
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, url)
}

// newEmpty is [NewDatabase] with nothing in it.
func newEmpty(t testing.TB) string {
	t.Helper()
	if !isOnPostgres(t) {
		return NewDatabase(t)
	}
	name, err := Postgres(t).Create("")
	if err != nil {
		t.Fatal(err)
	}
	return Postgres(t).URL(name)
}

// Exec runs a statement in a database.
func Exec(t testing.TB, url, text string) {
	t.Helper()
	if _, err := openRaw(t, url).Exec(text); err != nil {
		t.Fatal(err)
	}
}

func isOnPostgres(t testing.TB) bool {
	name, _, _ := strings.Cut(t.Name(), "/")
	return strings.HasSuffix(name, onPostgres)
}

// postgresServer is started by the first test that needs it, and ended by TestMain.
var postgresServer struct {
	mu       sync.Mutex
	server   *pgtest.Server
	template string   // a database with the schema
	free     []string // databases that are as the template is
}

// Postgres returns the server that all tests share.
func Postgres(t testing.TB) *pgtest.Server {
	t.Helper()
	p := &postgresServer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		var err error
		if p.server, err = pgtest.New(); err != nil {
			t.Fatal(err)
		}
	}
	return p.server
}

func postgresTemplate(t testing.TB) string {
	t.Helper()
	s := Postgres(t)
	p := &postgresServer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.template == "" {
		name, err := s.Create("")
		if err != nil {
			t.Fatal(err)
		}
		made, err := Open(context.Background(), s.URL(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Close(); err != nil {
			t.Fatal(err)
		}
		p.template = name
	}
	return p.template
}

// endPostgres ends the server, if there is one.
func endPostgres() error {
	if s := postgresServer.server; s != nil {
		return s.Close()
	}
	return nil
}

// open opens a database for the length of a test.
func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw returns what statements can be run on that a store would not.
func raw(s *Store) *sql.DB {
	if s.file != nil {
		return s.writer.DB
	}
	return s.engine.(*pool).DB
}

// InBoth is a test that passes on either database.
type InBoth struct {
	Name string
	Test func(t *testing.T) // nil: it needs none
}

// RunAll runs tests on PostgreSQL, and says which it has not been given.
func RunAll(t *testing.T, pkg string, all []InBoth) {
	for _, each := range all {
		if each.Test != nil {
			t.Run(each.Name, func(t *testing.T) {
				t.Parallel() // they wait for the disk most of the time
				each.Test(t)
			})
		}
	}
	for _, name := range testsOf(t, pkg) {
		if !slices.ContainsFunc(all, func(each InBoth) bool { return "Test"+each.Name == name }) {
			t.Errorf("%s is not among them; a test of one of the databases alone has SQLite or Postgres in its name", name)
		}
	}
}

// testsOf returns the tests in one of the packages here that are not about one of the databases.
func testsOf(t *testing.T, pkg string) []string {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Name.Name != pkg {
			continue
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && isTest(f.Name.Name) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") && name != "TestMain" && !strings.Contains(name, "SQLite") && !strings.Contains(name, "Postgres")
}
