package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"monarch/internal/im"
	"monarch/msnp"
)

// Grouped is what became of a new group.
type Grouped struct {
	Group   im.Group
	Version uint32 // of the owner's lists
	Existed bool   // there was one of this name, which is no step
}

// AddGroup makes a group with the lowest free number, unless one of this name exists.
// It refuses with im.ErrTooManyGroups. docs/protocol/lists.md#adg
func (s *Store) AddGroup(ctx context.Context, owner im.UserID, name string) (Grouped, error) {
	return change(ctx, s, fmt.Sprintf("add group for %d", owner), func(tx *transaction) (Grouped, error) {
		if err := tx.holdUser(ctx, owner); err != nil {
			return Grouped{}, err
		}
		u, err := loadUser(ctx, tx, owner)
		if err != nil {
			return Grouped{}, err
		}
		groups, err := loadGroups(ctx, tx, owner)
		if err != nil {
			return Grouped{}, err
		}
		free := len(groups) // unless there is a gap
		for i, g := range groups {
			if g.Name == name {
				return Grouped{Group: g, Version: u.Version, Existed: true}, nil
			}
			if g.Number != i {
				free = min(free, i)
			}
		}
		if free >= im.MaxGroups {
			return Grouped{}, im.ErrTooManyGroups
		}
		version, err := step(ctx, tx, owner)
		if err != nil {
			return Grouped{}, err
		}
		_, err = tx.ExecContext(ctx, insertGroup, owner, free, msnp.Escape(name))
		return Grouped{Group: im.Group{Number: free, Name: name}, Version: version}, err
	})
}

const insertGroup = `INSERT INTO contact_group (owner, number, name) VALUES ($1, $2, $3)`

// RenameGroup gives a group, also group 0, another name and returns the owner's new version.
// It refuses with im.ErrNoGroup or im.ErrGroupName. docs/protocol/lists.md#reg
func (s *Store) RenameGroup(ctx context.Context, owner im.UserID, number int, name string) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("rename group %d of %d", number, owner), func(tx *transaction) (uint32, error) {
		version, err := step(ctx, tx, owner)
		if err != nil {
			return 0, err
		}
		if err := checkGroup(ctx, tx, owner, number); err != nil {
			return 0, err
		}
		var others int
		err = tx.QueryRowContext(ctx,
			`SELECT COUNT(*) FROM contact_group WHERE owner = $1 AND number <> $2 AND name = $3`,
			owner, number, msnp.Escape(name)).Scan(&others)
		if err != nil {
			return 0, err
		}
		if others > 0 {
			return 0, im.ErrGroupName
		}
		_, err = tx.ExecContext(ctx, `UPDATE contact_group SET name = $3 WHERE owner = $1 AND number = $2`,
			owner, number, msnp.Escape(name))
		return version, err
	})
}

// Left is somebody who is off the forward list now because his last group is gone.
type Left struct {
	Peer        im.UserID
	PeerVersion uint32 // his own, as his reverse list has changed
}

// RemoveGroup removes a group and returns the owner's new version. Who was in no other group
// leaves the forward list. It refuses with im.ErrGroupZero or im.ErrNoGroup.
// docs/protocol/lists.md#rmg
func (s *Store) RemoveGroup(ctx context.Context, owner im.UserID, number int) (uint32, []Left, error) {
	type removed struct {
		version uint32
		left    []Left
	}
	done, err := change(ctx, s, fmt.Sprintf("remove group %d of %d", number, owner), func(tx *transaction) (removed, error) {
		if number == 0 {
			return removed{}, im.ErrGroupZero
		}
		if err := tx.holdAround(ctx, onlyInGroup, owner, groupBit(max(number, 0))); err != nil {
			return removed{}, err
		}
		version, err := step(ctx, tx, owner)
		if err != nil {
			return removed{}, err
		}
		if err := checkGroup(ctx, tx, owner, number); err != nil {
			return removed{}, err
		}
		left, err := emptyGroup(ctx, tx, owner, groupBit(number), version)
		if err != nil {
			return removed{}, err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM contact_group WHERE owner = $1 AND number = $2`, owner, number)
		return removed{version, left}, err
	})
	return done.version, done.left, err
}

const onlyInGroup = `SELECT peer FROM contact WHERE owner = $1 AND in_groups = $2`

// emptyGroup takes everybody out of a group.
func emptyGroup(ctx context.Context, tx *transaction, owner im.UserID, group groupSet, version uint32) ([]Left, error) {
	leaving, err := collect(ctx, tx, scanID, onlyInGroup+` ORDER BY peer`, owner, group)
	if err != nil {
		return nil, err
	}
	var left []Left
	for _, peer := range leaving {
		l, err := loadLink(ctx, tx, owner, peer)
		if err != nil {
			return nil, err
		}
		peerVersion, err := leave(ctx, tx, owner, peer, l, version)
		if err != nil {
			return nil, err
		}
		left = append(left, Left{peer, peerVersion})
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE contact SET in_groups = in_groups - $2 WHERE owner = $1 AND (in_groups & $2) <> 0`, owner, group)
	return left, err
}

func scanID(r row) (im.UserID, error) {
	var id im.UserID
	err := r.Scan(&id)
	return id, err
}

func loadGroups(ctx context.Context, tx *transaction, owner im.UserID) ([]im.Group, error) {
	scan := func(r row) (im.Group, error) {
		var g im.Group
		err := r.Scan(&g.Number, &g.Name)
		g.Name = msnp.Unescape(g.Name)
		return g, err
	}
	return collect(ctx, tx, scan, `SELECT number, name FROM contact_group WHERE owner = $1 ORDER BY number`, owner)
}

// checkGroup refuses any number that is not one of owner's groups.
func checkGroup(ctx context.Context, tx *transaction, owner im.UserID, number int) error {
	var name string
	err := tx.QueryRowContext(ctx,
		`SELECT name FROM contact_group WHERE owner = $1 AND number = $2`, owner, number).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		err = im.ErrNoGroup
	}
	return err
}

// groupSet is a set of group numbers: bit n stands for group n.
type groupSet uint32

func groupBit(number int) groupSet { return 1 << number }

func (s groupSet) has(number int) bool { return s&groupBit(number) != 0 }

// numbers returns the members in ascending order.
func (s groupSet) numbers() []int {
	var list []int
	for n := range im.MaxGroups {
		if s.has(n) {
			list = append(list, n)
		}
	}
	return list
}
