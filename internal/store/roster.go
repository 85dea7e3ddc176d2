package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"monarch/internal/im"
	"monarch/msnp"
)

// Version returns the present version of an account's lists.
func (s *Store) Version(ctx context.Context, id im.UserID) (uint32, error) {
	scan := func(r row) (version uint32, err error) {
		if err = r.Scan(&version); errors.Is(err, sql.ErrNoRows) {
			err = im.ErrNoUser
		}
		return version, err
	}
	return load(ctx, s, fmt.Sprintf("load version of %d", id), scan, `SELECT version FROM account WHERE id = $1`, id)
}

// Roster returns everything an account sees of itself and of the people on its lists, as it
// was at one moment. People who are on the reverse list alone are among the contacts.
func (s *Store) Roster(ctx context.Context, id im.UserID) (im.Roster, error) {
	what := fmt.Sprintf("load roster of %d", id)
	r, ok, err := s.recordedRoster(ctx, what, id)
	if err != nil || ok {
		return r, err
	}
	r, epoch, err := s.computeRoster(ctx, what, id)
	if err != nil {
		return r, err
	}
	s.recorder.offer(newRecord(r, epoch))
	return r, nil
}

// computeRoster gathers a roster from the lists of everybody concerned. It also returns the
// account's epoch.
func (s *Store) computeRoster(ctx context.Context, what string, id im.UserID) (im.Roster, int64, error) {
	var epoch int64
	r, err := view(ctx, s, what, func(tx *transaction) (r im.Roster, err error) {
		r, epoch, err = gatherRoster(ctx, tx, id)
		return r, err
	})
	return r, epoch, err
}

func gatherRoster(ctx context.Context, tx *transaction, id im.UserID) (r im.Roster, epoch int64, err error) {
	r.User, err = scanUserAnd(tx.QueryRowContext(ctx, `SELECT `+userColumns+`, epoch FROM account WHERE id = $1`, id), &epoch)
	if err != nil {
		return r, 0, err
	}
	if r.Groups, err = loadGroups(ctx, tx, id); err != nil {
		return r, 0, err
	}
	if r.Contacts, err = collect(ctx, tx, scanContact, contactsQuery, id); err != nil {
		return r, 0, err
	}
	// Also those of people off the forward list: an index alone says who there is, and they
	// have few.
	properties, err := loadProperties(ctx, tx, `owner = $1 OR owner IN (SELECT peer FROM contact WHERE owner = $1)`, id)
	if err != nil {
		return r, 0, err
	}
	r.Properties = properties[id]
	for i := range r.Contacts {
		if c := &r.Contacts[i]; showsProperties(c.Lists) {
			c.Properties = shared(properties[c.ID])
		}
	}
	return r, epoch, nil
}

// Names returns the names that the people of an account's roster have given themselves.
func (s *Store) Names(ctx context.Context, id im.UserID) (map[im.UserID]string, error) {
	return view(ctx, s, fmt.Sprintf("load names for %d", id), func(tx *transaction) (map[im.UserID]string, error) {
		people, err := collect(ctx, tx, scanName, `
			SELECT id, name FROM account WHERE id IN (
				SELECT peer FROM contact WHERE owner = $1
				UNION SELECT owner FROM contact WHERE peer = $1 AND (lists & 1) <> 0)`, id)
		names := make(map[im.UserID]string, len(people))
		for _, p := range people {
			names[p.ID] = p.Name
		}
		return names, err
	})
}

func scanName(r row) (im.Person, error) {
	var p im.Person
	err := r.Scan(&p.ID, &p.Name)
	p.Name = msnp.Unescape(p.Name)
	return p, err
}

// contactsQuery selects the people in the roster of $1 with what he keeps about them, and they
// about him. The two sides are read one after the other, each in the order of an index, which
// takes half the time of looking both up for each person. Somebody off FL goes by his own
// name. docs/protocol/lists.md#stored-name
const contactsQuery = `
	SELECT p.id, p.handle, p.policy, l.lists, l.in_groups, l.his,
		CASE WHEN (l.lists & 1) <> 0 THEN l.stored ELSE p.name END
	FROM (
		SELECT peer, MAX(lists) AS lists, MAX(his) AS his, MAX(in_groups) AS in_groups, MAX(stored) AS stored
		FROM (
			SELECT peer, lists, 0 AS his, in_groups, stored FROM contact WHERE owner = $1
			UNION ALL
			SELECT owner, 0, lists, 0, '' FROM contact WHERE peer = $1
		) side
		GROUP BY peer
		HAVING MAX(lists) <> 0 OR (MAX(his) & 1) <> 0
	) l
	JOIN account p ON p.id = l.peer
	ORDER BY p.id`

// scanContact reads a row with the columns of contactsQuery. The properties are still missing.
func scanContact(r row) (im.Contact, error) {
	var (
		c      im.Contact
		policy im.Policy
		his    im.List
		groups groupSet
	)
	err := r.Scan(&c.ID, &c.Handle, &policy, &c.Lists, &groups, &his, &c.Stored)
	if err != nil {
		return im.Contact{}, err
	}
	c.Stored = msnp.Unescape(c.Stored)
	c.Groups = groups.numbers()
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

// Contact returns one person as the roster of an account shows him, or would if he were on any
// list. It refuses with im.ErrNoUser.
func (s *Store) Contact(ctx context.Context, owner, peer im.UserID) (im.Contact, error) {
	return view(ctx, s, fmt.Sprintf("look up %d for %d", peer, owner), func(tx *transaction) (im.Contact, error) {
		return loadContact(ctx, tx, owner, peer)
	})
}

// loadContact returns one person as owner's roster shows him.
func loadContact(ctx context.Context, tx *transaction, owner, peer im.UserID) (im.Contact, error) {
	found, err := collect(ctx, tx, scanContact, `
		SELECT p.id, p.handle, p.policy, COALESCE(mine.lists, 0), COALESCE(mine.in_groups, 0), COALESCE(his.lists, 0),
			CASE WHEN (mine.lists & 1) <> 0 THEN mine.stored ELSE p.name END
		FROM account p
		LEFT JOIN contact mine ON mine.owner = $1 AND mine.peer = p.id
		LEFT JOIN contact his ON his.owner = p.id AND his.peer = $1
		WHERE p.id = $2`, owner, peer)
	if err != nil {
		return im.Contact{}, err
	}
	if len(found) == 0 {
		return im.Contact{}, im.ErrNoUser
	}
	c := found[0]
	if !showsProperties(c.Lists) {
		return c, nil
	}
	properties, err := loadProperties(ctx, tx, `owner = $1`, peer)
	if err != nil {
		return im.Contact{}, err
	}
	c.Properties = shared(properties[peer])
	return c, nil
}
