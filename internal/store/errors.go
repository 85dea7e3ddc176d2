package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrUnavailable is what every error wraps that lies with the database's surroundings, not
// with what was asked of it: the same call may succeed later, or after an operator's help.
var ErrUnavailable = errors.New("database unavailable")

// The kinds of [ErrUnavailable] that call for different help.
var (
	ErrLocked   = fmt.Errorf("%w: another process holds it", ErrUnavailable)
	ErrReadOnly = fmt.Errorf("%w: it cannot be written", ErrUnavailable)
	ErrFull     = fmt.Errorf("%w: the disk is full", ErrUnavailable)
	ErrDamaged  = fmt.Errorf("%w: the file is damaged or no database", ErrUnavailable)
)

// kinds maps SQLite's primary result codes.
var kinds = map[int]error{
	sqlite3.SQLITE_BUSY:     ErrLocked,
	sqlite3.SQLITE_LOCKED:   ErrLocked,
	sqlite3.SQLITE_READONLY: ErrReadOnly,
	sqlite3.SQLITE_PERM:     ErrReadOnly,
	sqlite3.SQLITE_FULL:     ErrFull,
	sqlite3.SQLITE_CORRUPT:  ErrDamaged,
	sqlite3.SQLITE_NOTADB:   ErrDamaged,
	sqlite3.SQLITE_IOERR:    ErrUnavailable,
	sqlite3.SQLITE_CANTOPEN: ErrUnavailable,
	sqlite3.SQLITE_NOMEM:    ErrUnavailable,
}

// explain gives an error of the driver its kind. An error that a cancelled context brought
// about says so, whatever the driver made of it.
func explain(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		if errors.Is(err, cause) {
			return err
		}
		return fmt.Errorf("%w: %w", cause, err)
	}
	var native *sqlite.Error
	if !errors.As(err, &native) || errors.Is(err, ErrUnavailable) {
		return err
	}
	const primary = 0xFF // the rest of a code is detail
	if kind := kinds[native.Code()&primary]; kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	return err
}

// fileError gives an error of the file system its kind.
func fileError(err error) error {
	kind := ErrUnavailable
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = ErrReadOnly
	case errors.Is(err, syscall.ENOSPC):
		kind = ErrFull
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// nameless returns the reason in an error of the file system, without the names of files: they
// are temporary ones that tell nobody anything.
func nameless(err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return file.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
