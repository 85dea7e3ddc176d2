package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/jackc/pgx/v5/stdlib"
)

// The schema is what the files of migrations make of an empty database, one after the other
// in the order of their names. A file that was ever released is never changed or removed;
// a new need is a new file.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Its number is its place in the list, from 1.
type migration struct {
	name string
	text string
}

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var list []migration
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list = append(list, migration{name: name, text: string(text)})
	}
	return list, nil
}

// migrate applies those of list that the database lacks, each in a transaction with the
// number it leaves behind, so that a half-done one never shows. Of two processes that start
// at once one does the work; the other waits and finds it done.
func migrate(ctx context.Context, db *sql.DB, list []migration) error {
	for {
		done, err := migrateOne(ctx, db, list)
		if done || err != nil {
			return err
		}
	}
}

func migrateOne(ctx context.Context, db *sql.DB, list []migration) (done bool, err error) {
	postgres := isPostgres(db)
	var opts sql.TxOptions
	if postgres {
		// However the database was set up: whoever waited for the lock sees what was done meanwhile.
		opts.Isolation = sql.LevelReadCommitted
	}
	tx, err := db.BeginTx(ctx, &opts)
	if err != nil {
		return false, fmt.Errorf("begin migration: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; else the first error tells more
	if postgres {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLock); err != nil {
			return false, fmt.Errorf("wait for another node's migration: %w", err)
		}
	}
	at, err := schemaVersion(ctx, tx)
	if err != nil {
		return false, fmt.Errorf("read schema version: %w", err)
	}
	if at > len(list) {
		return false, fmt.Errorf("the database has schema %d, of a newer release; this one knows %d", at, len(list))
	}
	if at == len(list) {
		return true, nil
	}
	next := list[at]
	text := next.text
	if postgres {
		text = forPostgres(text)
	}
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return false, fmt.Errorf("apply %s: %w", next.name, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = $1`, at+1); err != nil {
		return false, fmt.Errorf("record %s: %w", next.name, err)
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("commit %s: %w", next.name, err)
	}
	return false, nil
}

// migrationLock is what two nodes that start on one PostgreSQL database at once take turns by.
// SQLite has one writer anyway. The number is a name: "monarch" in bytes.
const migrationLock = 0x6d6f6e61726368

func isPostgres(db *sql.DB) bool {
	_, is := db.Driver().(*stdlib.Driver)
	return is
}

// forPostgres makes of a migration what PostgreSQL is to run, which differs in one thing. Texts
// are compared byte by byte, as SQLite does, and not as some language does: the order of handles
// is the same everywhere then, and no index is damaged when a system's rules of sorting change.
func forPostgres(text string) string {
	return textColumn.ReplaceAllString(text, `TEXT COLLATE "C"$1`)
}

// textColumn is the type of a column, and what follows it.
var textColumn = regexp.MustCompile(`\bTEXT( NOT NULL| PRIMARY KEY|,)`)

// schemaVersion returns how many migrations the database has had, and makes the table that
// remembers it.
func schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`)
	if err != nil {
		return 0, err
	}
	var at int
	err = tx.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (0)`)
	}
	return at, err
}
