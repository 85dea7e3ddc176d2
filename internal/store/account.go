package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// firstGroup is the name group 0 has until its owner changes it.
// docs/protocol/lists.md#groups
const firstGroup = "Other Contacts"

const userColumns = `id, handle, name, password_hash, credential, disabled, version, prompt, policy, created, role, lock_reason, locked_until`

// CreateUser makes an account with version 1, group 0, and both settings at their default.
// An empty name becomes the handle. It refuses with im.ErrBadHandle or im.ErrHandleTaken.
func (s *Store) CreateUser(ctx context.Context, handle, name, passwordHash string) (im.User, error) {
	return change(ctx, s, "create account "+handle, func(tx *transaction) (im.User, error) {
		return createUser(ctx, tx, handle, name, passwordHash)
	})
}

func createUser(ctx context.Context, tx *transaction, handle, name, passwordHash string) (im.User, error) {
	handle, err := im.ParseHandle(handle)
	if err != nil {
		return im.User{}, err
	}
	if name == "" {
		name = handle
	}
	id, err := newIDs(ctx, tx, 1)
	if err != nil {
		return im.User{}, err
	}
	u, err := scanUser(tx.QueryRowContext(ctx,
		insertAccount+` ON CONFLICT (handle) DO NOTHING RETURNING `+userColumns,
		id, handle, msnp.Escape(name), passwordHash, im.Ask, im.AllowOthers, time.Now().Unix()))
	if errors.Is(err, im.ErrNoUser) {
		return im.User{}, im.ErrHandleTaken
	}
	if err != nil {
		return im.User{}, err
	}
	_, err = tx.ExecContext(ctx, insertGroup, u.ID, 0, msnp.Escape(firstGroup))
	return u, err
}

const userByID = `SELECT ` + userColumns + ` FROM account WHERE id = $1`

// insertAccount takes the id, handle, name, password hash, prompt, policy and time.
const insertAccount = `INSERT INTO account (` + userColumns + `) VALUES ($1, $2, $3, $4, 1, FALSE, 1, $5, $6, $7, '', '', 0)`

// newIDs takes the next n ids and returns the first. Ids are dense, so that whoever keeps many
// of them may pack them into 32 bits, and none is ever given twice.
func newIDs(ctx context.Context, tx *transaction, n int) (im.UserID, error) {
	var last im.UserID
	err := tx.QueryRowContext(ctx, `UPDATE last_account SET id = id + $1 RETURNING id`, n).Scan(&last)
	return last - im.UserID(n) + 1, err
}

// User returns the account with a handle, in whatever case it is written, or im.ErrNoUser.
func (s *Store) User(ctx context.Context, handle string) (im.User, error) {
	what := "load account " + handle
	canonical, err := im.ParseCallee(handle)
	if err != nil {
		return im.User{}, fmt.Errorf("%s: %w", what, im.ErrNoUser)
	}
	return load(ctx, s, what, scanUser, `SELECT `+userColumns+` FROM account WHERE handle = $1`, canonical)
}

// UserByID returns an account, or im.ErrNoUser.
func (s *Store) UserByID(ctx context.Context, id im.UserID) (im.User, error) {
	return load(ctx, s, fmt.Sprintf("load account %d", id), scanUser, userByID, id)
}

// Users returns at most limit accounts whose handles come after the given one, in the order
// of their handles. The empty handle is before all others.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]im.User, error) {
	return view(ctx, s, "list accounts", func(tx *transaction) ([]im.User, error) {
		return collect(ctx, tx, scanUser,
			`SELECT `+userColumns+` FROM account WHERE handle > $1 ORDER BY handle LIMIT $2`, after, limit)
	})
}

// SetPassword replaces the password and makes older tickets worthless.
func (s *Store) SetPassword(ctx context.Context, id im.UserID, hash string) error {
	return s.changeUser(ctx, "set password", id, setPassword, hash)
}

const setPassword = `UPDATE account SET password_hash = $2, credential = credential + 1 WHERE id = $1`

// UpgradeHash replaces a hash by another one of the same password, unless the account has
// got another password since. Tickets stay valid.
func (s *Store) UpgradeHash(ctx context.Context, id im.UserID, from, to string) error {
	return s.changeUser(ctx, "upgrade password hash", id,
		`UPDATE account SET password_hash = CASE WHEN password_hash = $2 THEN $3 ELSE password_hash END WHERE id = $1`, from, to)
}

// SetDisabled locks an account out for good or lets it in again. Locking out makes older tickets
// worthless.
func (s *Store) SetDisabled(ctx context.Context, id im.UserID, disabled bool) error {
	return s.changeUser(ctx, "set disabled", id,
		`UPDATE account SET disabled = $2, lock_reason = '', locked_until = 0,
			credential = credential + CASE WHEN $2 AND (NOT disabled OR locked_until <> 0) THEN 1 ELSE 0 END
		WHERE id = $1`, disabled)
}

// Lock locks an account out for a reason, until a time, in Unix seconds, or for good if that is 0. It makes
// older tickets worthless, whether the account is locked already or was until just now.
func (s *Store) Lock(ctx context.Context, id im.UserID, reason string, until int64) error {
	return s.changeUser(ctx, "lock", id,
		`UPDATE account SET disabled = TRUE, lock_reason = $2, locked_until = $3, credential = credential + 1 WHERE id = $1`, reason, until)
}

// unlocked is of an account that lets its owner in at a time, which is the parameter with that number.
func unlocked(now int) string {
	return fmt.Sprintf(`NOT (disabled AND (locked_until = 0 OR locked_until > $%d))`, now)
}

// SweepLocks takes away locks that are over, which count for nothing before that either.
func (s *Store) SweepLocks(ctx context.Context, now time.Time) error {
	return act(ctx, s, "take away locks that are over", func(tx *transaction) error {
		const over = `disabled AND locked_until <> 0 AND locked_until <= $1`
		if err := tx.hold(ctx, over, now.Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE account SET disabled = FALSE, lock_reason = '', locked_until = 0 WHERE `+over, now.Unix())
		return err
	})
}

// SetRole says what somebody may do for the service. It refuses with im.ErrNoUser.
func (s *Store) SetRole(ctx context.Context, id im.UserID, role im.Role) error {
	return s.changeUser(ctx, "set role", id, `UPDATE account SET role = $2 WHERE id = $1`, role)
}

// Rename changes an account's own friendly name and returns the new version. Nobody else's
// version changes, though their lists may show the name.
func (s *Store) Rename(ctx context.Context, id im.UserID, name string) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("rename %d", id), func(tx *transaction) (uint32, error) {
		if name == "" {
			return 0, im.ErrNameRefused
		}
		if err := tx.holdAround(ctx, showingName, id); err != nil {
			return 0, err
		}
		version, err := step(ctx, tx, id)
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account SET name = $2 WHERE id = $1`, id, msnp.Escape(name)); err != nil {
			return 0, err
		}
		_, err = tx.ExecContext(ctx, stepEpochsOfNamed, id)
		return version, err
	})
}

// DeleteUser removes an account and every trace of it on the lists of others, whose versions
// take a step each.
func (s *Store) DeleteUser(ctx context.Context, id im.UserID) error {
	return act(ctx, s, fmt.Sprintf("delete account %d", id), func(tx *transaction) error {
		if err := tx.holdTables(ctx, "letter_token"); err != nil { // where some of his may be
			return err
		}
		if err := tx.holdAround(ctx, showingAccount, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE account SET version = version + 1 WHERE id IN (`+showingAccount+`)`, id)
		if err != nil {
			return err
		}
		return execOne(ctx, tx, `DELETE FROM account WHERE id = $1`, id)
	})
}

// showingAccount selects in whose lists the account $1 is. His own client keeps those whom he blocks.
const showingAccount = `
	SELECT owner FROM contact WHERE peer = $1 AND lists <> 0
	UNION SELECT peer FROM contact WHERE owner = $1 AND (lists & 1) <> 0`

// changeUser runs an update of one account that leaves its lists alone.
func (s *Store) changeUser(ctx context.Context, what string, id im.UserID, query string, args ...any) error {
	return act(ctx, s, fmt.Sprintf("%s of %d", what, id), func(tx *transaction) error {
		return execOne(ctx, tx, query, append([]any{id}, args...)...)
	})
}

// execOne runs a statement about one account, and refuses if it is not there.
func execOne(ctx context.Context, tx *transaction, query string, args ...any) error {
	res, err := tx.ExecContext(ctx, query, args...)
	return changedOne(res, err, im.ErrNoUser)
}

// changedOne turns a statement that has changed nothing into a refusal.
func changedOne(res sql.Result, err, refusal error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = refusal
	}
	return err
}

func loadUser(ctx context.Context, tx *transaction, id im.UserID) (im.User, error) {
	return scanUser(tx.QueryRowContext(ctx, userByID, id))
}

// scanUser reads the userColumns.
func scanUser(r row) (im.User, error) { return scanUserAnd(r) }

// scanUserAnd reads the userColumns and more behind them.
func scanUserAnd(r row, more ...any) (im.User, error) {
	var u im.User
	err := r.Scan(append([]any{
		&u.ID, &u.Handle, &u.Name, &u.PasswordHash, &u.Credential, &u.Disabled,
		&u.Version, &u.Prompt, &u.Policy, &u.Created, &u.Role, &u.LockReason, &u.LockedUntil,
	}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = im.ErrNoUser
	}
	if err != nil {
		return im.User{}, err
	}
	u.Name = msnp.Unescape(u.Name)
	return u, nil
}

// idOf returns whose handle it is, or im.ErrNoUser.
func idOf(ctx context.Context, tx *transaction, handle string) (im.UserID, error) {
	canonical, err := im.ParseCallee(handle)
	if err != nil {
		return 0, im.ErrNoUser
	}
	var id im.UserID
	err = tx.QueryRowContext(ctx, `SELECT id FROM account WHERE handle = $1`, canonical).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = im.ErrNoUser
	}
	return id, err
}

// step moves an account's version on by one and returns it. A change calls it before it
// knows that it will be accepted: what is refused is rolled back.
func step(ctx context.Context, tx *transaction, id im.UserID) (uint32, error) {
	var version uint32
	err := tx.QueryRowContext(ctx,
		`UPDATE account SET version = version + 1 WHERE id = $1 RETURNING version`, id).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		err = im.ErrNoUser
	}
	return version, err
}
