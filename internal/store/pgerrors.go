package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The kinds of [ErrUnavailable] that only PostgreSQL has.
var (
	ErrUnreachable = fmt.Errorf("%w: PostgreSQL cannot be reached; see that it runs, and that database.url has its host and port", ErrUnavailable)
	ErrRefused     = fmt.Errorf("%w: PostgreSQL does not let this user in; see about user and password in database.url, and pg_hba.conf there", ErrUnavailable)
	ErrNoDatabase  = fmt.Errorf("%w: PostgreSQL has no such database; make it there, with: createdb --owner=USER NAME", ErrUnavailable)
	ErrCrowded     = fmt.Errorf("%w: PostgreSQL takes no more connections; "+
		"lower database.max_connections, or raise max_connections there, so that all nodes and other programs fit", ErrUnavailable)
	ErrForbidden = fmt.Errorf("%w: PostgreSQL does not let this user change the database; make him its owner there, with: "+
		"ALTER DATABASE name OWNER TO user", ErrUnavailable)
	// ErrUncertain says that the connection was lost while a change was being committed. It may
	// have been made or not.
	ErrUncertain = fmt.Errorf("%w: the connection was lost while a change was being committed, which may be there or not", ErrUnavailable)
)

// pgKinds maps PostgreSQL's codes, and where a code is not in it, the classes that are their
// first two characters.
var pgKinds = map[string]error{
	"08":    ErrUnreachable,
	"28":    ErrRefused,
	"3D000": ErrNoDatabase,
	"25006": fmt.Errorf("%w; PostgreSQL is a standby or was set to read only there: name the primary in database.url", ErrReadOnly),
	"42501": ErrForbidden,
	"53100": ErrFull,
	"53300": ErrCrowded,
	"53":    ErrUnavailable,
	"55P03": ErrLocked,
	"57014": ErrUnavailable, // a limit of time that was set there
	"57":    ErrUnreachable, // it is being stopped, or started
	"58":    ErrUnavailable, // its files
	"40":    ErrUnavailable, // in spite of all attempts
	"XX001": ErrDamaged,
	"XX002": ErrDamaged,
}

// diagnose gives an error of PostgreSQL's, or of the way there, its kind. What is none, such as a
// refusal of ours, stays as it is.
func diagnose(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	var native *pgconn.PgError
	if errors.As(err, &native) {
		kind := pgKinds[native.Code]
		if kind == nil && len(native.Code) == 5 {
			kind = pgKinds[native.Code[:2]]
		}
		if kind == nil {
			return err
		}
		return fmt.Errorf("%w: %w", kind, oneLine{err})
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || isLost(err) {
		return fmt.Errorf("%w: %w", ErrUnreachable, oneLine{err})
	}
	return err
}

// isLost reports whether an error is that of a connection that has broken.
func isLost(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// worthAnother reports whether what has ended with an error may succeed at once: its transaction
// has made room for another, or its connection has broken, and the next may be another.
func worthAnother(err error) bool {
	var connecting *pgconn.ConnectError
	var native *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, ErrUncertain), errors.Is(err, errSilent), errors.As(err, &connecting):
		return false
	case errors.As(err, &native):
		switch native.Code {
		case "40001", "40P01", // for the sake of another
			"57P01", "57P02": // the connection's end was PostgreSQL's
			return true
		}
		return false
	}
	return errors.Is(err, ErrUnreachable)
}

// uncommitted gives its kind to an error of committing. Only PostgreSQL itself can say that
// nothing was changed.
func uncommitted(err error) error {
	var native *pgconn.PgError
	if errors.As(err, &native) || errors.Is(err, pgx.ErrTxCommitRollback) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUncertain, oneLine{err})
}

// oneLine is an error that the driver would write on several lines.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }
