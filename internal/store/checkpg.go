package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// risks are settings of PostgreSQL that no database with accounts should have, and what they
// bring about.
var risks = []struct{ setting, safe, otherwise string }{
	{"fsync", "on", "a loss of power may damage the whole database"},
	{"full_page_writes", "on", "a loss of power may damage the whole database"},
	{"synchronous_commit", "", "a loss of power may take back changes that people were told of"},
}

func checkPostgres(ctx context.Context, c *pgx.ConnConfig) (Health, error) {
	p := connect(c, 1)
	defer p.close() //nolint:errcheck // nothing was written
	h, err := p.examine(ctx)
	return h, diagnose(err)
}

func (p *pool) examine(ctx context.Context) (h Health, err error) {
	list, err := migrations()
	if err != nil {
		return h, err
	}
	h.Newest = len(list)
	w := watchOver(ctx, p.silence)
	defer w.end()
	err = count(w.ctx, p.DB, &h)
	var native *pgconn.PgError
	if errors.As(err, &native) && native.Code == "42P01" { // there is no such table
		return h, fmt.Errorf("%w: %w", os.ErrNotExist, oneLine{err})
	}
	if err != nil {
		return h, w.explain(err)
	}
	for _, r := range risks {
		w.again()
		var is string
		if err := p.QueryRowContext(w.ctx, `SHOW `+r.setting).Scan(&is); err != nil {
			return h, w.explain(err)
		}
		if r.safe != "" && is != r.safe || is == "off" {
			h.Risks = append(h.Risks, fmt.Sprintf("%s is %s: %s", r.setting, is, r.otherwise))
		}
	}
	return h, nil
}

// AfterRestore makes a database that PostgreSQL's own programs have put back the present one, as
// [Restore] does: its lists are newer than all that clients know, and its keys, web sessions and
// letters are gone. It refuses with [ErrLocked] while anybody else is connected.
func AfterRestore(ctx context.Context, url string) (Health, error) {
	where, err := parseURL(url)
	if err != nil {
		return Health{}, err
	}
	if where.postgres == nil {
		return Health{}, errors.New("the database is a file: restore a file that `monarch backup` wrote")
	}
	s, err := OpenWith(ctx, Config{URL: url, MaxConnections: 1})
	if err != nil {
		return Health{}, err
	}
	h, err := s.afterRestore(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return h, fmt.Errorf("make what was restored to %s the present: %w", where, explain(ctx, err))
	}
	return h, nil
}

func (s *Store) afterRestore(ctx context.Context) (Health, error) {
	if err := s.awaitOthers(ctx); err != nil {
		return Health{}, err
	}
	if err := makePresent(ctx, s); err != nil {
		return Health{}, err
	}
	return s.engine.(*pool).examine(ctx)
}

// leaving is how long who has just hung up may take to be gone.
const leaving = 5 * time.Second

// awaitOthers refuses while others are connected.
func (s *Store) awaitOthers(ctx context.Context) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(leaving); ; {
		var others int
		err := s.engine.load(ctx, func(r row) error { return r.Scan(&others) }, `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()
				AND COALESCE(backend_type = 'client backend', usesysid IS NOT NULL) -- of other roles the type is not told`)
		switch {
		case err != nil || others == 0:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%w: stop every node and whatever else is connected to it first", ErrLocked)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
