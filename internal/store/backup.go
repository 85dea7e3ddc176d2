package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotAFile says what copies databases that are no files.
var ErrNotAFile = errors.New("the database is in PostgreSQL, which copies it itself: back it up with pg_dump, put it back with pg_restore; " +
	"docs/postgresql.md shows how")

// Backup writes a copy of the database, as it is at one moment, to a new file, while reading
// and writing go on. It refuses with os.ErrExist to write over a file. Under its name there is
// never a part of a backup: what is written has another, the same and ".writing-", until it is
// whole.
//
// PostgreSQL's databases are copied by its own programs, and the error says so.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.file == nil {
		return ErrNotAFile
	}
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, explain(ctx, err))
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist // which publish would find after all the work
	}
	// SQLite writes into a file that is empty, so nobody else may read it from the beginning.
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".writing-*")
	if err != nil {
		return nameless(err)
	}
	_, err = s.copier.ExecContext(ctx, `VACUUM INTO $1`, f.Name())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = publish(f.Name(), path)
	}
	return errors.Join(err, removeDatabase(f.Name()))
}

// publish gives a file that is whole its name, unless there is a file of that name.
func publish(temporary, path string) error {
	err := os.Link(temporary, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = takeName(temporary, path)
	}
	if err != nil {
		return nameless(err)
	}
	if err := syncDir(path); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// takeName is for file systems on which a file has one name. Who is killed between the two
// steps leaves an empty file.
func takeName(temporary, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(temporary, path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// removeDatabase removes those of a database's files that are there.
func removeDatabase(path string) (err error) {
	for _, suffix := range []string{"", "-journal", walSuffix, shmSuffix} {
		if e := os.Remove(path + suffix); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
