package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"monarch/internal/auth"
)

// InviteCode is a code that lets people sign up.
type InviteCode struct {
	Code    string
	Uses    int    // that are left
	Created int64  // Unix seconds
	Expires int64  // Unix seconds; 0: never
	MadeBy  string // for people
}

// ErrNoInvite says that a code lets nobody sign up: there is none, or it is used up or has expired.
var ErrNoInvite = errors.New("no such invite code")

const inviteColumns = `code, uses_left, created, expires, made_by`

// AddInvite makes a code, as [auth.Code] returns them, good.
func (s *Store) AddInvite(ctx context.Context, c InviteCode) error {
	return act(ctx, s, "make an invite code", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invite_code (`+inviteColumns+`) VALUES ($1, $2, $3, $4, $5)`,
			c.Code, c.Uses, c.Created, c.Expires, c.MadeBy)
		return err
	})
}

// Invites returns the codes that are good, in the order they were made in.
func (s *Store) Invites(ctx context.Context, now time.Time) ([]InviteCode, error) {
	return view(ctx, s, "list invite codes", func(tx *transaction) ([]InviteCode, error) {
		return collect(ctx, tx, scanInvite,
			`SELECT `+inviteColumns+` FROM invite_code WHERE expires = 0 OR expires > $1 ORDER BY created, code`, now.Unix())
	})
}

// CheckInvite refuses with ErrNoInvite unless a code, as it was typed, is good.
func (s *Store) CheckInvite(ctx context.Context, typed string, now time.Time) error {
	code, ok := auth.ParseCode(typed)
	if !ok {
		return ErrNoInvite
	}
	_, err := load(ctx, s, "look up an invite code", scanInvite,
		`SELECT `+inviteColumns+` FROM invite_code WHERE code = $1 AND (expires = 0 OR expires > $2)`, code, now.Unix())
	return err
}

// RevokeInvite makes a code, as it was typed, worthless, or refuses with ErrNoInvite.
func (s *Store) RevokeInvite(ctx context.Context, typed string) error {
	code, ok := auth.ParseCode(typed)
	if !ok {
		return ErrNoInvite
	}
	return act(ctx, s, "revoke an invite code", func(tx *transaction) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM invite_code WHERE code = $1`, code)
		return changedOne(res, err, ErrNoInvite)
	})
}

// useInvite takes one use off a code, as it was typed, and deletes it with the last.
func useInvite(ctx context.Context, tx *transaction, typed string, now time.Time) error {
	code, ok := auth.ParseCode(typed)
	if !ok {
		return ErrNoInvite
	}
	res, err := tx.ExecContext(ctx,
		`DELETE FROM invite_code WHERE code = $1 AND uses_left = 1 AND (expires = 0 OR expires > $2)`, code, now.Unix())
	if err := changedOne(res, err, ErrNoInvite); !errors.Is(err, ErrNoInvite) {
		return err
	}
	res, err = tx.ExecContext(ctx,
		`UPDATE invite_code SET uses_left = uses_left - 1 WHERE code = $1 AND (expires = 0 OR expires > $2)`, code, now.Unix())
	return changedOne(res, err, ErrNoInvite)
}

func scanInvite(r row) (InviteCode, error) {
	var c InviteCode
	err := r.Scan(&c.Code, &c.Uses, &c.Created, &c.Expires, &c.MadeBy)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoInvite
	}
	return c, err
}
