package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// Health is what [Check] found in a database.
type Health struct {
	Schema int       // how many migrations it has had
	Newest int       // how many this release knows
	Users  int       // accounts
	Last   time.Time // when the youngest account was made; zero without accounts
	Faults []string  // what is wrong inside, in SQLite's words; at most ten
	Risks  []string  // how PostgreSQL was set up to lose what was acknowledged
}

// mostFaults bounds what a thoroughly damaged database has to say.
const mostFaults = 10

// Check reads the whole database that url names and changes nothing: no file is made, no
// migration applied. A server may be running on it. Damage that still lets itself be read is
// in Faults; the error is for what does not, and wraps os.ErrNotExist where there is no file, or
// nothing in PostgreSQL's database. Whether that is damaged PostgreSQL's own programs find out.
func Check(ctx context.Context, url string) (Health, error) {
	where, err := parseURL(url)
	if err != nil {
		return Health{}, err
	}
	if where.postgres != nil {
		h, err := checkPostgres(ctx, where.postgres)
		if err != nil {
			return h, fmt.Errorf("check database %s: %w", where, explain(ctx, err))
		}
		return h, nil
	}
	path := where.path
	if _, err := os.Stat(path); err != nil {
		return Health{}, fmt.Errorf("check database: %w", err)
	}
	h, err := check(ctx, path)
	if err != nil {
		return h, fmt.Errorf("check database %s: %w", path, err)
	}
	return h, nil
}

func check(ctx context.Context, path string) (Health, error) {
	db, err := sql.Open("sqlite", dataSource(path, []string{"mode=ro", "_pragma=query_only(1)"}))
	if err != nil {
		return Health{}, err
	}
	defer db.Close()
	h, err := examine(ctx, db)
	return h, explain(ctx, err)
}

func examine(ctx context.Context, db *sql.DB) (h Health, err error) {
	list, err := migrations()
	if err != nil {
		return h, err
	}
	h.Newest = len(list)
	for _, pragma := range []string{
		fmt.Sprintf(`PRAGMA integrity_check(%d)`, mostFaults),
		`SELECT 'a row of ' || "table" || ' points at nothing' FROM pragma_foreign_key_check`,
	} {
		found, err := lines(ctx, db, pragma)
		if err != nil {
			return h, err
		}
		h.Faults = append(h.Faults, found...)
	}
	h.Faults = h.Faults[:min(len(h.Faults), mostFaults)]
	err = count(ctx, db, &h)
	return h, err
}

// count reads which schema a database has, and how many accounts.
func count(ctx context.Context, db *sql.DB, h *Health) error {
	err := db.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&h.Schema)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	var last int64
	if err := db.QueryRowContext(ctx, `SELECT count(*), coalesce(max(created), 0) FROM account`).Scan(&h.Users, &last); err != nil {
		return fmt.Errorf("count accounts: %w", err)
	}
	if last != 0 {
		h.Last = time.Unix(last, 0)
	}
	return nil
}

// lines returns the rows of a query that says "ok" when there is nothing to say.
func lines(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	return found, rows.Err()
}
