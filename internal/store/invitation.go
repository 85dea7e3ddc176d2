package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"monarch/internal/im"
)

// InvitationLimits are the most invitations by mail there may be.
type InvitationLimits struct {
	PersonHour  int           // of one inviter within an hour
	PersonDay   int           // and within a day
	ServiceHour int           // of all within an hour
	Again       time.Duration // between two to the same address; a week at most
}

// invitationsKept is how long an invitation counts for anything.
const invitationsKept = 7 * 24 * time.Hour

// Invite notes that an account invites an address by mail, or refuses: with im.ErrIsMember if
// the address has an account, with im.ErrInvitedOften beyond a limit. A refusal does not
// count. The limits outlive a restart, and what counts for an address counts for it with
// another tag (user+tag@domain), too.
func (s *Store) Invite(ctx context.Context, inviter im.UserID, to string, now time.Time, l InvitationLimits) error {
	return act(ctx, s, "note an invitation", func(tx *transaction) error {
		return invite(ctx, tx, inviter, to, now, l)
	})
}

func invite(ctx context.Context, tx *transaction, inviter im.UserID, to string, now time.Time, l InvitationLimits) error {
	if err := tx.holdTables(ctx, "invitation"); err != nil {
		return err
	}
	switch _, err := idOf(ctx, tx, to); {
	case err == nil:
		return im.ErrIsMember
	case !errors.Is(err, im.ErrNoUser):
		return err
	}
	hour, day := now.Add(-time.Hour).Unix(), now.Add(-24*time.Hour).Unix()
	recipient := recipientKey(to)
	for _, limit := range []struct {
		most  int
		query string
		args  []any
	}{
		{l.PersonHour, `SELECT COUNT(*) FROM invitation WHERE inviter = $1 AND sent > $2`, []any{inviter, hour}},
		{l.PersonDay, `SELECT COUNT(*) FROM invitation WHERE inviter = $1 AND sent > $2`, []any{inviter, day}},
		{1, `SELECT COUNT(*) FROM invitation WHERE recipient = $1 AND sent > $2`, []any{recipient, now.Add(-l.Again).Unix()}},
		{l.ServiceHour, `SELECT COUNT(*) FROM invitation WHERE sent > $1`, []any{hour}},
	} {
		var n int
		if err := tx.QueryRowContext(ctx, limit.query, limit.args...).Scan(&n); err != nil {
			return err
		}
		if n >= limit.most {
			return im.ErrInvitedOften
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE sent <= $1`, now.Add(-invitationsKept).Unix()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO invitation (recipient, sent, inviter) VALUES ($1, $2, $3)`,
		recipient, now.Unix(), inviter)
	return err
}

// recipientKey names an address without telling it.
func recipientKey(address string) string {
	user, domain, _ := strings.Cut(strings.ToLower(address), "@")
	user, _, _ = strings.Cut(user, "+")
	sum := sha256.Sum256([]byte(user + "@" + domain))
	return hex.EncodeToString(sum[:])
}
