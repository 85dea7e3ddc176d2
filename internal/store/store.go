// Package store keeps accounts, contact lists and signing keys in a database, durably: a
// change that a method has returned from survives the end of the process and of the power.
// It leaves to its callers who is signed in, whom to tell of a change, and the checks of
// what a client may write.
//
// Each method is one change, and one that returns an error has changed nothing; imports alone
// are many. The list versions are kept here too: every accepted change of an account's lists is
// one step of its version, and so is every change somebody else causes in them.
// docs/protocol/lists.md#version
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	writer *writer   // one connection: SQLite has one writer anyway, and waiting here is fair
	reader *database // sees what was last committed; waits for nobody
	copier *sql.DB   // for backups, which a reader's connection refuses; connected while in use

	recorder *recorder // keeps what Roster has computed
}

// Every connection waits this many milliseconds for another process, such as a command
// that changes an account, before it gives up with [ErrLocked].
const busyTimeout = "3000"

// Open opens the database that url names, makes it if there is none, and brings its schema
// up to date. The url is "sqlite:" and a path, or "sqlite://" and an absolute path. The
// path is taken as it stands, nothing in it is decoded.
func Open(ctx context.Context, url string) (*Store, error) {
	path, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	s, err := openSQLite(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, explain(ctx, err))
	}
	return s, nil
}

// Close ends the use of the database, after the calls that are under way.
func (s *Store) Close() error {
	s.recorder.close()
	return s.closeHandles()
}

func (s *Store) closeHandles() error {
	return errors.Join(s.copier.Close(), s.reader.Close(), s.writer.Close())
}

// parseURL returns the absolute path in a SQLite url. Its errors never repeat the url, which
// may hold a password.
func parseURL(url string) (string, error) {
	const advice = "write sqlite:///absolute/path/monarch.db or sqlite:relative/path/monarch.db"
	scheme, path, ok := strings.Cut(url, ":")
	switch {
	case !ok:
		return "", fmt.Errorf("database url has no scheme: %s", advice)
	case scheme == "postgres" || scheme == "postgresql":
		return "", fmt.Errorf("database url: PostgreSQL is not supported yet: %s", advice)
	case scheme != "sqlite":
		return "", fmt.Errorf("database url: unknown scheme %q: %s", scheme, advice)
	}
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return "", fmt.Errorf("database url: a path after sqlite:// begins with a slash: %s", advice)
		}
		path = rest
	}
	if path == "" {
		return "", fmt.Errorf("database url has no path: %s", advice)
	}
	return filepath.Abs(path)
}

func openSQLite(ctx context.Context, path string) (*Store, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	var handles [3]*sql.DB
	for i, params := range [...][]string{
		{"_txlock=immediate", "_pragma=synchronous(FULL)", "_pragma=fullfsync(1)"},
		{"_pragma=query_only(1)"},
		nil,
	} {
		var err error
		if handles[i], err = sql.Open("sqlite", dataSource(path, params)); err != nil {
			return nil, err // of the data source's form: nothing is connected yet
		}
	}
	s := &Store{writer: newWriter(handles[0]), reader: &database{DB: handles[1]}, copier: handles[2]}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	s.reader.SetConnMaxIdleTime(30 * time.Second) // each has a cache of some megabytes
	s.copier.SetMaxIdleConns(-1)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.closeHandles())
	}
	s.recorder = newRecorder(s.writeRecords)
	return s, nil
}

// createFile makes an empty database file if there is none. Nobody else may read it: it
// holds password hashes and signing keys. SQLite gives its other files the same mode.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fileError(err)
	}
	return errors.Join(f.Close(), syncDir(path))
}

// syncDir makes the name of a new file durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func dataSource(path string, params []string) string {
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path))
	params = append(params, "_pragma=busy_timeout("+busyTimeout+")", "_pragma=foreign_keys(1)")
	return "file:" + name + "?" + strings.Join(params, "&")
}

// prepare sets what belongs to the file rather than to a connection, and migrates.
func (s *Store) prepare(ctx context.Context) error {
	var mode string
	if err := s.writer.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return fmt.Errorf("switch to a write-ahead log: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("this file system has no room for a write-ahead log: journal mode %s", mode)
	}
	list, err := migrations()
	if err != nil {
		return err
	}
	return migrate(ctx, s.writer.DB, list)
}

// change runs do in a transaction, which is rolled back if do refuses; it may be run twice. When
// change returns nil what do has done is durable. what says in errors what was attempted.
func change[T any](ctx context.Context, s *Store, what string, do func(tx *transaction) (T, error)) (T, error) {
	var none, got T
	err := s.writer.change(ctx, func(tx *transaction) (err error) {
		got, err = do(tx)
		return err
	})
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, explain(ctx, err))
	}
	return got, nil
}

// act is change for what returns nothing.
func act(ctx context.Context, s *Store, what string, do func(tx *transaction) error) error {
	_, err := change(ctx, s, what, func(tx *transaction) (struct{}, error) { return struct{}{}, do(tx) })
	return err
}

// view runs do, which only reads, several statements that see one state of the database.
func view[T any](ctx context.Context, s *Store, what string, do func(tx *transaction) (T, error)) (T, error) {
	var got, none T
	err := s.reader.view(ctx, func(tx *transaction) (err error) {
		got, err = do(tx)
		return err
	})
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, explain(ctx, err))
	}
	return got, nil
}

// load runs one query for one row, which scan reads. It needs no transaction.
func load[T any](ctx context.Context, s *Store, what string, scan func(row) (T, error), query string, args ...any) (T, error) {
	got, err := scan(s.reader.row(ctx, query, args...))
	if err != nil {
		var none T
		return none, fmt.Errorf("%s: %w", what, explain(ctx, err))
	}
	return got, nil
}

// collect runs a query and gathers what scan makes of its rows.
func collect[T any](ctx context.Context, tx *transaction, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
