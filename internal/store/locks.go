package store

import (
	"context"
	"strings"

	"monarch/internal/im"
)

// What a change decides on must not change before it is committed. SQLite has one writer, so
// there nothing does. PostgreSQL runs changes beside each other, those of other nodes among them,
// and so each begins with locking what it is about: first whole tables, in the order of their
// names, then accounts, in the order of their ids. So nobody waits for somebody who waits for
// him. Where an update of one row is all there is to a change, or the first it does, that locks
// enough.
//
// Everything that somebody's lists and his roster say is changed under the lock on his account.

// holdUser locks one account. That there is none is for the next statement to find.
func (t *transaction) holdUser(ctx context.Context, id im.UserID) error {
	return t.hold(ctx, `id = $1`, id)
}

// holdPair locks an account and the one with a handle.
func (t *transaction) holdPair(ctx context.Context, id im.UserID, handle string) error {
	canonical, err := im.ParseCallee(handle)
	if err != nil {
		canonical = "" // which nobody has
	}
	return t.hold(ctx, `id = $1 OR handle = $2`, id, canonical)
}

// holdAround locks an account, $1, and those whose ids a query about it selects. Nobody comes to
// these or leaves them but under the lock on the account, so the second look finds those who came
// before the first had that lock.
func (t *transaction) holdAround(ctx context.Context, query string, id im.UserID, more ...any) error {
	args := append([]any{id}, more...)
	for range 2 {
		if err := t.hold(ctx, `id = $1 OR id IN (`+query+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// holdAll locks accounts.
func (t *transaction) holdAll(ctx context.Context, ids []im.UserID) error {
	numbers := make([]int64, len(ids)) // a type that the driver knows without asking PostgreSQL
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	return t.hold(ctx, `id = ANY ($1)`, numbers)
}

func (t *transaction) hold(ctx context.Context, where string, args ...any) error {
	if t.watch == nil {
		return nil
	}
	// Rows that refer to the account may be made meanwhile, but it can neither change nor go.
	_, err := t.ExecContext(ctx, `SELECT 1 FROM account WHERE `+where+` ORDER BY id FOR NO KEY UPDATE`, args...)
	return err
}

// holdTables has others wait who want to change anything in some tables. They can be read.
func (t *transaction) holdTables(ctx context.Context, names ...string) error {
	if t.watch == nil {
		return nil
	}
	_, err := t.ExecContext(ctx, `LOCK TABLE `+strings.Join(names, ", ")+` IN SHARE ROW EXCLUSIVE MODE`)
	return err
}

// holdRoom makes sure that a table has fewer rows than most, and nobody adds one meanwhile; else it
// refuses with full.
func (t *transaction) holdRoom(ctx context.Context, table string, most int, full error) error {
	if err := t.holdTables(ctx, table); err != nil {
		return err
	}
	var n int
	if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return full
	}
	return nil
}
