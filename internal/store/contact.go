package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"monarch/internal/im"
	"monarch/msnp"
)

// Addition asks for a person to be put on a list.
type Addition struct {
	List   im.List // Forward, Allow or Block
	Handle string  // whom
	Name   string  // what to call him; empty: the name given before, or else his handle
	Group  int     // for Forward: the group, or -1 for group 0; else ignored
	Limit  int     // for Forward: the most people there may be on it; 0: any number
}

// Added is what an [Addition] has done.
type Added struct {
	Version     uint32     // of the owner
	Contact     im.Contact // the person after the change
	First       bool       // he came on the forward list, where he was not before
	PeerVersion uint32     // if First: the person's own version, as his reverse list has changed
}

// Add puts a person on a list, or into one more group of the forward list. The name is taken
// when he comes on the forward list, or on any list when he was on none; it shows only while
// he is on the forward list.
//
// It refuses, checked in this order, with im.ErrNoUser, im.ErrListFull, im.ErrOpposite,
// im.ErrNoGroup or im.ErrAlreadyListed. People may add themselves: the version then takes
// one step, and both versions of the result are the same. docs/protocol/lists.md#add
func (s *Store) Add(ctx context.Context, owner im.UserID, a Addition) (Added, error) {
	return change(ctx, s, fmt.Sprintf("add %s to %v of %d", a.Handle, a.List, owner), func(tx *transaction) (Added, error) {
		var done Added
		err := tx.holdPair(ctx, owner, a.Handle)
		if err != nil {
			return done, err
		}
		if done.Version, err = step(ctx, tx, owner); err != nil {
			return done, err
		}
		peer, err := idOf(ctx, tx, a.Handle)
		if err != nil {
			return done, err
		}
		if done.First, err = enlist(ctx, tx, owner, peer, a); err != nil {
			return done, err
		}
		if done.First {
			if done.PeerVersion, err = stepPeer(ctx, tx, owner, peer, done.Version); err != nil {
				return done, err
			}
		}
		done.Contact, err = loadContact(ctx, tx, owner, peer)
		return done, err
	})
}

// enlist makes what owner keeps about peer what an addition asks for, and reports whether
// that puts him on the forward list.
func enlist(ctx context.Context, tx *transaction, owner, peer im.UserID, a Addition) (first bool, err error) {
	old, err := loadLink(ctx, tx, owner, peer)
	if err != nil {
		return false, err
	}
	l := old
	if a.List == im.Forward {
		err = l.addToGroup(ctx, tx, owner, a)
	} else {
		err = l.allowOrBlock(a.List)
	}
	if err != nil {
		return false, err
	}
	first = l.lists&^old.lists == im.Forward
	if first || old.lists == 0 {
		l.name(a)
	}
	if a.List != im.Forward {
		if _, err := tx.ExecContext(ctx, stepEpoch, peer); err != nil {
			return false, err
		}
	}
	return first, saveLink(ctx, tx, owner, peer, l)
}

// Removal asks for a person to be taken off a list.
type Removal struct {
	List   im.List // Forward, Allow or Block
	Handle string  // whom
	Group  int     // for Forward: the group he leaves, or -1 for the whole list; else ignored
}

// Removed is what a [Removal] has done.
type Removed struct {
	Version     uint32 // of the owner
	Peer        im.UserID
	Left        bool   // he is off the forward list now, perhaps because he left his last group
	PeerVersion uint32 // if Left: the person's own version, as his reverse list has changed
}

// Remove takes a person off a list, or out of one group of the forward list; who leaves his
// last group leaves the list. It refuses with im.ErrNotListed, also for somebody who does
// not exist, im.ErrNoGroup or im.ErrNotInGroup. docs/protocol/lists.md#rem
func (s *Store) Remove(ctx context.Context, owner im.UserID, r Removal) (Removed, error) {
	return change(ctx, s, fmt.Sprintf("remove %s from %v of %d", r.Handle, r.List, owner), func(tx *transaction) (Removed, error) {
		var done Removed
		err := tx.holdPair(ctx, owner, r.Handle)
		if err != nil {
			return done, err
		}
		if done.Version, err = step(ctx, tx, owner); err != nil {
			return done, err
		}
		var l link
		if done.Peer, l, err = listed(ctx, tx, owner, r.Handle); err != nil {
			return done, err
		}
		if l.lists&r.List == 0 {
			return done, im.ErrNotListed
		}
		if r.List != im.Forward {
			l.lists &^= r.List
			if _, err := tx.ExecContext(ctx, stepEpoch, done.Peer); err != nil {
				return done, err
			}
			return done, saveLink(ctx, tx, owner, done.Peer, l)
		}
		if err := l.removeFromGroup(ctx, tx, owner, r.Group); err != nil {
			return done, err
		}
		done.Left = l.groups == 0
		if !done.Left {
			return done, saveLink(ctx, tx, owner, done.Peer, l)
		}
		done.PeerVersion, err = leave(ctx, tx, owner, done.Peer, l, done.Version)
		return done, err
	})
}

// NameContact gives a person on any list a name and returns the owner's new version. It
// refuses with im.ErrNotListed. Somebody who is on the reverse list alone has his name
// remembered as long as he is there. docs/protocol/lists.md#rea
func (s *Store) NameContact(ctx context.Context, owner im.UserID, handle, name string) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("name %s for %d", handle, owner), func(tx *transaction) (uint32, error) {
		if name == "" {
			return 0, im.ErrNameRefused
		}
		if err := tx.holdPair(ctx, owner, handle); err != nil {
			return 0, err
		}
		version, err := step(ctx, tx, owner)
		if err != nil {
			return 0, err
		}
		peer, l, err := listed(ctx, tx, owner, handle)
		if err != nil {
			return 0, err
		}
		if l.lists == 0 {
			his, err := loadLink(ctx, tx, peer, owner)
			if err != nil {
				return 0, err
			}
			if his.lists&im.Forward == 0 {
				return 0, im.ErrNotListed
			}
		}
		l.stored = msnp.Escape(name)
		return version, writeLink(ctx, tx, owner, peer, l)
	})
}

// link is what one account keeps about another: a row of contact, or nothing at all. While
// and only while lists has Forward, groups is not empty.
type link struct {
	lists  im.List // without Reverse, which is the other's Forward
	groups groupSet
	stored string // escaped
}

// addToGroup puts a person on the forward list or into one more of its groups.
func (l *link) addToGroup(ctx context.Context, tx *transaction, owner im.UserID, a Addition) error {
	first := l.lists&im.Forward == 0
	if first && a.Limit > 0 {
		var n int
		err := tx.QueryRowContext(ctx,
			`SELECT COUNT(*) FROM contact WHERE owner = $1 AND (lists & 1) <> 0`, owner).Scan(&n)
		if err != nil {
			return err
		}
		if n >= a.Limit {
			return im.ErrListFull
		}
	}
	if a.Group < 0 && !first {
		return im.ErrAlreadyListed
	}
	number := max(a.Group, 0)
	if err := checkGroup(ctx, tx, owner, number); err != nil {
		return err
	}
	if l.groups.has(number) {
		return im.ErrAlreadyListed
	}
	l.lists |= im.Forward
	l.groups |= groupBit(number)
	return nil
}

// allowOrBlock puts a person on the allow or the block list; nobody is ever on both.
func (l *link) allowOrBlock(list im.List) error {
	switch {
	case list != im.Allow && list != im.Block:
		return fmt.Errorf("list %v is not for its owner to change", list)
	case l.lists&(im.Allow|im.Block)&^list != 0:
		return im.ErrOpposite
	case l.lists&list != 0:
		return im.ErrAlreadyListed
	}
	l.lists |= list
	return nil
}

// name takes the name of an addition.
func (l *link) name(a Addition) {
	if a.Name != "" {
		l.stored = msnp.Escape(a.Name)
	} else if l.stored == "" {
		l.stored = msnp.Escape(strings.ToLower(a.Handle))
	}
}

// removeFromGroup takes a person out of one group or, for a negative number, out of all.
func (l *link) removeFromGroup(ctx context.Context, tx *transaction, owner im.UserID, number int) error {
	if number < 0 {
		l.groups = 0
		return nil
	}
	if err := checkGroup(ctx, tx, owner, number); err != nil {
		return err
	}
	if !l.groups.has(number) {
		return im.ErrNotInGroup
	}
	l.groups &^= groupBit(number)
	return nil
}

// listed returns whom a handle names and what owner keeps about him, or im.ErrNotListed if
// there is no such account.
func listed(ctx context.Context, tx *transaction, owner im.UserID, handle string) (im.UserID, link, error) {
	peer, err := idOf(ctx, tx, handle)
	if errors.Is(err, im.ErrNoUser) {
		return 0, link{}, im.ErrNotListed
	}
	if err != nil {
		return 0, link{}, err
	}
	l, err := loadLink(ctx, tx, owner, peer)
	return peer, l, err
}

// leave takes a person off the forward list, out of the groups he may still be in, and
// returns his new version.
func leave(ctx context.Context, tx *transaction, owner, peer im.UserID, l link, version uint32) (uint32, error) {
	l.lists &^= im.Forward
	l.groups = 0
	if err := saveLink(ctx, tx, owner, peer, l); err != nil {
		return 0, err
	}
	// The owner goes off the other's reverse list. If he was on nothing else there, a name
	// that was remembered for him has lost its reason.
	_, err := tx.ExecContext(ctx, `DELETE FROM contact WHERE owner = $1 AND peer = $2 AND lists = 0`, peer, owner)
	if err != nil {
		return 0, err
	}
	return stepPeer(ctx, tx, owner, peer, version)
}

// stepPeer is [step] for somebody whom a change by owner affects. Who affects himself has
// taken his step already.
func stepPeer(ctx context.Context, tx *transaction, owner, peer im.UserID, version uint32) (uint32, error) {
	if peer == owner {
		return version, nil
	}
	return step(ctx, tx, peer)
}

func loadLink(ctx context.Context, tx *transaction, owner, peer im.UserID) (link, error) {
	var l link
	err := tx.QueryRowContext(ctx,
		`SELECT lists, in_groups, stored FROM contact WHERE owner = $1 AND peer = $2`, owner, peer).
		Scan(&l.lists, &l.groups, &l.stored)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, nil
	}
	return l, err
}

// saveLink stores a link that is on a list, and forgets one that is on none.
func saveLink(ctx context.Context, tx *transaction, owner, peer im.UserID, l link) error {
	if l.lists != 0 {
		return writeLink(ctx, tx, owner, peer, l)
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM contact WHERE owner = $1 AND peer = $2`, owner, peer)
	return err
}

func writeLink(ctx context.Context, tx *transaction, owner, peer im.UserID, l link) error {
	_, err := tx.ExecContext(ctx, writeContact, owner, peer, l.lists, l.groups, l.stored)
	return err
}

const writeContact = insertContact + `($1, $2, $3, $4, $5)` + replaceContact

const (
	insertContact  = `INSERT INTO contact (owner, peer, lists, in_groups, stored) VALUES `
	replaceContact = `
		ON CONFLICT (owner, peer) DO UPDATE
		SET lists = excluded.lists, in_groups = excluded.in_groups, stored = excluded.stored`
)
