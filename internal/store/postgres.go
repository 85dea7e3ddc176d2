package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// DefaultConnections is how many connections to PostgreSQL there may be at a time, unless
// somebody chooses. PostgreSQL takes 100 of all programs together unless told otherwise.
const DefaultConnections = 20

// pool is an open PostgreSQL database, which other nodes use at the same time. Changes run
// beside each other, each in a transaction that sees what others have committed before each of
// its statements. What it decides on it locks before it reads: [transaction.hold].
type pool struct {
	*sql.DB
	silence time.Duration // how long a statement may take
}

const (
	// connectTime is how long to wait for a connection to be made, unless the url says.
	connectTime = 5 * time.Second

	// silence is how long one statement may take, locks and the way there and back included.
	// After that the connection is given up: the other end may be gone without a word.
	silence = 15 * time.Second

	// mostAttempts is how often a transaction is run. One is run again when PostgreSQL has ended
	// it in favour of another, or when its connection was lost before it was to be committed.
	mostAttempts = 10

	// A connection that nothing uses is closed after some time, and any is after more: then those
	// of a server that was away for a while, or was replaced by another, spread out again.
	idleTime = 5 * time.Minute
	lifetime = time.Hour
)

// parsePostgres reads a url. Its errors never repeat it.
func parsePostgres(text string) (*pgx.ConnConfig, error) {
	const advice = "write postgres://user:password@host:5432/database, with every / @ : ? # %% of user and password as %%2F %%40 %%3A %%3F %%23 %%25" //nolint:gosec // nobody's
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("database url cannot be read: " + advice)
	}
	c, err := pgx.ParseConfig(text)
	if err != nil {
		reason := errors.Unwrap(err) // what is around it repeats the url
		if reason == nil || strings.Contains(reason.Error(), text) {
			reason = errors.New("something behind the question mark is not as it should be")
		}
		return nil, fmt.Errorf("database url: %w: "+advice, reason)
	}
	if strings.Trim(u.Path, "/") == "" && !u.Query().Has("dbname") && !u.Query().Has("service") {
		return nil, fmt.Errorf("database url names no database: " + advice)
	}
	if !u.Query().Has("connect_timeout") {
		c.ConnectTimeout = connectTime
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "monarch"
	}
	return c, nil
}

// connect makes a pool. Nothing is connected yet.
func connect(c *pgx.ConnConfig, connections int) *pool {
	if connections == 0 {
		connections = DefaultConnections
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	db.SetConnMaxLifetime(lifetime)
	return &pool{DB: db, silence: silence}
}

func openPool(ctx context.Context, c *pgx.ConnConfig, connections int) (*pool, error) {
	p := connect(c, connections)
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(diagnose(err), p.close())
	}
	return p, nil
}

// prepare refuses a database that texts could not be kept in, and migrates.
func (p *pool) prepare(ctx context.Context) error {
	w := watchOver(ctx, p.silence)
	defer w.end()
	var encoding string
	if err := p.QueryRowContext(w.ctx, `SHOW server_encoding`).Scan(&encoding); err != nil {
		return w.explain(err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database has the encoding %s; make one with: createdb --encoding=UTF8 --template=template0", encoding)
	}
	list, err := migrations()
	if err != nil {
		return err
	}
	w.again()
	var at int
	switch err := p.QueryRowContext(w.ctx, `SELECT version FROM schema_version`).Scan(&at); {
	case w.ctx.Err() != nil:
		return w.explain(w.ctx.Err())
	case err == nil && at == len(list):
		return nil
	}
	return migrate(ctx, p.DB, list) // as long as it takes, and another node's before it
}

func (p *pool) usage() Usage { return use(p.DB) }

func (p *pool) close() error { return p.Close() }

func (p *pool) change(ctx context.Context, do func(tx *transaction) error) error {
	// Each statement sees what is committed by then, however the database was set up.
	return p.transact(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, do)
}

func (p *pool) view(ctx context.Context, do func(tx *transaction) error) error {
	return p.transact(ctx, sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, do)
}

func (p *pool) load(ctx context.Context, scan func(row) error, query string, args ...any) error {
	return p.persist(ctx, func() error {
		w := watchOver(ctx, p.silence)
		defer w.end()
		conn, err := p.take(w)
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // it goes back to where it came from
		return w.explain(scan(conn.QueryRowContext(w.ctx, query, args...)))
	})
}

// transact runs do in a transaction, several times if need be.
func (p *pool) transact(ctx context.Context, opts sql.TxOptions, do func(tx *transaction) error) error {
	return p.persist(ctx, func() error {
		w := watchOver(ctx, p.silence)
		defer w.end()
		conn, err := p.take(w)
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // it goes back to where it came from
		return w.explain(once(w, conn, opts, do))
	})
}

// take waits for a connection.
func (p *pool) take(w *watch) (*sql.Conn, error) {
	conn, err := p.Conn(w.ctx)
	if stats := p.Stats(); err != nil && w.silent() && stats.InUse == stats.MaxOpenConnections {
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	}
	return conn, w.explain(err)
}

// once runs do in a transaction and commits it.
func once(w *watch, conn *sql.Conn, opts sql.TxOptions, do func(tx *transaction) error) error {
	tx, err := conn.BeginTx(w.past, &opts)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; else the first error tells more
	if err := do(&transaction{Tx: tx, watch: w}); err != nil {
		return err
	}
	w.again()
	if err := tx.Commit(); err != nil {
		return uncommitted(err)
	}
	return nil
}

// persist runs something again while that may help.
func (p *pool) persist(ctx context.Context, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if ctx.Err() != nil {
			return err
		}
		if err = diagnose(err); attempt == mostAttempts || !worthAnother(err) {
			return err
		}
		// Those that were in one another's way take different times to come back.
		wait := time.NewTimer(rand.N(time.Duration(attempt) * 10 * time.Millisecond)) //nolint:gosec // it keeps no secret
		select {
		case <-ctx.Done():
			wait.Stop()
			return err
		case <-wait.C:
		}
	}
}

// watch ends what takes too long on the other side of a connection.
type watch struct {
	past  context.Context // ends when a statement takes too long
	ctx   context.Context // so does this, and with what the caller has given
	limit time.Duration   // of each statement
	timer *time.Timer
	leave func() // ends both
}

// errSilent is why a watch has ended something.
var errSilent = fmt.Errorf("%w: no answer in time", ErrUnreachable)

// errBusy is why it has ended the wait for a connection.
var errBusy = fmt.Errorf("%w: this server has no connection to PostgreSQL to spare; see what keeps PostgreSQL busy, or raise database.max_connections",
	ErrUnavailable)

func watchOver(ctx context.Context, limit time.Duration) *watch {
	past, quit := context.WithCancelCause(context.WithoutCancel(ctx))
	both, cancel := context.WithCancel(past)
	stop := context.AfterFunc(ctx, cancel)
	if ctx.Err() != nil {
		cancel() // AfterFunc does so in a moment, and much can be answered in that
	}
	timer := time.AfterFunc(limit, func() { quit(errSilent) })
	return &watch{past: past, ctx: both, limit: limit, timer: timer, leave: func() {
		timer.Stop()
		stop()
		cancel()
		quit(nil)
	}}
}

// again gives the next statement its time.
func (w *watch) again() { w.timer.Reset(w.limit) }

func (w *watch) end() { w.leave() }

// explain adds that it was the watch that has ended something, if it was.
func (w *watch) explain(err error) error {
	if err != nil && w.silent() {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}

// silent reports whether it has ended something.
func (w *watch) silent() bool { return errors.Is(context.Cause(w.past), errSilent) }
