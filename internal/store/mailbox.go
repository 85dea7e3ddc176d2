package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"monarch/internal/im"
)

const mailboxColumns = `inbox, folders, url, version`

const mailboxOf = `SELECT ` + mailboxColumns + ` FROM mailbox WHERE owner = $1`

// Mailbox returns an account's mailbox, or im.ErrNoMailbox.
func (s *Store) Mailbox(ctx context.Context, owner im.UserID) (im.Mailbox, error) {
	return load(ctx, s, fmt.Sprintf("load mailbox of %d", owner), scanMailbox, mailboxOf, owner)
}

// UserWithMailbox returns an account and its mailbox of one moment. The mailbox is nil if there
// is none. It refuses with im.ErrNoUser.
func (s *Store) UserWithMailbox(ctx context.Context, id im.UserID) (im.User, *im.Mailbox, error) {
	type both struct {
		user im.User
		box  *im.Mailbox
	}
	scan := func(r row) (both, error) {
		var inbox, folders, version sql.NullInt64
		var url sql.NullString
		u, err := scanUserAnd(r, &inbox, &folders, &url, &version)
		if err != nil || !version.Valid {
			return both{user: u}, err
		}
		return both{u, &im.Mailbox{
			Inbox: int(inbox.Int64), Folders: int(folders.Int64), URL: url.String, Version: uint32(version.Int64),
		}}, nil
	}
	got, err := load(ctx, s, fmt.Sprintf("load account %d and its mailbox", id), scan, `
		SELECT `+userColumns+`, inbox, folders, url, mail_version
		FROM account
		LEFT JOIN (SELECT owner, inbox, folders, url, version AS mail_version FROM mailbox) m ON m.owner = account.id
		WHERE id = $1`, id)
	return got.user, got.box, err
}

// SetMailbox gives an account a mailbox with nothing in it, or changes the page of the one it
// has.
func (s *Store) SetMailbox(ctx context.Context, owner im.UserID, url string) error {
	return act(ctx, s, fmt.Sprintf("set mailbox of %d", owner), func(tx *transaction) error {
		if err := tx.holdUser(ctx, owner); err != nil {
			return err
		}
		if _, err := loadUser(ctx, tx, owner); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO mailbox (owner, `+mailboxColumns+`) VALUES ($1, 0, 0, $2, 1)
			ON CONFLICT (owner) DO UPDATE SET url = excluded.url`, owner, url)
		return err
	})
}

// RemoveMailbox takes the mailbox away, or refuses with im.ErrNoMailbox.
func (s *Store) RemoveMailbox(ctx context.Context, owner im.UserID) error {
	return act(ctx, s, fmt.Sprintf("remove mailbox of %d", owner), func(tx *transaction) error {
		err := execOne(ctx, tx, `DELETE FROM mailbox WHERE owner = $1`, owner)
		if errors.Is(err, im.ErrNoUser) {
			err = im.ErrNoMailbox
		}
		return err
	})
}

// CountMail sets how much is unread, and returns the mailbox before and after. Folders below
// 0 stay as they are. It refuses with im.ErrNoMailbox.
func (s *Store) CountMail(ctx context.Context, owner im.UserID, inbox, folders int) (before, after im.Mailbox, err error) {
	boxes, err := change(ctx, s, fmt.Sprintf("count mail of %d", owner), func(tx *transaction) (boxes [2]im.Mailbox, err error) {
		if err := tx.holdUser(ctx, owner); err != nil {
			return boxes, err
		}
		if boxes[0], err = loadMailbox(ctx, tx, owner); err != nil {
			return boxes, err
		}
		boxes[1], err = scanMailbox(tx.QueryRowContext(ctx,
			`UPDATE mailbox SET inbox = $2, folders = CASE WHEN CAST($3 AS BIGINT) < 0 THEN folders ELSE $3 END, version = version + 1
			WHERE owner = $1 RETURNING `+mailboxColumns, owner, inbox, folders))
		return boxes, err
	})
	return boxes[0], boxes[1], err
}

func loadMailbox(ctx context.Context, tx *transaction, owner im.UserID) (im.Mailbox, error) {
	return scanMailbox(tx.QueryRowContext(ctx, mailboxOf, owner))
}

func scanMailbox(r row) (im.Mailbox, error) {
	var m im.Mailbox
	err := r.Scan(&m.Inbox, &m.Folders, &m.URL, &m.Version)
	if errors.Is(err, sql.ErrNoRows) {
		err = im.ErrNoMailbox
	}
	return m, err
}
