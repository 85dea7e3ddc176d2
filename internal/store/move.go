package store

import (
	"context"
	"fmt"

	"monarch/internal/im"
)

// Move takes somebody who is on the forward list from one of its groups to another, in one step,
// and returns the owner's new version. He is never off the list. It refuses with
// im.ErrNotListed, im.ErrNoGroup or im.ErrNotInGroup.
func (s *Store) Move(ctx context.Context, owner im.UserID, handle string, from, to int) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("move %s of %d", handle, owner), func(tx *transaction) (uint32, error) {
		version, err := step(ctx, tx, owner)
		if err != nil {
			return 0, err
		}
		peer, l, err := listed(ctx, tx, owner, handle)
		if err != nil {
			return 0, err
		}
		if l.lists&im.Forward == 0 {
			return 0, im.ErrNotListed
		}
		if err := l.removeFromGroup(ctx, tx, owner, max(from, 0)); err != nil {
			return 0, err
		}
		if err := checkGroup(ctx, tx, owner, to); err != nil {
			return 0, err
		}
		l.groups |= groupBit(to)
		return version, saveLink(ctx, tx, owner, peer, l)
	})
}

// DissolveGroup removes a group as [Store.RemoveGroup] does, but who was in no other is in group 0
// then, and nobody leaves the forward list.
func (s *Store) DissolveGroup(ctx context.Context, owner im.UserID, number int) (uint32, error) {
	return change(ctx, s, fmt.Sprintf("dissolve group %d of %d", number, owner), func(tx *transaction) (uint32, error) {
		if number == 0 {
			return 0, im.ErrGroupZero
		}
		version, err := step(ctx, tx, owner)
		if err != nil {
			return 0, err
		}
		if err := checkGroup(ctx, tx, owner, number); err != nil {
			return 0, err
		}
		group := groupBit(number)
		for _, query := range []string{
			`UPDATE contact SET in_groups = in_groups | 1 WHERE owner = $1 AND in_groups = $2`,
			`UPDATE contact SET in_groups = in_groups - $2 WHERE owner = $1 AND (in_groups & $2) <> 0`,
		} {
			if _, err := tx.ExecContext(ctx, query, owner, group); err != nil {
				return 0, err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM contact_group WHERE owner = $1 AND number = $2`, owner, number)
		return version, err
	})
}
