package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// restoredSteps is how far [Restore] moves the version of every account's lists: beyond what
// the account may have reached since the backup. A client that remembers lists of that time by
// their version must not hear that they are the present ones.
const restoredSteps = 100_000

// Restored says what [Restore] has done.
type Restored struct {
	Health        // of the database that is in place now
	Kept   string // where the one of before is, with all that it held; "" when there was none
}

// Restore puts the backup in the file from in the place of the database that url names, which
// nobody may have open. The backup is checked, and brought to the present schema, before
// anything is changed, and is not changed itself. The database of before is kept beside. What a
// restore that was killed has left behind is removed.
//
// A service goes on that is earlier than what its clients know. So the versions of lists are
// moved on, and the keys are left out with which tickets were signed: an account that was made
// after the backup is gone, and its number may become another's. Sessions at the website, letters
// and tokens for programs are left out, too: some of them were ended, used or revoked since.
func Restore(ctx context.Context, from, url string) (Restored, error) {
	where, err := parseURL(url)
	if err != nil {
		return Restored{}, err
	}
	if where.postgres != nil {
		return Restored{}, ErrNotAFile
	}
	path := where.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if err := isBackup(from, path); err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", from, err)
	}
	r, err := restore(ctx, from, path)
	if err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", from, explain(ctx, err))
	}
	return r, nil
}

// isBackup refuses files that are databases in use.
func isBackup(from, path string) error {
	source, err := os.Stat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; name a file that `monarch backup` wrote", nameless(err))
	case err != nil:
		return nameless(err)
	case source.IsDir():
		return errors.New("it is a directory; name a file in it that `monarch backup` wrote")
	}
	if target, err := os.Stat(path); err == nil && os.SameFile(source, target) {
		return errors.New("this is the database itself; name a backup of it")
	}
	if wal, err := os.Stat(from + walSuffix); err == nil && wal.Size() > 0 {
		return fmt.Errorf("%s belongs to it, so it is a database in use and no backup; make one with `monarch backup`", from+walSuffix)
	}
	return nil
}

// The files that SQLite has beside a database: what is not in the database itself yet, and an
// index to that.
const (
	walSuffix = "-wal"
	shmSuffix = "-shm"
)

// restoring is what stands in the name of a copy behind that of the database it is to replace.
const restoring = ".restoring-"

func restore(ctx context.Context, from, path string) (r Restored, err error) {
	if err := sweep(path); err != nil {
		return r, err
	}
	temporary, err := copyToTemporary(ctx, from, path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, removeDatabase(temporary)) }() // after success there is none
	if r.Health, err = makePresentable(ctx, temporary); err != nil {
		return r, err
	}
	if err := release(ctx, path); err != nil {
		return r, err
	}
	if r.Kept, err = setAside(path); err != nil {
		return r, err
	}
	if err := os.Rename(temporary, path); err != nil {
		return r, err
	}
	return r, syncDir(path)
}

// sweep removes the copies of earlier restores that were killed.
func sweep(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fileError(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), filepath.Base(path)+restoring) {
			if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
				return fileError(err)
			}
		}
	}
	return nil
}

// copyToTemporary copies a file to the directory of path, for nobody else to read, and returns
// the copy's name.
func copyToTemporary(ctx context.Context, from, path string) (name string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", nameless(err)
	}
	defer context.AfterFunc(ctx, func() { in.Close() })() // which ends the copying
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+restoring+"*")
	if err != nil {
		return "", copyError(path, err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", errors.Join(copyError(path, err), os.Remove(out.Name()))
	}
	return out.Name(), nil
}

// copyError tells where there can be no copy.
func copyError(path string, err error) error {
	return fmt.Errorf("copy it to %s: %w", filepath.Dir(path), fileError(nameless(err)))
}

// makePresentable checks a copy of a backup and makes it a database that can be used.
func makePresentable(ctx context.Context, path string) (Health, error) {
	h, err := check(ctx, path)
	switch {
	case err != nil:
		return h, fmt.Errorf("it is no backup of a service, or is damaged: %w; choose another file", err)
	case len(h.Faults) > 0:
		return h, fmt.Errorf("%w: %s; choose another backup", ErrDamaged, strings.Join(h.Faults, "; "))
	case h.Schema == 0:
		return h, errors.New("it is no backup of a service; choose another file")
	case h.Schema > h.Newest:
		return h, fmt.Errorf("it has schema %d, of a newer release; this one knows %d: restore it with that release", h.Schema, h.Newest)
	}
	s, err := openSQLite(ctx, path)
	if err != nil {
		return h, fmt.Errorf("bring it up to date: %w", err)
	}
	return h, errors.Join(makePresent(ctx, s), s.Close())
}

// makePresent leaves out of what a backup has put back what [Restore] says.
func makePresent(ctx context.Context, s *Store) error {
	return act(ctx, s, "make a backup the present", func(tx *transaction) error {
		for _, each := range []struct {
			text string
			args []any
		}{
			{`UPDATE account SET version = version + $1`, []any{restoredSteps}},
			{`UPDATE roster_record SET version = version + $1`, []any{restoredSteps}},
			{`DELETE FROM signing_key`, nil},
			{`DELETE FROM web_session`, nil},
			{`DELETE FROM letter_token`, nil},
			{`DELETE FROM api_token`, nil},
		} {
			if _, err := tx.ExecContext(ctx, each.text, each.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// release makes the database at path one whole file, if there is one, and refuses if somebody
// has it open. One that is damaged stays as it is: SQLite would throw away what is beside it.
func release(ctx context.Context, path string) error {
	if !looksSound(path) {
		return nil
	}
	db, err := sql.Open("sqlite", dataSource(path, nil))
	if err != nil {
		return err
	}
	defer db.Close()
	var mode string
	err = db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode)
	if err = explain(ctx, err); errors.Is(err, ErrLocked) || ctx.Err() != nil {
		return err
	}
	return nil
}

// looksSound reports whether a file begins as databases do.
func looksSound(path string) bool {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, 100) // the header
	_, err = io.ReadFull(f, begin)
	return err == nil && strings.HasPrefix(string(begin), magic)
}

// setAside gives the database at path a second name, and returns that. It stays in its place,
// so that there is one at any time.
func setAside(path string) (kept string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	kept = path + time.Now().Format(".before-2006-01-02-150405.000")
	for _, suffix := range []string{"", walSuffix} {
		if err := duplicate(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fileError(err)
		}
	}
	if err := syncDir(path); err != nil {
		return "", err
	}
	// What is not in the file itself would be taken for the restored one's. There is something
	// only when the file is damaged.
	for _, suffix := range []string{walSuffix, shmSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fileError(err)
		}
	}
	return kept, nil
}

// duplicate gives a file a second name or, where the file system has no such thing, a copy.
func duplicate(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
