package store

import (
	"context"
	"errors"
	"fmt"

	"monarch/internal/im"
	"monarch/msnp"
)

// Account is what is carried of an account from one service to another, besides the people on its
// lists. What is nil is not known; [Store.Export] knows everything.
type Account struct {
	Handle       string
	Name         *string
	PasswordHash *string // "": nobody knows the password
	Disabled     *bool
	LockReason   *string // with Disabled
	LockedUntil  *int64  // with Disabled; Unix seconds, 0: for good
	Role         *im.Role
	Created      *int64 // Unix seconds
	Version      uint32 // of the lists, at least; 0: not known
	Prompt       *im.Prompt
	Policy       *im.Policy
	Properties   []im.Property
	Groups       []im.Group
	Mailbox      *im.Mailbox // nil: none, or not known
}

// Lists are the people whom somebody has on his forward, allow or block list.
type Lists struct {
	Owner  string
	People []Entry
}

// Entry is one of them.
type Entry struct {
	Handle string
	Name   string  // what the owner calls him
	Lists  im.List // of Forward, Allow and Block
	Groups []int   // of the forward list
}

// Exporter is told what there is, in this order. An error of it ends the export.
type Exporter interface {
	Begin(accounts, contacts int) error
	Account(a Account) error
	Lists(l Lists) error
}

const (
	exportAccounts = 500 // read at a time
	exportOwners   = 100 // whose lists are
)

// errSnapshotLost says that an export cannot go on where it was.
var errSnapshotLost = fmt.Errorf("%w: the connection was lost; begin again", ErrUnavailable)

// Export tells of every account and then of everybody's lists, as they are at one moment, in the
// order in which the accounts were made. It keeps little of it in memory. Reading and writing go on
// meanwhile; on SQLite what is written stays in the write-ahead log until the end.
func (s *Store) Export(ctx context.Context, to Exporter) error {
	begun := false
	err := s.engine.view(ctx, func(tx *transaction) error {
		if begun {
			return errSnapshotLost
		}
		begun = true
		var accounts, contacts int
		if err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM account), (SELECT COUNT(*) FROM contact WHERE lists <> 0)`).
			Scan(&accounts, &contacts); err != nil {
			return err
		}
		if err := to.Begin(accounts, contacts); err != nil {
			return err
		}
		if err := exportEachAccount(ctx, tx, to); err != nil {
			return err
		}
		return exportEachList(ctx, tx, to)
	})
	if err != nil {
		return fmt.Errorf("export: %w", explain(ctx, err))
	}
	return nil
}

// OpenToRead opens a database that others may be using, for reading alone. It makes and migrates
// nothing, and refuses a database that has not the present schema.
func OpenToRead(ctx context.Context, url string) (*Store, error) {
	where, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	list, err := migrations()
	if err != nil {
		return nil, err
	}
	e, err := openToRead(where)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", where, explain(ctx, err))
	}
	var at int
	err = e.load(ctx, func(r row) error { return r.Scan(&at) }, `SELECT version FROM schema_version`)
	if err == nil && at != len(list) {
		err = errors.New("it was made by another release; use the program that the server was started with")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", where, explain(ctx, err)), e.close())
	}
	f, _ := e.(*file)
	return newStore(&Store{engine: e, file: f}), nil
}

// exportEachAccount tells of the accounts.
func exportEachAccount(ctx context.Context, tx *transaction, to Exporter) error {
	for after := im.UserID(0); ; {
		users, err := collect(ctx, tx, scanUser, `SELECT `+userColumns+` FROM account WHERE id > $1 ORDER BY id LIMIT $2`, after, exportAccounts)
		if err != nil || len(users) == 0 {
			return err
		}
		some := make([]Account, len(users))
		at := make(map[im.UserID]*Account, len(users))
		for i, u := range users {
			some[i] = Account{
				Handle: u.Handle, Name: &u.Name, PasswordHash: &u.PasswordHash, Disabled: &u.Disabled, LockReason: &u.LockReason, LockedUntil: &u.LockedUntil, Role: &u.Role,
				Created: &u.Created, Version: u.Version, Prompt: &u.Prompt, Policy: &u.Policy,
			}
			at[u.ID] = &some[i]
		}
		if err := exportDetails(ctx, tx, at, after, users[len(users)-1].ID); err != nil {
			return err
		}
		for _, a := range some {
			if err := errors.Join(ctx.Err(), to.Account(a)); err != nil {
				return err
			}
		}
		after = users[len(users)-1].ID
	}
}

// exportDetails adds what other tables have of the accounts from one, exclusive, to another.
func exportDetails(ctx context.Context, tx *transaction, at map[im.UserID]*Account, from, to im.UserID) error {
	type detail struct {
		owner im.UserID
		add   func(*Account)
	}
	group := func(r row) (d detail, err error) {
		var g im.Group
		err = r.Scan(&d.owner, &g.Number, &g.Name)
		g.Name = msnp.Unescape(g.Name)
		d.add = func(a *Account) { a.Groups = append(a.Groups, g) }
		return d, err
	}
	property := func(r row) (d detail, err error) {
		var p im.Property
		err = r.Scan(&d.owner, &p.Type, &p.Value)
		p.Value = msnp.Unescape(p.Value)
		d.add = func(a *Account) { a.Properties = append(a.Properties, p) }
		return d, err
	}
	box := func(r row) (d detail, err error) {
		var m im.Mailbox
		err = r.Scan(&d.owner, &m.Inbox, &m.Folders, &m.URL)
		d.add = func(a *Account) { a.Mailbox = &m }
		return d, err
	}
	for _, q := range []struct {
		scan func(row) (detail, error)
		text string
	}{
		{group, `SELECT owner, number, name FROM contact_group WHERE owner > $1 AND owner <= $2 ORDER BY owner, number`},
		{property, `SELECT owner, type, value FROM property WHERE owner > $1 AND owner <= $2 ORDER BY owner, type`},
		{box, `SELECT owner, inbox, folders, url FROM mailbox WHERE owner > $1 AND owner <= $2`},
	} {
		found, err := collect(ctx, tx, q.scan, q.text, from, to)
		if err != nil {
			return err
		}
		for _, d := range found {
			d.add(at[d.owner])
		}
	}
	return nil
}

// exportEachList tells of the people on everybody's lists.
func exportEachList(ctx context.Context, tx *transaction, to Exporter) error {
	for after := im.UserID(0); ; {
		owners, err := collect(ctx, tx, scanHandle, `SELECT id, handle FROM account WHERE id > $1 ORDER BY id LIMIT $2`, after, exportOwners)
		if err != nil || len(owners) == 0 {
			return err
		}
		if err := exportLists(ctx, tx, owners, after, to); err != nil {
			return err
		}
		after = owners[len(owners)-1].ID
	}
}

// scanHandle reads somebody's id and handle.
func scanHandle(r row) (p im.Person, err error) {
	err = r.Scan(&p.ID, &p.Handle)
	return p, err
}

// exportLists tells of those of some owners, who are all that there are after one.
func exportLists(ctx context.Context, tx *transaction, owners []im.Person, after im.UserID, to Exporter) error {
	type entry struct {
		owner im.UserID
		Entry
	}
	scan := func(r row) (entry, error) {
		var e entry
		var groups groupSet
		err := r.Scan(&e.owner, &e.Handle, &e.Lists, &groups, &e.Name)
		e.Name, e.Groups = msnp.Unescape(e.Name), groups.numbers()
		return e, err
	}
	found, err := collect(ctx, tx, scan, `
		SELECT c.owner, p.handle, c.lists, c.in_groups, c.stored FROM contact c JOIN account p ON p.id = c.peer
		WHERE c.owner > $1 AND c.owner <= $2 AND c.lists <> 0 ORDER BY c.owner, c.peer`, after, owners[len(owners)-1].ID)
	if err != nil {
		return err
	}
	for _, o := range owners {
		l := Lists{Owner: o.Handle}
		for ; len(found) > 0 && found[0].owner == o.ID; found = found[1:] {
			l.People = append(l.People, found[0].Entry)
		}
		if len(l.People) == 0 {
			continue
		}
		if err := errors.Join(ctx.Err(), to.Lists(l)); err != nil {
			return err
		}
	}
	return nil
}
