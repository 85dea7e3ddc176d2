package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// importBatch is how many rows of an import one transaction takes. Others who want to change
// something wait for one transaction only.
const importBatch = 5000

// NewUser is an account to be imported. An empty name becomes the handle.
type NewUser struct {
	Handle, Name, PasswordHash string
}

// ImportUsers makes accounts as [Store.CreateUser] does, many in one transaction, and tells
// done, unless it is nil, how many there are so far. It ends at the first account that is
// refused and names it; what was told as done stays.
func (s *Store) ImportUsers(ctx context.Context, users iter.Seq[NewUser], done func(n int)) error {
	return inBatches(users, done, func(batch []NewUser) error {
		return act(ctx, s, "import accounts", func(tx *transaction) error {
			return importUsers(ctx, tx, batch)
		})
	})
}

// NewContact is what an imported account keeps about another. Both are named by their
// handles.
type NewContact struct {
	Owner, Peer string
	Lists       im.List // at least one of Forward, Allow and Block, and not the last two together
	Name        string  // what to call the peer; empty: his handle
	Group       int     // of the forward list; else ignored
}

// ImportContacts puts people on the lists of others, many in one transaction, and tells done,
// unless it is nil, how many so far. No version takes a step, so it is for accounts that
// nobody has signed in with yet; nor is there a limit to the length of a list. It ends at the
// first contact that is refused and names it; what was told as done stays.
func (s *Store) ImportContacts(ctx context.Context, contacts iter.Seq[NewContact], done func(n int)) error {
	c := contactImport{ids: make(map[string]im.UserID)}
	return inBatches(contacts, done, func(batch []NewContact) error {
		again := false
		insert := func(together int) error {
			return act(ctx, s, "import contacts", func(tx *transaction) error {
				if again { // accounts that came with the transaction went with it
					clear(c.ids)
				}
				again = true
				return c.insert(ctx, tx, batch, together)
			})
		}
		err := insert(contactsTogether)
		if errors.Is(err, errSomeListed) {
			return insert(1) // to find out which
		}
		return err
	})
}

// inBatches hands a sequence on in pieces. The sequence is asked between transactions, not
// while one is open, so it may ask the store.
func inBatches[T any](seq iter.Seq[T], done func(n int), do func(batch []T) error) error {
	batch, n := make([]T, 0, importBatch), 0
	flush := func() error {
		if err := do(batch); err != nil {
			return err
		}
		n += len(batch)
		batch = batch[:0]
		if done != nil {
			done(n)
		}
		return nil
	}
	for item := range seq {
		if batch = append(batch, item); len(batch) == importBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) > 0 {
		return flush()
	}
	return nil
}

func importUsers(ctx context.Context, tx *transaction, batch []NewUser) error {
	id, err := newIDs(ctx, tx, len(batch))
	if err != nil {
		return err
	}
	now, first := time.Now().Unix(), msnp.Escape(firstGroup)
	for _, u := range batch {
		handle, err := im.ParseHandle(u.Handle)
		if err != nil {
			return fmt.Errorf("%s: %w", u.Handle, err)
		}
		name := u.Name
		if name == "" {
			name = handle
		}
		res, err := tx.ExecContext(ctx, insertAccount+` ON CONFLICT (handle) DO NOTHING`,
			id, handle, msnp.Escape(name), u.PasswordHash, im.Ask, im.AllowOthers, now)
		if err := changedOne(res, err, im.ErrHandleTaken); err != nil {
			return fmt.Errorf("%s: %w", handle, err)
		}
		if _, err := tx.ExecContext(ctx, insertGroup, id, 0, first); err != nil {
			return fmt.Errorf("%s: %w", handle, err)
		}
		id++
	}
	return nil
}

// mostKnownIDs bounds the ids an import remembers; when there are as many, it forgets them.
const mostKnownIDs = 1 << 16

// contactImport is one call of ImportContacts.
type contactImport struct {
	ids map[string]im.UserID // of handles as they were given
}

// contactsTogether is how many contacts one statement takes: each statement is a way to the database and
// back.
const contactsTogether = 100

// errSomeListed says that of several contacts at least one is there already.
var errSomeListed = fmt.Errorf("one of several: %w", im.ErrAlreadyListed)

// insert puts contacts in, so many with one statement, as long as there are.
func (c *contactImport) insert(ctx context.Context, tx *transaction, batch []NewContact, together int) error {
	if err := c.hold(ctx, tx, batch); err != nil {
		return err
	}
	concerned := make(map[im.UserID]bool)
	for len(batch) > 0 {
		if len(batch) < together {
			together = 1
		}
		if err := c.insertTogether(ctx, tx, batch[:together], concerned); err != nil {
			return err
		}
		batch = batch[together:]
	}
	for id := range concerned {
		if _, err := tx.ExecContext(ctx, stepEpoch, id); err != nil {
			return err
		}
	}
	return nil
}

// insertTogether puts some contacts in with one statement.
func (c *contactImport) insertTogether(ctx context.Context, tx *transaction, some []NewContact, concerned map[im.UserID]bool) error {
	var rows []string
	var args []any
	among := make(map[[2]im.UserID]bool, len(some))
	for _, n := range some {
		owner, peer, l, err := c.link(ctx, tx, n)
		if err == nil && among[[2]im.UserID{owner, peer}] {
			err = im.ErrAlreadyListed
		}
		if err != nil {
			return n.refused(err)
		}
		k := len(args)
		rows = append(rows, fmt.Sprintf("($%d, $%d, $%d, $%d, $%d)", k+1, k+2, k+3, k+4, k+5))
		args = append(args, owner, peer, l.lists, l.groups, l.stored)
		concerned[owner], concerned[peer], among[[2]im.UserID{owner, peer}] = true, true, true
	}
	res, err := tx.ExecContext(ctx, insertContact+strings.Join(rows, ", ")+replaceContact+` WHERE contact.lists = 0`, args...)
	if err != nil {
		return err
	}
	switch n, err := res.RowsAffected(); {
	case err != nil || n == int64(len(some)):
		return err
	case len(some) == 1:
		return some[0].refused(im.ErrAlreadyListed)
	}
	return errSomeListed
}

func (n NewContact) refused(err error) error {
	return fmt.Errorf("%s for %s: %w", n.Peer, n.Owner, err)
}

// hold locks everybody who is named. What is wrong with a name is told in its turn.
func (c *contactImport) hold(ctx context.Context, tx *transaction, batch []NewContact) error {
	var ids []im.UserID
	for _, n := range batch {
		for _, handle := range []string{n.Owner, n.Peer} {
			id, err := c.id(ctx, tx, handle)
			switch {
			case err == nil:
				ids = append(ids, id)
			case !errors.Is(err, im.ErrNoUser):
				return err
			}
		}
	}
	return tx.holdAll(ctx, ids)
}

// link turns a contact of the import into what is stored.
func (c *contactImport) link(ctx context.Context, tx *transaction, n NewContact) (owner, peer im.UserID, l link, err error) {
	const own = im.Forward | im.Allow | im.Block
	switch {
	case n.Lists == 0 || n.Lists&^own != 0:
		return 0, 0, link{}, fmt.Errorf("lists %d cannot be imported", n.Lists)
	case n.Lists&(im.Allow|im.Block) == im.Allow|im.Block:
		return 0, 0, link{}, im.ErrOpposite
	}
	if owner, err = c.id(ctx, tx, n.Owner); err != nil {
		return 0, 0, link{}, err
	}
	if peer, err = c.id(ctx, tx, n.Peer); err != nil {
		return 0, 0, link{}, err
	}
	l.lists = n.Lists
	l.name(Addition{Handle: n.Peer, Name: n.Name})
	if n.Lists&im.Forward == 0 {
		return owner, peer, l, nil
	}
	if n.Group != 0 { // which everybody has
		if err := checkGroup(ctx, tx, owner, n.Group); err != nil {
			return 0, 0, link{}, err
		}
	}
	l.groups = groupBit(n.Group)
	return owner, peer, l, nil
}

// id is [idOf] with a memory.
func (c *contactImport) id(ctx context.Context, tx *transaction, handle string) (im.UserID, error) {
	if id, ok := c.ids[handle]; ok {
		return id, nil
	}
	id, err := idOf(ctx, tx, handle)
	if err != nil {
		return 0, err
	}
	if len(c.ids) >= mostKnownIDs {
		clear(c.ids)
	}
	c.ids[handle] = id
	return id, nil
}
