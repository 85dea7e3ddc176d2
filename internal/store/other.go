package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/stdlib"
)

// OpenOther opens the database of another service, a file of SQLite or, by a url, one in PostgreSQL, for
// reading alone. Nothing of what this package promises of its own databases holds for it.
func OpenOther(ctx context.Context, where string) (*sql.DB, error) {
	if IsPostgres(where) {
		c, err := parsePostgres(where)
		if err != nil {
			return nil, err
		}
		c.RuntimeParams["default_transaction_read_only"] = "on"
		return reached(ctx, stdlib.OpenDB(*c), c.Database)
	}
	db, err := sql.Open("sqlite", dataSource(where, []string{"mode=ro", "_pragma=query_only(1)"}))
	if err != nil {
		return nil, err
	}
	return reached(ctx, db, where)
}

// reached returns a database that answers.
func reached(ctx context.Context, db *sql.DB, name string) (*sql.DB, error) {
	if _, err := db.ExecContext(ctx, `SELECT 1`); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", name, explain(ctx, err)), db.Close())
	}
	return db, nil
}

// OpenScratch opens an empty database of SQLite that is gone when it is closed by done, and that
// nothing outlasts.
func OpenScratch(ctx context.Context) (db *sql.DB, done func() error, err error) {
	dir, err := os.MkdirTemp("", "monarch-")
	if err != nil {
		return nil, nil, fileError(err)
	}
	db, err = sql.Open("sqlite", dataSource(filepath.Join(dir, "scratch.db"), []string{"_pragma=synchronous(OFF)", "_pragma=journal_mode(OFF)"}))
	if err == nil {
		db, err = reached(ctx, db, "a temporary database")
	}
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return db, func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }, nil
}
