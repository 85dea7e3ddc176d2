package foreign

import (
	"context"
	"database/sql"
	"strings"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/internal/transfer"
	"monarch/msnp"
)

// R2M keeps texts as clients send them, percent-encoded, and has no group for those who are in none.

func readR2M(ctx context.Context, r *reading) error {
	all := make(map[string]*folders)
	different := make(map[string][]string)
	err := r.rows(ctx, `SELECT CAST(user_id AS TEXT), CAST(id AS TEXT), name FROM "groups" ORDER BY CAST(id AS INTEGER)`, func(rows *sql.Rows) error {
		var owner, id, name string
		if err := rows.Scan(&owner, &id, &name); err != nil {
			return err
		}
		if all[owner] == nil {
			all[owner] = newFolders()
		}
		if d := all[owner].add("group "+id, msnp.Unescape(name)); d != "" {
			different[owner] = append(different[owner], d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.d.passed = 0
	err = r.rows(ctx, `SELECT CAST(id AS TEXT), email, password, display_name, gtc, blp FROM users ORDER BY CAST(id AS INTEGER)`, func(rows *sql.Rows) error {
		var id, email, password, name, gtc, blp string
		if err := rows.Scan(&id, &email, &password, &name, &gtc, &blp); err != nil {
			return err
		}
		item := accountOf(id, email, password, msnp.Unescape(name))
		a := item.Account
		a.Prompt, a.Policy = privacy(gtc, blp)
		a.Groups = newFolders().groups
		if f := all[id]; f != nil {
			a.Groups = f.groups
		}
		for _, d := range different[id] {
			item.Findings = append(item.Findings, transfer.Noted(item.Where, "groups", "%s", d))
		}
		return r.each(item)
	})
	if err != nil {
		return err
	}
	return readR2MContacts(ctx, r, all)
}

func accountOf(id, email, password, name string) transfer.Item {
	item := transfer.Item{Where: "users id " + id, Account: &transfer.Account{}}
	a := item.Account
	a.Handle = strings.TrimSpace(email)
	name, short := cut(name, msnp.MaxName)
	if short {
		item.Findings = append(item.Findings, transfer.Noted(item.Where, "name", "it is cut"))
	}
	if name != "" {
		a.Name = &name
	}
	if auth.Usable(password) == nil {
		a.PasswordHash = &password
	}
	return item
}

// r2mRow is a contact, once for each group he is in.
type r2mRow struct {
	owner, ownerEmail, contact string
	email, name, group         sql.NullString
	forward, allow, block      bool
}

func (w r2mRow) lists() (lists im.List) {
	for l, on := range map[im.List]bool{im.Forward: w.forward, im.Allow: w.allow, im.Block: w.block} {
		if on {
			lists |= l
		}
	}
	return lists
}

func readR2MContacts(ctx context.Context, r *reading, all map[string]*folders) error {
	var item *transfer.Item
	at := make(map[string]int) // whom the owner has, by the person's address
	last := ""
	end := func() error {
		if item == nil {
			return nil
		}
		people := item.Lists.People[:0]
		for _, e := range item.Lists.People {
			if allowed(item, &e); e.Lists != 0 {
				people = append(people, e)
			}
		}
		item.Lists.People = people
		if len(people)+len(item.Findings) == 0 {
			return nil
		}
		return r.each(*item)
	}
	err := r.rows(ctx, `
		SELECT CAST(o.id AS TEXT), o.email, CAST(c.contact_id AS TEXT), p.email, c.display_name, c.in_forward_list, c.in_allow_list, c.in_block_list, CAST(m.group_id AS TEXT)
		FROM contacts c JOIN users o ON o.id = c.user_id LEFT JOIN users p ON p.id = c.contact_id LEFT JOIN group_members m ON m.contact_id = c.id
		ORDER BY CAST(o.id AS INTEGER), CAST(c.id AS INTEGER)`, func(rows *sql.Rows) error {
		var w r2mRow
		if err := rows.Scan(&w.owner, &w.ownerEmail, &w.contact, &w.email, &w.name, &w.forward, &w.allow, &w.block, &w.group); err != nil {
			return err
		}
		if item == nil || last != w.owner {
			if err := end(); err != nil {
				return err
			}
			last = w.owner
			clear(at)
			item = &transfer.Item{Where: "contacts of users id " + last, Lists: &store.Lists{Owner: strings.TrimSpace(w.ownerEmail)}}
		}
		w.join(item, at, all[w.owner])
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// join adds a row to the lists of an owner. There may be several of one person.
func (w r2mRow) join(item *transfer.Item, at map[string]int, f *folders) {
	if !w.email.Valid {
		item.Findings = append(item.Findings, transfer.Noted(item.Where, "contact", "%q is no account of R2M; left out", w.contact))
		return
	}
	handle := strings.ToLower(strings.TrimSpace(w.email.String))
	n, known := at[handle]
	if !known {
		n = len(item.Lists.People)
		at[handle] = n
		name, _ := cut(msnp.Unescape(w.name.String), msnp.MaxName)
		item.Lists.People = append(item.Lists.People, store.Entry{Handle: handle, Name: name})
	}
	e := &item.Lists.People[n]
	e.Lists |= w.lists()
	if f != nil && w.group.Valid {
		e.Groups = append(e.Groups, f.of([]string{"group " + w.group.String})...)
	}
}
