package store

import (
	"cmp"
	"context"
	"slices"

	"monarch/internal/im"
)

// Lists takes everybody on the lists of some owners, of whom each comes in one batch only. People who
// have no account are left out, as is who comes twice, and groups that an owner has not; who is left in none is in group
// 0. Where accounts are kept as they are, so are lists with anybody on them.
func (m *Merge) Lists(ctx context.Context, batch []Lists) (Merged, error) {
	return change(ctx, m.store, "import lists", func(tx *transaction) (Merged, error) {
		var done Merged
		b := listBatch{tx: tx}
		if err := b.lookUp(ctx, batch); err != nil {
			return done, err
		}
		var rows [][]any
		concerned := make(map[im.UserID]bool)
		for _, l := range batch {
			owner, ok := b.ids[l.Owner]
			switch {
			case !ok:
				continue
			case b.listed[owner] && m.conflict == Keep:
				done.Kept++
				continue
			}
			rows = append(rows, b.rows(owner, l.People, concerned)...)
		}
		done.Made = len(rows)
		slices.SortFunc(rows, func(a, b []any) int { // the order of the table
			return cmp.Or(cmp.Compare(a[0].(im.UserID), b[0].(im.UserID)), cmp.Compare(a[1].(im.UserID), b[1].(im.UserID)))
		})
		if err := insertRows(ctx, tx, `contact (owner, peer, lists, in_groups, stored)`, rows, replaceContact); err != nil {
			return done, err
		}
		return done, m.step(ctx, tx, concerned)
	})
}

// step moves on the versions of those who were there before: others have told nobody theirs.
func (m *Merge) step(ctx context.Context, tx *transaction, concerned map[im.UserID]bool) error {
	var ids []im.UserID
	for id := range concerned {
		if id <= m.before {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, mergeTogether) {
		if _, err := tx.ExecContext(ctx, `UPDATE account SET version = version + 1 WHERE id IN `+places, filled(some)...); err != nil {
			return err
		}
	}
	return nil
}

// listBatch is what has to be known to store some lists.
type listBatch struct {
	tx     *transaction
	ids    map[string]im.UserID   // by handle as it was given
	groups map[im.UserID]groupSet // of the owners
	listed map[im.UserID]bool     // owners who have people on their lists
}

func (b *listBatch) lookUp(ctx context.Context, batch []Lists) error {
	canonical := make(map[string][]string)
	name := func(handle string) {
		if h, err := im.ParseHandle(handle); err == nil && !slices.Contains(canonical[h], handle) {
			canonical[h] = append(canonical[h], handle)
		}
	}
	for _, l := range batch {
		name(l.Owner)
		for _, e := range l.People {
			name(e.Handle)
		}
	}
	var handles []string
	for h := range canonical {
		handles = append(handles, h)
	}
	slices.Sort(handles)
	b.ids, b.groups, b.listed = make(map[string]im.UserID), make(map[im.UserID]groupSet), make(map[im.UserID]bool)
	for some := range slices.Chunk(handles, mergeTogether) {
		found, err := collect(ctx, b.tx, scanHandle, `SELECT id, handle FROM account WHERE handle IN `+places, filled(some)...)
		if err != nil {
			return err
		}
		for _, p := range found {
			for _, given := range canonical[p.Handle] {
				b.ids[given] = p.ID
			}
		}
	}
	return b.lookAt(ctx, batch)
}

// lookAt finds out what the owners have.
func (b *listBatch) lookAt(ctx context.Context, batch []Lists) error {
	var owners []im.UserID
	for _, l := range batch {
		if id, ok := b.ids[l.Owner]; ok {
			owners = append(owners, id)
		}
	}
	pair := func(r row) (p [2]im.UserID, err error) {
		err = r.Scan(&p[0], &p[1])
		return p, err
	}
	for some := range slices.Chunk(owners, mergeTogether) {
		groups, err := collect(ctx, b.tx, pair, `SELECT owner, number FROM contact_group WHERE owner IN `+places, filled(some)...)
		if err != nil {
			return err
		}
		for _, g := range groups {
			b.groups[g[0]] |= groupBit(int(g[1]))
		}
		listed, err := collect(ctx, b.tx, pair, `SELECT owner, COUNT(*) FROM contact WHERE lists <> 0 AND owner IN `+places+` GROUP BY owner`, filled(some)...)
		if err != nil {
			return err
		}
		for _, l := range listed {
			b.listed[l[0]] = true
		}
	}
	return nil
}

// rows are what the table has of somebody's lists. It notes whose version must move on.
func (b *listBatch) rows(owner im.UserID, people []Entry, concerned map[im.UserID]bool) (rows [][]any) {
	seen := make(map[im.UserID]bool, len(people))
	for _, e := range people {
		peer, ok := b.ids[e.Handle]
		if !ok || seen[peer] || e.Lists == 0 {
			continue
		}
		seen[peer], concerned[owner] = true, true
		rows = append(rows, b.row(owner, peer, e))
		if e.Lists&im.Forward != 0 {
			concerned[peer] = true
		}
	}
	return rows
}

// row is what the table has of an entry.
func (b *listBatch) row(owner, peer im.UserID, e Entry) []any {
	l := link{lists: e.Lists &^ im.Reverse}
	l.name(Addition{Handle: e.Handle, Name: e.Name})
	if e.Lists&im.Forward != 0 {
		for _, n := range e.Groups {
			if n >= 0 && n < im.MaxGroups {
				l.groups |= groupBit(n)
			}
		}
		if l.groups &= b.groups[owner]; l.groups == 0 {
			l.groups = groupBit(0)
		}
	}
	return []any{owner, peer, l.lists, l.groups, l.stored}
}
