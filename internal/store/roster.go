package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"monarch/internal/im"
	"monarch/msnp"
)

// Version returns the present version of an account's lists.
func (s *Store) Version(ctx context.Context, id im.UserID) (uint32, error) {
	return view(ctx, s, fmt.Sprintf("load version of %d", id), func(tx *sql.Tx) (uint32, error) {
		var version uint32
		err := tx.QueryRowContext(ctx, `SELECT version FROM account WHERE id = $1`, id).Scan(&version)
		if errors.Is(err, sql.ErrNoRows) {
			err = im.ErrNoUser
		}
		return version, err
	})
}

// Step raises the version of an account's lists by one and returns it, when the person is
// told late of what others have done to them.
func (s *Store) Step(ctx context.Context, id im.UserID) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("raise version of %d", id), func(tx *sql.Tx) (uint32, error) {
		return step(ctx, tx, id)
	})
}

// Roster returns everything an account sees of itself and of the people on its lists, as it
// was at one moment. People who are on the reverse list alone are among the contacts.
func (s *Store) Roster(ctx context.Context, id im.UserID) (im.Roster, error) {
	return view(ctx, s, fmt.Sprintf("load roster of %d", id), func(tx *sql.Tx) (im.Roster, error) {
		var r im.Roster
		var err error
		if r.User, err = loadUser(ctx, tx, id); err != nil {
			return r, err
		}
		if r.Groups, err = loadGroups(ctx, tx, id); err != nil {
			return r, err
		}
		all, err := collect(ctx, tx, scanContact, contactQuery+`
			WHERE p.id IN (SELECT peer FROM contact WHERE owner = $1
				UNION SELECT owner FROM contact WHERE peer = $1 AND (lists & 1) <> 0)
			ORDER BY p.id`, id)
		if err != nil {
			return r, err
		}
		// A row without a list only remembers a name.
		r.Contacts = slices.DeleteFunc(all, func(c im.Contact) bool { return c.Lists == 0 })
		properties, err := loadProperties(ctx, tx,
			`owner = $1 OR owner IN (SELECT peer FROM contact WHERE owner = $1 AND (lists & 1) <> 0)`, id)
		if err != nil {
			return r, err
		}
		r.Properties = properties[id]
		for i := range r.Contacts {
			showProperties(&r.Contacts[i], properties[r.Contacts[i].ID])
		}
		return r, nil
	})
}

// contactQuery selects what $1 keeps about people p, and what they keep about $1.
const contactQuery = `
	SELECT p.id, p.handle, p.name, p.policy,
		COALESCE(mine.lists, 0), COALESCE(mine.in_groups, 0), COALESCE(mine.stored, ''), COALESCE(his.lists, 0)
	FROM account p
	LEFT JOIN contact mine ON mine.owner = $1 AND mine.peer = p.id
	LEFT JOIN contact his ON his.owner = p.id AND his.peer = $1`

// scanContact reads a row of contactQuery. The properties are still missing.
func scanContact(rows *sql.Rows) (im.Contact, error) {
	var (
		c      im.Contact
		policy im.Policy
		his    im.List
		groups groupSet
		stored string
	)
	err := rows.Scan(&c.ID, &c.Handle, &c.Name, &policy, &c.Lists, &groups, &stored, &his)
	if err != nil {
		return im.Contact{}, err
	}
	c.Name = msnp.Unescape(c.Name)
	// Somebody off FL goes by his own name. docs/protocol/lists.md#stored-name
	c.Stored = c.Name
	if c.Lists&im.Forward != 0 {
		c.Stored = msnp.Unescape(stored)
		c.Groups = groups.numbers()
	}
	if his&im.Forward != 0 {
		c.Lists |= im.Reverse
	}
	c.AllowsUser = allows(his, policy)
	return c, nil
}

// allows reports whether the owner of a policy lets somebody on these lists of his see him.
// docs/protocol/presence.md#who
func allows(lists im.List, policy im.Policy) bool {
	switch {
	case lists&im.Block != 0:
		return false
	case lists&im.Allow != 0:
		return true
	}
	return policy == im.AllowOthers
}

// loadContact returns one person as owner's roster shows him.
func loadContact(ctx context.Context, tx *sql.Tx, owner, peer im.UserID) (im.Contact, error) {
	found, err := collect(ctx, tx, scanContact, contactQuery+` WHERE p.id = $2`, owner, peer)
	if err != nil {
		return im.Contact{}, err
	}
	if len(found) == 0 {
		return im.Contact{}, im.ErrNoUser
	}
	c := found[0]
	if c.Lists&im.Forward == 0 || !c.AllowsUser {
		return c, nil
	}
	properties, err := loadProperties(ctx, tx, `owner = $1`, peer)
	if err != nil {
		return im.Contact{}, err
	}
	showProperties(&c, properties[peer])
	return c, nil
}
