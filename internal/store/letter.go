package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/msnp"
)

// SignUp is an account that somebody wants.
type SignUp struct {
	Handle       string
	Name         string // empty: the handle
	PasswordHash string // letters have none: whoever follows one brings it
	Invite       string // a code as he typed it; empty: none is needed
}

// The refusals of letters.
var (
	ErrNoLetter       = errors.New("no such letter") // or it has expired, or its link was followed before
	ErrTooManyLetters = errors.New("too many letters are on their way to this address")
)

// mostLetters is how many of a kind may be on their way to one mailbox. What counts for an address
// counts for it with another tag (user+tag@domain), too.
const mostLetters = 3

// SignUp makes an account and uses up its invite code, if it needs one. It refuses with
// ErrNoInvite, im.ErrBadHandle or im.ErrHandleTaken, and then the code is not used.
func (s *Store) SignUp(ctx context.Context, in SignUp, now time.Time) (im.User, error) {
	return change(ctx, s, "sign up "+in.Handle, func(tx *transaction) (im.User, error) {
		if in.Invite != "" {
			if err := tx.holdTables(ctx, "invite_code"); err != nil {
				return im.User{}, err
			}
		}
		return signUp(ctx, tx, in, now)
	})
}

func signUp(ctx context.Context, tx *transaction, in SignUp, now time.Time) (im.User, error) {
	if in.Invite != "" {
		if err := useInvite(ctx, tx, in.Invite, now); err != nil {
			return im.User{}, err
		}
	}
	return createUser(ctx, tx, in.Handle, in.Name, in.PasswordHash)
}

// AddSignUpLetter keeps what somebody wants for as long as a letter with the token is good. It
// refuses with im.ErrBadHandle or ErrTooManyLetters; whether there is such an account, or such an
// invite code, is not looked at.
func (s *Store) AddSignUpLetter(ctx context.Context, token string, in SignUp, now, expires time.Time) error {
	handle, err := im.ParseHandle(in.Handle)
	if err != nil {
		return err
	}
	return act(ctx, s, "keep a letter to confirm", func(tx *transaction) error {
		if err := roomForLetter(ctx, tx, "confirm", handle, now); err != nil {
			return err
		}
		code, _ := auth.ParseCode(in.Invite) // one that is none is refused in the end
		if code == "" {
			code = msnp.Escape(in.Invite)
		}
		_, err := tx.ExecContext(ctx, insertLetter, auth.TokenHash(token), "confirm", recipientKey(handle), nil, 0,
			handle, msnp.Escape(in.Name), "", code, expires.Unix())
		return err
	})
}

const insertLetter = `
	INSERT INTO letter_token (token, kind, recipient, owner, credential, handle, name, password_hash, invite, expires)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// roomForLetter refuses one more letter to an address beyond the limit, and forgets those that
// have expired.
func roomForLetter(ctx context.Context, tx *transaction, kind, handle string, now time.Time) error {
	if err := tx.holdTables(ctx, "letter_token"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM letter_token WHERE expires <= $1`, now.Unix()); err != nil {
		return err
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM letter_token WHERE recipient = $1 AND kind = $2`,
		recipientKey(handle), kind).Scan(&n)
	if err == nil && n >= mostLetters {
		err = ErrTooManyLetters
	}
	return err
}

// SignUpLetter returns what a letter to confirm was sent for, or refuses with ErrNoLetter.
func (s *Store) SignUpLetter(ctx context.Context, token string, now time.Time) (SignUp, error) {
	return load(ctx, s, "look up a letter to confirm", scanSignUp, signUpByLetter, auth.TokenHash(token), now.Unix())
}

const signUpByLetter = `
	SELECT handle, name, invite FROM letter_token
	WHERE token = $1 AND kind = 'confirm' AND expires > $2`

func scanSignUp(r row) (SignUp, error) {
	var in SignUp
	err := r.Scan(&in.Handle, &in.Name, &in.Invite)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoLetter
	}
	in.Name = msnp.Unescape(in.Name)
	return in, err
}

// ConfirmSignUp makes the account that a letter was sent for, with a password by its hash, and forgets all
// letters to confirm for its address. It refuses with ErrNoLetter or as [Store.SignUp] does.
func (s *Store) ConfirmSignUp(ctx context.Context, token, hash string, now time.Time) (im.User, error) {
	return change(ctx, s, "confirm an address", func(tx *transaction) (im.User, error) {
		if err := tx.holdTables(ctx, "invite_code", "letter_token"); err != nil {
			return im.User{}, err
		}
		in, err := scanSignUp(tx.QueryRowContext(ctx, signUpByLetter, auth.TokenHash(token), now.Unix()))
		if err != nil {
			return im.User{}, err
		}
		in.PasswordHash = hash
		u, err := signUp(ctx, tx, in, now)
		if err != nil {
			return im.User{}, err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM letter_token WHERE kind = 'confirm' AND handle = $1`, in.Handle)
		return u, err
	})
}

// AddResetLetter makes a token good for another password of an account as u has it. It refuses
// with ErrTooManyLetters.
func (s *Store) AddResetLetter(ctx context.Context, token string, u im.User, now, expires time.Time) error {
	return act(ctx, s, fmt.Sprintf("keep a letter to reset the password of %d", u.ID), func(tx *transaction) error {
		if err := roomForLetter(ctx, tx, "reset", u.Handle, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertLetter, auth.TokenHash(token), "reset", recipientKey(u.Handle), u.ID, u.Credential,
			"", "", "", "", expires.Unix())
		return err
	})
}

// ResetLetter returns whose password a letter resets, or refuses with ErrNoLetter: also once the
// account is locked or has another password.
func (s *Store) ResetLetter(ctx context.Context, token string, now time.Time) (im.User, error) {
	return load(ctx, s, "look up a letter to reset a password", scanReset, userByReset, auth.TokenHash(token), now.Unix())
}

var userByReset = `SELECT ` + userColumns + ` FROM account
	WHERE ` + unlocked(2) + ` AND EXISTS (SELECT 1 FROM letter_token l
		WHERE l.token = $1 AND l.kind = 'reset' AND l.expires > $2 AND l.owner = account.id AND l.credential = account.credential)`

func scanReset(r row) (im.User, error) {
	u, err := scanUser(r)
	if errors.Is(err, im.ErrNoUser) {
		err = ErrNoLetter
	}
	return u, err
}

// ResetPassword gives the account that a letter is for another password, which makes older
// tickets, web sessions and letters worthless. It refuses as [Store.ResetLetter] does.
func (s *Store) ResetPassword(ctx context.Context, token, hash string, now time.Time) (im.User, error) {
	return change(ctx, s, "reset a password", func(tx *transaction) (im.User, error) {
		if err := tx.holdTables(ctx, "letter_token"); err != nil {
			return im.User{}, err
		}
		u, err := scanReset(tx.QueryRowContext(ctx, userByReset, auth.TokenHash(token), now.Unix()))
		if err != nil {
			return im.User{}, err
		}
		if err := execOne(ctx, tx, setPassword, u.ID, hash); err != nil {
			return im.User{}, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM letter_token WHERE owner = $1`, u.ID); err != nil {
			return im.User{}, err
		}
		return loadUser(ctx, tx, u.ID)
	})
}
