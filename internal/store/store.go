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
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"monarch/internal/metrics"
)

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	engine engine
	*file  // the engine, where that is SQLite; else nil

	recorder *recorder // keeps what Roster has computed
	measure  Measure
}

// Measure is told of work that is done: of which kind, how long it took with all waits, and whether
// it failed because the database was not available. It must not wait.
type Measure func(o metrics.Operation, took time.Duration, unavailable bool)

// Usage is what of a database is in use, and what waits for it.
type Usage struct {
	Waiting     int // changes that wait for their turn; SQLite alone has turns
	Connections int // in use
	Most        int // that may be
	Waits       uint64
	Waited      time.Duration
}

// engine is what differs between the databases. What its methods run may be run several times,
// each time as if for the first.
type engine interface {
	// change runs do in a transaction, which is rolled back if do refuses. What it has done is
	// durable when change returns nil.
	change(ctx context.Context, do func(tx *transaction) error) error
	// view runs do, which only reads, several statements that see one state of the database.
	view(ctx context.Context, do func(tx *transaction) error) error
	// load runs one query for one row.
	load(ctx context.Context, scan func(row) error, query string, args ...any) error
	usage() Usage
	close() error
}

// Config says which database a [Store] is, and how it is used.
type Config struct {
	URL string // as for [Open]
	// The most connections to PostgreSQL at a time; 0: [DefaultConnections].
	MaxConnections int
	Measure        Measure // nil: nobody wants to know
}

// Open opens the database that url names and brings its schema up to date. The url is "sqlite:"
// and a path, or "sqlite://" and an absolute path: there is made a database if there is none, and
// the path is taken as it stands, nothing in it is decoded. Or it is "postgres://" and what
// PostgreSQL's own programs understand behind that, and names a database that exists.
func Open(ctx context.Context, url string) (*Store, error) {
	return OpenWith(ctx, Config{URL: url})
}

// OpenWith is [Open] with more to choose.
func OpenWith(ctx context.Context, cfg Config) (*Store, error) {
	where, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if where.postgres != nil {
		p, err := openPool(ctx, where.postgres, cfg.MaxConnections)
		if err != nil {
			return nil, fmt.Errorf("open database %s: %w", where, explain(ctx, err))
		}
		return newStore(&Store{engine: p}).measured(cfg.Measure), nil
	}
	s, err := openSQLite(ctx, where.path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", where, explain(ctx, err))
	}
	return s.measured(cfg.Measure), nil
}

// measured has somebody told of all work, unless nobody is.
func (s *Store) measured(by Measure) *Store {
	if by != nil {
		s.measure = by
	}
	return s
}

// Usage returns what is in use at this moment.
func (s *Store) Usage() Usage { return s.engine.usage() }

// use returns what a handle's connections are used for.
func use(db ...*sql.DB) (u Usage) {
	for _, each := range db {
		st := each.Stats()
		u.Connections += st.InUse
		u.Most += st.MaxOpenConnections
		u.Waits += uint64(max(st.WaitCount, 0))
		u.Waited += st.WaitDuration
	}
	return u
}

// newStore completes a store whose database is open.
func newStore(s *Store) *Store {
	s.recorder = newRecorder(s.writeRecords)
	s.measure = func(metrics.Operation, time.Duration, bool) {}
	return s
}

// Close ends the use of the database, after the calls that are under way.
func (s *Store) Close() error {
	s.recorder.close()
	return s.engine.close()
}

// location is where a database is: one of the two.
type location struct {
	path     string // of SQLite's file, absolute
	postgres *pgx.ConnConfig
}

// String names the place without its secrets.
func (p location) String() string {
	if c := p.postgres; c != nil {
		return fmt.Sprintf("%s at %s", c.Database, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
	}
	return p.path
}

// IsPostgres reports whether a url names a PostgreSQL database.
func IsPostgres(url string) bool {
	scheme, _, _ := strings.Cut(url, ":")
	return scheme == "postgres" || scheme == "postgresql"
}

// parseURL reads a url. Its errors never repeat it, as it may hold a password.
func parseURL(url string) (location, error) {
	const advice = "write sqlite:///absolute/path/monarch.db, sqlite:relative/path/monarch.db or postgres://user:password@host/database" //nolint:gosec // nobody's
	if IsPostgres(url) {
		c, err := parsePostgres(url)
		return location{postgres: c}, err
	}
	scheme, path, ok := strings.Cut(url, ":")
	switch {
	case !ok:
		return location{}, fmt.Errorf("database url has no scheme: %s", advice)
	case scheme != "sqlite":
		return location{}, fmt.Errorf("database url: unknown scheme %q: %s", scheme, advice)
	}
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return location{}, fmt.Errorf("database url: a path after sqlite:// begins with a slash: %s", advice)
		}
		path = rest
	}
	if path == "" {
		return location{}, fmt.Errorf("database url has no path: %s", advice)
	}
	path, err := filepath.Abs(path)
	return location{path: path}, err
}

// change runs do in a transaction, which is rolled back if do refuses; it may be run twice. When
// change returns nil what do has done is durable. what says in errors what was attempted.
func change[T any](ctx context.Context, s *Store, what string, do func(tx *transaction) (T, error)) (T, error) {
	var none, got T
	began := time.Now()
	err := s.engine.change(ctx, func(tx *transaction) (err error) {
		got, err = do(tx)
		return err
	})
	if err != nil {
		err = explain(ctx, err)
	}
	s.measure(metrics.Change, time.Since(began), errors.Is(err, ErrUnavailable))
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
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
	began := time.Now()
	err := s.engine.view(ctx, func(tx *transaction) (err error) {
		got, err = do(tx)
		return err
	})
	if err != nil {
		err = explain(ctx, err)
	}
	s.measure(metrics.View, time.Since(began), errors.Is(err, ErrUnavailable))
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	return got, nil
}

// load runs one query for one row, which scan reads. It needs no transaction.
func load[T any](ctx context.Context, s *Store, what string, scan func(row) (T, error), query string, args ...any) (T, error) {
	var got, none T
	began := time.Now()
	err := s.engine.load(ctx, func(r row) (err error) {
		got, err = scan(r)
		return err
	}, query, args...)
	if err != nil {
		err = explain(ctx, err)
	}
	s.measure(metrics.Load, time.Since(began), errors.Is(err, ErrUnavailable))
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	return got, nil
}

// collect runs a query and gathers what scan makes of its rows.
func collect[T any](ctx context.Context, tx *transaction, scan func(row) (T, error), query string, args ...any) ([]T, error) {
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
