package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/loopback"
	"monarch/internal/pgtest"
)

// newPostgres returns the name of a database with the schema.
func newPostgres(t *testing.T) (server *pgtest.Server, name string) {
	t.Helper()
	server = Postgres(t)
	name, err := server.Create(postgresTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	return server, name
}

func TestTroubleWithPostgresSaysWhatToDo(t *testing.T) {
	server, name := newPostgres(t)
	const password = "it's/a:secret"
	prepare := []string{
		`CREATE ROLE guest LOGIN PASSWORD 'it''s/a:secret'`,
		`CREATE ROLE crowded LOGIN PASSWORD 'it''s/a:secret' CONNECTION LIMIT 0`,
		`CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'`,
		`CREATE DATABASE standby TEMPLATE template0`,
		`ALTER DATABASE standby SET default_transaction_read_only = on`,
	}
	if err := server.Run("postgres", prepare...); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		url, says string
		kind      error
	}{
		"no server":            {"postgres://u:" + "secret" + "@" + loopback.Address(t) + "/d", "see that it runs", ErrUnreachable},
		"no such host":         {"postgres://u:secret@nowhere.invalid/d", "see that it runs", ErrUnreachable},
		"another password":     {server.TCP("guest", "secret", name), "user and password", ErrRefused},
		"no such user":         {server.TCP("nobody", "secret", name), "user and password", ErrRefused},
		"no such database":     {server.TCP("guest", password, "nowhere"), "createdb --owner=USER NAME", ErrNoDatabase},
		"too many connections": {server.TCP("crowded", password, name), "database.max_connections", ErrCrowded},
		"not the owner":        {server.TCP("guest", password, "postgres"), "ALTER DATABASE", ErrForbidden},
		"a standby":            {server.URL("standby"), "name the primary", ErrReadOnly},
		"another encoding":     {server.URL("latin"), "createdb --encoding=UTF8", nil},
	} {
		s, err := Open(t.Context(), c.url)
		if err == nil {
			t.Errorf("%s: opened: %v", what, s.Close())
			continue
		}
		if c.kind != nil && (!errors.Is(err, c.kind) || !errors.Is(err, ErrUnavailable)) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: a password shows, or several lines: %v", what, err)
		}
	}
	s := open(t, server.TCP(pgtest.Superuser, pgtest.Password, name))
	if _, err := s.CreateUser(t.Context(), "alice@example.com", "", ""); err != nil {
		t.Errorf("over TCP, with a password: %v", err)
	}
}

func TestNodesThatStartOnAnEmptyPostgresAtOnceMakeOneSchema(t *testing.T) {
	server := Postgres(t)
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	// A database that does not show what was committed while one waited for a lock is no trouble.
	if err := server.Run(name, fmt.Sprintf(`ALTER DATABASE %s SET default_transaction_isolation = 'repeatable read'`, name)); err != nil {
		t.Fatal(err)
	}
	var nodes sync.WaitGroup
	for range 5 {
		nodes.Go(func() {
			s, err := Open(t.Context(), server.URL(name))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Keys(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if keys, err := open(t, server.URL(name)).Keys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestAStoreOutlivesARestartOfPostgres(t *testing.T) {
	server := pgtest.Start(t)
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := open(t, server.URL(name)), t.Context()
	u, err := s.CreateUser(ctx, "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	for what, end := range map[string]func() error{"stopped": server.Stop, "killed": server.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		_, change := s.Rename(ctx, u.ID, "A")
		_, read := s.Roster(ctx, u.ID)
		_, look := s.UserByID(ctx, u.ID)
		for _, err := range []error{change, read, look} {
			if !errors.Is(err, ErrUnreachable) {
				t.Errorf("while it is %s: %v", what, err)
			}
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		version, err := s.Rename(ctx, u.ID, "A")
		if err != nil || version != u.Version+1 {
			t.Fatalf("after it was %s: version %d, %v", what, version, err)
		}
		u.Version = version
	}
}

func TestConnectionsThatPostgresHasEndedAreReplaced(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx := open(t, server.URL(name)), t.Context()
	u, err := s.CreateUser(ctx, "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	end := fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'`, name)
	for i, use := range []func() error{
		func() error { _, err := s.Rename(ctx, u.ID, "A"); return err },
		func() error { _, err := s.UserByID(ctx, u.ID); return err },
		func() error { _, err := s.Shown(ctx, u.ID); return err },
	} {
		if err := server.Run("postgres", end); err != nil {
			t.Fatal(err)
		}
		if err := use(); err != nil {
			t.Errorf("use %d: %v", i, err)
		}
	}
	// In the middle of a change, which is then made from its beginning.
	times := 0
	_, err = change(ctx, s, "test", func(tx *transaction) (none struct{}, err error) {
		if times++; times == 1 {
			if err := server.Run("postgres", end); err != nil {
				return none, err
			}
		}
		return none, execOne(ctx, tx, `UPDATE account SET version = version + 1 WHERE id = $1`, u.ID)
	})
	if version, _ := s.Version(ctx, u.ID); err != nil || times != 2 || version != u.Version+2 {
		t.Errorf("version %d after %d times, %v", version, times, err)
	}
}

// cutter is a connection that breaks when a transaction is to be committed.
type cutter struct{ net.Conn }

func (c cutter) Write(b []byte) (int, error) {
	if bytes.Contains(bytes.ToLower(b), []byte("commit\x00")) {
		return 0, errors.Join(errors.New("cut"), c.Close())
	}
	return c.Conn.Write(b)
}

func TestAChangeWhosePostgresIsLostInItsCommitIsUncertain(t *testing.T) {
	server, name := newPostgres(t)
	where, err := parseURL(server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	dial := where.postgres.DialFunc
	where.postgres.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		return cutter{c}, err
	}
	p := connect(where.postgres, 1)
	defer p.close() //nolint:errcheck // it has nothing that could be lost
	times := 0
	err = p.change(t.Context(), func(*transaction) error { times++; return nil })
	if !errors.Is(err, ErrUncertain) || !errors.Is(err, ErrUnavailable) || times != 1 {
		t.Errorf("after %d times: %v", times, err)
	}
}

func TestWaitingForPostgresHasAnEnd(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx := open(t, server.URL(name)), t.Context()
	u, err := s.CreateUser(ctx, "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	held, err := raw(s).BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(`LOCK TABLE account`); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := s.Rename(short, u.ID, "A"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("the end of the context: %v", err)
	}
	impatient := newStore(&Store{engine: &pool{DB: raw(s), silence: 10 * time.Millisecond}})
	defer impatient.recorder.close()
	_, change := impatient.Rename(ctx, u.ID, "A")
	_, read := impatient.Shown(ctx, u.ID)
	_, look := impatient.UserByID(ctx, u.ID)
	for what, err := range map[string]error{"change": change, "look": look} {
		if !errors.Is(err, errSilent) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if read != nil && !errors.Is(read, errSilent) { // nobody has locked what it reads, but it may be slow
		t.Error(read)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if version, err := s.Rename(ctx, u.ID, "A"); err != nil || version != u.Version+1 {
		t.Errorf("afterwards: version %d, %v", version, err)
	}
}

// Where all connections are in use PostgreSQL may well be reached.
func TestWaitingForAConnectionOfPostgresHasAnEnd(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx := open(t, server.URL(name)), t.Context()
	u, err := s.CreateUser(ctx, "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	raw(s).SetMaxOpenConns(1)
	held, err := raw(s).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // nothing was changed
	impatient := newStore(&Store{engine: &pool{DB: raw(s), silence: 10 * time.Millisecond}})
	defer impatient.recorder.close()
	_, change := impatient.Rename(ctx, u.ID, "A")
	_, look := impatient.UserByID(ctx, u.ID)
	for what, err := range map[string]error{"change": change, "look": look} {
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "database.max_connections") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A server that starts, and whoever looks at a database, do not wait for an answer for ever.
func TestAPostgresThatFallsSilentAtTheStartIsNoticed(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx := open(t, server.URL(name)), t.Context()
	held, err := raw(s).BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback() //nolint:errcheck // nothing was changed
	if _, err := held.Exec(`LOCK TABLE schema_version`); err != nil {
		t.Fatal(err)
	}
	patient, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	impatient := &pool{DB: raw(s), silence: time.Second}
	_, look := impatient.examine(patient)
	for what, err := range map[string]error{"start": impatient.prepare(patient), "look": look} {
		if !errors.Is(err, errSilent) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCheckOfPostgresTellsWhatIsRisky(t *testing.T) {
	server := Postgres(t)
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	url := server.URL(name)
	if h, err := Check(t.Context(), url); !errors.Is(err, os.ErrNotExist) || h.Schema != 0 {
		t.Errorf("with nothing in it: %+v, %v", h, err)
	}
	open(t, url)
	if err := server.Run("postgres", fmt.Sprintf(`ALTER DATABASE %s SET synchronous_commit = off`, name)); err != nil {
		t.Fatal(err)
	}
	h, err := Check(t.Context(), url)
	want := []string{"synchronous_commit is off: a loss of power may take back changes that people were told of"}
	if diff := cmp.Diff(want, h.Risks); err != nil || diff != "" || h.Schema != h.Newest {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestPostgresIsCopiedByItsOwnPrograms(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx, file := open(t, server.URL(name)), t.Context(), filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(ctx, file); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a backup: %v", err)
	}
	if _, err := Restore(ctx, file, server.URL(name)); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a restore: %v", err)
	}
	for _, handle := range []string{"alice@example.com", "bob@example.com"} {
		if _, err := s.CreateUser(ctx, handle, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(ctx, 1, Addition{List: im.Forward, Handle: "bob@example.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keys(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := s.Roster(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Program("pg_dump", "--format=custom", "--file=dump", name); err != nil {
		t.Fatal(err)
	}
	again, err := server.Create(postgresTemplate(t)) // with something to be replaced
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Program("pg_restore", "--clean", "--if-exists", "--exit-on-error", "--dbname="+again, "dump"); err != nil {
		t.Fatal(err)
	}
	url := server.URL(again)
	other := openRaw(t, url)
	if err := other.Ping(); err != nil {
		t.Fatal(err)
	}
	if _, err := AfterRestore(ctx, url); !errors.Is(err, ErrLocked) {
		t.Errorf("while somebody is connected: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := AfterRestore(ctx, url)
	if err != nil || h.Users != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
	restored := open(t, url)
	after, err := restored.Roster(ctx, 1)
	before.User.Version += restoredSteps
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	var keys int
	if err := raw(restored).QueryRow(`SELECT count(*) FROM signing_key`).Scan(&keys); err != nil || keys != 0 {
		t.Errorf("%d keys, %v", keys, err)
	}
}

// TestPostgresIsNotThePresentWhileAnotherRoleUsesIt has somebody be connected of whom its owner is told
// little.
func TestPostgresIsNotThePresentWhileAnotherRoleUsesIt(t *testing.T) {
	server, name := newPostgres(t)
	err := server.Run(name,
		`CREATE ROLE keeper LOGIN PASSWORD 'keeper'`, `CREATE ROLE visitor LOGIN PASSWORD 'visitor'`,
		`GRANT ALL ON ALL TABLES IN SCHEMA public TO keeper`, `GRANT CREATE ON SCHEMA public TO keeper`)
	if err != nil {
		t.Fatal(err)
	}
	other := openRaw(t, server.TCP("visitor", "visitor", name))
	if err := other.Ping(); err != nil {
		t.Fatal(err)
	}
	url := server.TCP("keeper", "keeper", name)
	if _, err := AfterRestore(t.Context(), url); !errors.Is(err, ErrLocked) {
		t.Errorf("while somebody is connected: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := AfterRestore(t.Context(), url); err != nil {
		t.Error(err)
	}
}

// Poolers in front of PostgreSQL may give each transaction another connection, where statements that
// were prepared before are unknown.
func TestPostgresCanDoWithoutPreparedStatements(t *testing.T) {
	server, name := newPostgres(t)
	s, ctx := open(t, server.URL(name)+"&default_query_exec_mode=exec"), t.Context()
	users := []NewUser{{Handle: "alice@example.com"}, {Handle: "bob@example.com"}}
	contacts := []NewContact{{Owner: "alice@example.com", Peer: "bob@example.com", Lists: im.Forward | im.Allow}}
	if err := errors.Join(s.ImportUsers(ctx, slices.Values(users), nil), s.ImportContacts(ctx, slices.Values(contacts), nil)); err != nil {
		t.Fatal(err)
	}
	_, removed := s.Remove(ctx, 1, Removal{List: im.Allow, Handle: "bob@example.com"})
	_, _, property := s.SetProperty(ctx, 2, "PHH", "1")
	_, keys := s.Keys(ctx)
	_, first := s.Roster(ctx, 1)
	awaitRecord(t, s, 1)
	r, again := s.Roster(ctx, 1)
	if err := errors.Join(removed, property, keys, first, again); err != nil || len(r.Contacts) != 1 || r.Contacts[0].Lists != im.Forward {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNoMoreConnectionsToPostgresThanThereMayBe(t *testing.T) {
	server, name := newPostgres(t)
	s, err := OpenWith(t.Context(), Config{URL: server.URL(name), MaxConnections: 2})
	if err != nil {
		t.Fatal(err)
	}
	var people sync.WaitGroup
	for i := range 20 {
		people.Go(func() {
			if _, err := s.CreateUser(t.Context(), fmt.Sprintf("p%d@example.com", i), "", ""); err != nil {
				t.Error(err)
			}
		})
	}
	people.Wait()
	if made := raw(s).Stats(); made.MaxOpenConnections != 2 || made.OpenConnections > 2 {
		t.Errorf("%+v", made)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
