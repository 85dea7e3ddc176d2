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

// file is an open SQLite database.
type file struct {
	writer *writer   // one connection: SQLite has one writer anyway, and waiting here is fair
	reader *database // sees what was last committed; waits for nobody
	copier *sql.DB   // for backups, which a reader's connection refuses; connected while in use
}

// Every connection waits this many milliseconds for another process, such as a command
// that changes an account, before it gives up with [ErrLocked].
const busyTimeout = "3000"

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
	f := &file{writer: newWriter(handles[0]), reader: &database{DB: handles[1]}, copier: handles[2]}
	readers := max(4, runtime.GOMAXPROCS(0))
	f.reader.SetMaxOpenConns(readers)
	f.reader.SetMaxIdleConns(readers)
	f.reader.SetConnMaxIdleTime(30 * time.Second) // each has a cache of some megabytes
	f.copier.SetMaxIdleConns(-1)
	if err := f.prepare(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return newStore(&Store{engine: f, file: f}), nil
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
func (f *file) prepare(ctx context.Context) error {
	var mode string
	if err := f.writer.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return fmt.Errorf("switch to a write-ahead log: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("this file system has no room for a write-ahead log: journal mode %s", mode)
	}
	list, err := migrations()
	if err != nil {
		return err
	}
	if err := migrate(ctx, f.writer.DB, list); err != nil {
		return err
	}
	// An import that was killed may have left this for later.
	if _, err := f.writer.ExecContext(ctx, contactOfPeer); err != nil {
		return fmt.Errorf("complete the indexes: %w", err)
	}
	return nil
}

func (f *file) change(ctx context.Context, do func(tx *transaction) error) error {
	return f.writer.change(ctx, do)
}

func (f *file) view(ctx context.Context, do func(tx *transaction) error) error {
	return f.reader.view(ctx, do)
}

func (f *file) load(ctx context.Context, scan func(row) error, query string, args ...any) error {
	return scan(f.reader.row(ctx, query, args...))
}

func (f *file) usage() Usage {
	u := use(f.reader.DB, f.writer.DB)
	f.writer.mu.Lock()
	defer f.writer.mu.Unlock()
	u.Waiting = len(f.writer.waiting)
	return u
}

func (f *file) close() error {
	return errors.Join(f.copier.Close(), f.reader.Close(), f.writer.Close())
}
