package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// Conflict says what becomes of an account that is there already.
type Conflict int

// The answers.
const (
	Refuse  Conflict = iota // with im.ErrHandleTaken; nothing of the batch is taken
	Keep                    // it stays as it is
	Replace                 // by what is known of the other
)

// Merge takes accounts and lists of another service into this one, which nobody else uses
// meanwhile: first all accounts, then everybody's lists. Each batch is a change of its own.
type Merge struct {
	store    *Store
	conflict Conflict
	lists    bool // they come, too; those of accounts that are replaced make room
	before   im.UserID
	bulk     bool // the index of contacts by peer comes at the end
}

// Merged counts what became of a batch.
type Merged struct {
	Made, Replaced, Kept int // accounts; or, of lists, entries that are there now (Made), and whole lists that stay as they are (Kept)
}

// Alone refuses with [ErrLocked] while anybody else is connected to a database in PostgreSQL; the
// store itself must have been opened for one connection. Whether a server runs on SQLite's file
// others know.
func (s *Store) Alone(ctx context.Context) error {
	if s.file != nil {
		return nil
	}
	return s.awaitOthers(ctx)
}

// BeginMerge prepares for accounts, and for lists if they are to come.
func (s *Store) BeginMerge(ctx context.Context, c Conflict, lists bool) (*Merge, error) {
	m := &Merge{store: s, conflict: c, lists: lists}
	err := act(ctx, s, "import", func(tx *transaction) error {
		// Nothing is lost with the packed rosters, and nobody has to tell which are still right.
		if _, err := tx.ExecContext(ctx, `DELETE FROM roster_record`); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT id FROM last_account`).Scan(&m.before); err != nil || s.file == nil {
			return err
		}
		// Where there are no contacts yet, an index whose every page changes with each batch is made
		// sooner when they are all there. SQLite would write each of these pages each time.
		var some bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM contact)`).Scan(&some); err != nil || some || !lists {
			return err
		}
		m.bulk = true
		_, err := tx.ExecContext(ctx, `DROP INDEX IF EXISTS contact_of_peer`)
		return err
	})
	return m, err
}

// contactOfPeer is the index by which it is found who has somebody on his lists.
const contactOfPeer = `CREATE INDEX IF NOT EXISTS contact_of_peer ON contact (peer, owner, lists)`

// End completes the database, after the last batch whichever that is. It may take a while. Without it
// the next who opens the database does the same.
func (m *Merge) End(ctx context.Context) error {
	if !m.bulk {
		return nil
	}
	return act(ctx, m.store, "end the import", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, contactOfPeer)
		return err
	})
}

// mergeTogether is how many rows or names one statement takes: each is a way to the database and back.
const mergeTogether = 100

// Existing returns those of some canonical handles that accounts have.
func (s *Store) Existing(ctx context.Context, handles []string) (map[string]bool, error) {
	return view(ctx, s, "look up accounts", func(tx *transaction) (map[string]bool, error) {
		users, err := usersByHandle(ctx, tx, handles)
		there := make(map[string]bool, len(users))
		for h := range users {
			there[h] = true
		}
		return there, err
	})
}

// Listed returns those of some canonical handles whose owners have anybody on their lists.
func (s *Store) Listed(ctx context.Context, handles []string) (map[string]bool, error) {
	return view(ctx, s, "look up lists", func(tx *transaction) (map[string]bool, error) {
		listed := make(map[string]bool)
		for some := range slices.Chunk(handles, mergeTogether) {
			found, err := collect(ctx, tx, scanLine, `SELECT handle FROM account
				WHERE EXISTS (SELECT 1 FROM contact WHERE owner = account.id AND lists <> 0) AND handle IN `+places, filled(some)...)
			if err != nil {
				return nil, err
			}
			for _, h := range found {
				listed[h] = true
			}
		}
		return listed, nil
	})
}

// Accounts takes a batch of accounts, of which each is another.
func (m *Merge) Accounts(ctx context.Context, batch []Account) (Merged, error) {
	return change(ctx, m.store, "import accounts", func(tx *transaction) (Merged, error) {
		var done Merged
		handles := make([]string, len(batch))
		for i, a := range batch {
			h, err := im.ParseHandle(a.Handle)
			if err != nil {
				return done, fmt.Errorf("%s: %w", a.Handle, err)
			}
			handles[i] = h
		}
		there, err := usersByHandle(ctx, tx, handles)
		if err != nil {
			return done, err
		}
		var fresh []Account
		for i, a := range batch {
			a.Handle = handles[i]
			u, exists := there[a.Handle]
			switch {
			case !exists:
				fresh = append(fresh, a)
				done.Made++
			case m.conflict == Keep:
				done.Kept++
			case m.conflict == Replace:
				if err := m.replace(ctx, tx, u, a); err != nil {
					return done, fmt.Errorf("%s: %w", a.Handle, err)
				}
				done.Replaced++
			default:
				return done, fmt.Errorf("%s: %w", a.Handle, im.ErrHandleTaken)
			}
		}
		return done, insertAccounts(ctx, tx, fresh)
	})
}

// insertAccounts makes accounts that are not there. One without a name is called what stands before
// the at sign.
func insertAccounts(ctx context.Context, tx *transaction, fresh []Account) error {
	id, err := newIDs(ctx, tx, len(fresh))
	if err != nil || len(fresh) == 0 {
		return err
	}
	var d details
	now := time.Now().Unix()
	accounts := make([][]any, 0, len(fresh))
	for _, a := range fresh {
		usual, _, _ := strings.Cut(a.Handle, "@")
		accounts = append(accounts, []any{
			id, a.Handle, msnp.Escape(value(a.Name, usual)), value(a.PasswordHash, ""), 1, value(a.Disabled, false),
			max(a.Version+1, 1), value(a.Prompt, im.Ask), value(a.Policy, im.AllowOthers), value(a.Created, now), value(a.Role, im.NoRole),
			value(a.LockReason, ""), value(a.LockedUntil, 0),
		})
		d.add(id, a)
		id++
	}
	if err := insertRows(ctx, tx, `account (`+userColumns+`)`, accounts, ""); err != nil {
		return err
	}
	return d.insert(ctx, tx)
}

// details are the rows that other tables have of accounts.
type details struct{ groups, properties, mailboxes [][]any }

func (d *details) add(id im.UserID, a Account) {
	if !slices.ContainsFunc(a.Groups, func(g im.Group) bool { return g.Number == 0 }) {
		d.groups = append(d.groups, []any{id, 0, msnp.Escape(unusedGroup(a.Groups))})
	}
	for _, g := range a.Groups {
		d.groups = append(d.groups, []any{id, g.Number, msnp.Escape(g.Name)})
	}
	for _, p := range a.Properties {
		d.properties = append(d.properties, []any{id, p.Type, msnp.Escape(p.Value)})
	}
	if b := a.Mailbox; b != nil {
		d.mailboxes = append(d.mailboxes, []any{id, b.Inbox, b.Folders, b.URL, 1})
	}
}

// unusedGroup returns a name for group 0 that no other group has.
func unusedGroup(groups []im.Group) string {
	name := firstGroup
	for slices.ContainsFunc(groups, func(g im.Group) bool { return g.Name == name }) {
		name += "~"
	}
	return name
}

func (d *details) insert(ctx context.Context, tx *transaction) error {
	for _, t := range []struct {
		into string
		rows [][]any
	}{
		{`contact_group (owner, number, name)`, d.groups},
		{`property (owner, type, value)`, d.properties},
		{`mailbox (owner, ` + mailboxColumns + `)`, d.mailboxes},
	} {
		if err := insertRows(ctx, tx, t.into, t.rows, ""); err != nil {
			return err
		}
	}
	return nil
}

// replace makes an account that is there what is known of another. Whoever shows it learns of it by
// the version of his lists.
func (m *Merge) replace(ctx context.Context, tx *transaction, u im.User, a Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE account SET version = version + 1 WHERE id IN (`+showingAccount+`) OR id = $1`, u.ID)
	if err != nil {
		return err
	}
	credential := u.Credential
	if value(a.PasswordHash, u.PasswordHash) != u.PasswordHash || value(a.Disabled, false) && !u.Disabled {
		credential++
	}
	reason, until := u.LockReason, u.LockedUntil
	if a.Disabled != nil {
		reason, until = value(a.LockReason, ""), value(a.LockedUntil, 0)
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE account SET name = $2, password_hash = $3, credential = $4, disabled = $5, prompt = $6, policy = $7, created = $8, role = $9,
			version = CASE WHEN version <= $10 THEN $10 + 1 ELSE version END, lock_reason = $11, locked_until = $12
		WHERE id = $1`,
		u.ID, msnp.Escape(value(a.Name, u.Name)), value(a.PasswordHash, u.PasswordHash), credential, value(a.Disabled, u.Disabled),
		value(a.Prompt, u.Prompt), value(a.Policy, u.Policy), value(a.Created, u.Created), value(a.Role, u.Role), int64(a.Version), reason, until)
	if err != nil {
		return err
	}
	var gone []string
	if a.Properties != nil {
		gone = append(gone, `DELETE FROM property WHERE owner = $1`)
	}
	if a.Mailbox != nil {
		gone = append(gone, `DELETE FROM mailbox WHERE owner = $1`)
	}
	if m.lists {
		gone = append(gone, `DELETE FROM contact WHERE owner = $1`, `DELETE FROM contact WHERE peer = $1 AND lists = 0`)
	}
	if m.lists && a.Groups != nil {
		gone = append(gone, `DELETE FROM contact_group WHERE owner = $1`)
	}
	for _, text := range gone {
		if _, err := tx.ExecContext(ctx, text, u.ID); err != nil {
			return err
		}
	}
	var d details
	if d.add(u.ID, a); !m.lists || a.Groups == nil {
		d.groups = nil
	}
	return d.insert(ctx, tx)
}

// value returns what is known, or else what holds then.
func value[T any](known *T, otherwise T) T {
	if known == nil {
		return otherwise
	}
	return *known
}

// insertRows puts rows into a table and its columns with few statements, whose texts are few, too.
// then says what becomes of rows that are there.
func insertRows(ctx context.Context, tx *transaction, into string, rows [][]any, then string) error {
	text, of := "", 0
	for len(rows) > 0 {
		n := min(len(rows), mergeTogether)
		if n < mergeTogether {
			n = 1
		}
		if n != of {
			text, of = `INSERT INTO `+into+` VALUES `+rowPlaces(n, len(rows[0]))+then, n
		}
		args := make([]any, 0, n*len(rows[0]))
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// rowPlaces is room for some rows, $1 and on.
func rowPlaces(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ")"
}

// usersByHandle returns those of some canonical handles that accounts have.
func usersByHandle(ctx context.Context, tx *transaction, handles []string) (map[string]im.User, error) {
	there := make(map[string]im.User)
	for some := range slices.Chunk(handles, mergeTogether) {
		found, err := collect(ctx, tx, scanUser, `SELECT `+userColumns+` FROM account WHERE handle IN `+places, filled(some)...)
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			there[u.Handle] = u
		}
	}
	return there, nil
}

// places is room for as many values as one statement takes.
var places = rowPlaces(1, mergeTogether)

// filled returns values for all places, the last one several times if there are fewer.
func filled[T any](some []T) []any {
	args := make([]any, mergeTogether)
	for i := range args {
		args[i] = some[min(i, len(some)-1)]
	}
	return args
}
