package foreign

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/internal/transfer"
	"monarch/msnp"
)

// Escargot has changed its tables over the years: groups and contacts were once in t_user, as JSON,
// then groups had a table of their own, and now contacts have one. The names of the columns tell.

// schema is what a database of Escargot has.
type schema struct {
	friendly, front, md5 bool // columns of t_user
	groups, contacts     bool // in t_user
}

func schemaOf(ctx context.Context, r *reading) schema {
	return schema{
		friendly: has(ctx, r, "t_user", "friendly_name"), front: has(ctx, r, "t_user", "front_data"), md5: has(ctx, r, "t_user", "password_md5"),
		groups: has(ctx, r, "t_user", "groups"), contacts: has(ctx, r, "t_user", "contacts"),
	}
}

// column is one that may be missing.
func column(there bool, text string) string {
	if there {
		return text
	}
	return "NULL"
}

func readEscargot(ctx context.Context, r *reading) error {
	s := schemaOf(ctx, r)
	if err := readAccounts(ctx, r, s); err != nil {
		return err
	}
	if s.contacts {
		return readNested(ctx, r, s)
	}
	return readContacts(ctx, r, s)
}

// userRow is a row of t_user.
type userRow struct {
	id, uuid, email, name, friendly, created, password, md5, settings, front, groups sql.NullString
}

func readAccounts(ctx context.Context, r *reading, s schema) error {
	query := fmt.Sprintf(`SELECT CAST(id AS TEXT), uuid, email, name, %s, CAST(date_created AS TEXT), password, %s, CAST(settings AS TEXT), %s, %s
		FROM t_user ORDER BY t_user.id`,
		column(s.friendly, "friendly_name"), column(s.md5, "password_md5"), column(s.front, "CAST(front_data AS TEXT)"), column(s.groups, "CAST(groups AS TEXT)"))
	folders, err := foldersOf(ctx, r, s)
	if err != nil {
		return err
	}
	return r.rows(ctx, query, func(rows *sql.Rows) error {
		var u userRow
		err := rows.Scan(&u.id, &u.uuid, &u.email, &u.name, &u.friendly, &u.created, &u.password, &u.md5, &u.settings, &u.front, &u.groups)
		if err != nil {
			return err
		}
		return r.each(u.item(folders))
	})
}

// item is the account of a row.
func (u userRow) item(grouped map[string][]group) transfer.Item {
	item := transfer.Item{Where: "t_user id " + u.id.String, Account: &transfer.Account{}}
	note := func(field, format string, args ...any) {
		item.Findings = append(item.Findings, transfer.Noted(item.Where, field, format, args...))
	}
	a := item.Account
	a.Handle = strings.TrimSpace(u.email.String)
	name, short := cut(cmp.Or(u.friendly.String, u.name.String), msnp.MaxName)
	if short {
		note("name", "it is cut")
	}
	if name != "" {
		a.Name = &name
	}
	if t, err := parseTime(u.created.String); err == nil && t.Unix() > 0 {
		seconds := t.Unix()
		a.Created = &seconds
	}
	if hash := u.hash(); hash != "" {
		a.PasswordHash = &hash
	}
	var settings map[string]any
	if err := json.Unmarshal([]byte(cmp.Or(u.settings.String, "{}")), &settings); err != nil {
		note("settings", "they cannot be read; the usual ones in their place")
	}
	a.Prompt, a.Policy = privacy(settings["GTC"], settings["BLP"])
	for _, typ := range []string{"PHH", "PHW", "PHM", "MOB", "MBE"} {
		v, _ := settings[typ].(string)
		if len(msnp.Escape(v)) > msnp.MaxProperty {
			note(typ, "it is too long; left out")
		} else if v != "" {
			a.Properties = append(a.Properties, im.Property{Type: typ, Value: v})
		}
	}
	f, different := u.folders(grouped)
	for _, d := range different {
		note("groups", "%s", d)
	}
	a.Groups = f.groups
	return item
}

func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateTime, s); err == nil { // with fractions of seconds
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// hash returns one that passwords can be checked against: for new clients, or that for MSNP before
// version 8, or none.
func (u userRow) hash() string {
	var front struct {
		MSN struct {
			MD5 string `json:"pw_md5"`
		} `json:"msn"`
	}
	_ = json.Unmarshal([]byte(cmp.Or(u.front.String, "{}")), &front) // or there is none
	for _, h := range []string{u.password.String, front.MSN.MD5, u.md5.String} {
		if h != "" && auth.Usable(h) == nil {
			return h
		}
	}
	return ""
}

// group is one as Escargot keeps it in JSON. Its id is a number or a text.
type group struct {
	ID   any    `json:"id"`
	Name string `json:"name"`
}

func (u userRow) folders(grouped map[string][]group) (*folders, []string) {
	groups, err := parseGroups(u.groups.String)
	if grouped != nil {
		groups, err = grouped[u.uuid.String], nil
	}
	f := newFolders()
	var different []string
	if err != nil {
		different = append(different, "they cannot be read; there are none now")
	}
	for _, g := range groups {
		if d := f.add(fmt.Sprint(g.ID), g.Name); d != "" {
			different = append(different, d)
		}
	}
	return f, different
}

// parseGroups reads a list of groups. Accounts that Escargot's own program makes have {} for none.
func parseGroups(text string) (groups []group, err error) {
	if text == "" || text == "{}" || text == "null" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &groups)
	return groups, err
}

// foldersOf reads the table of groups by whose they are, where there is one; else nil.
func foldersOf(ctx context.Context, r *reading, s schema) (map[string][]group, error) {
	if s.groups {
		return nil, nil
	}
	all := make(map[string][]group)
	passed := r.d.passed
	err := r.rows(ctx, `SELECT user_uuid, group_id, name FROM t_user_group ORDER BY id`, func(rows *sql.Rows) error {
		var owner, id, name string
		err := rows.Scan(&owner, &id, &name)
		all[owner] = append(all[owner], group{id, name})
		return err
	})
	r.d.passed = passed
	return all, err
}

// contact is what Escargot keeps about a person, in JSON or as a row.
type contact struct {
	UUID   string          `json:"uuid"`
	Name   string          `json:"name"`
	Lists  int             `json:"lists"`
	Groups json.RawMessage `json:"groups"`
	email  sql.NullString
}

// groupIDs reads ids, or groups with ids.
func (c contact) groupIDs() (ids []string) {
	var some []any
	if json.Unmarshal(c.Groups, &some) != nil {
		return nil
	}
	for _, g := range some {
		if object, ok := g.(map[string]any); ok {
			g = object["id"]
		}
		ids = append(ids, fmt.Sprint(g))
	}
	return ids
}

// enlist puts a contact on the lists of an item.
func enlist(item *transfer.Item, f *folders, c contact) {
	const own = im.Forward | im.Allow | im.Block
	e := store.Entry{Handle: strings.ToLower(strings.TrimSpace(c.email.String)), Lists: im.List(c.Lists) & own, Groups: f.of(c.groupIDs())}
	if !c.email.Valid {
		item.Findings = append(item.Findings, transfer.Noted(item.Where, "contact", "%q is no account of Escargot; left out", c.UUID))
		return
	}
	if e.Lists == 0 {
		return // who has been removed, or only has the owner on his own list
	}
	e.Name, _ = cut(c.Name, msnp.MaxName)
	allowed(item, &e)
	item.Lists.People = append(item.Lists.People, e)
}

// readContacts reads the table of contacts.
func readContacts(ctx context.Context, r *reading, s schema) error {
	grouped, err := foldersOf(ctx, r, s)
	if err != nil {
		return err
	}
	var item *transfer.Item
	var f *folders
	last := ""
	end := func() error {
		if item == nil || len(item.Lists.People)+len(item.Findings) == 0 {
			return nil
		}
		return r.each(*item)
	}
	query := `SELECT o.uuid, o.email, CAST(o.id AS TEXT), ` + column(s.groups, "CAST(o.groups AS TEXT)") + `, c.uuid, p.email, c.name, c.lists, CAST(c.groups AS TEXT)
		FROM t_user_contact c JOIN t_user o ON o.uuid = c.user_uuid LEFT JOIN t_user p ON p.uuid = c.uuid ORDER BY o.id, p.id`
	err = r.rows(ctx, query, func(rows *sql.Rows) error {
		var owner userRow
		var c contact
		var name, groups sql.NullString
		if err := rows.Scan(&owner.uuid, &owner.email, &owner.id, &owner.groups, &c.UUID, &c.email, &name, &c.Lists, &groups); err != nil {
			return err
		}
		if item == nil || last != owner.id.String {
			if err := end(); err != nil {
				return err
			}
			last = owner.id.String
			item = &transfer.Item{Where: "contacts of t_user id " + last, Lists: &store.Lists{Owner: strings.TrimSpace(owner.email.String)}}
			f, _ = owner.folders(grouped)
		}
		c.Name, c.Groups = name.String, json.RawMessage(groups.String)
		enlist(item, f, c)
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// readNested reads contacts that are in t_user.
func readNested(ctx context.Context, r *reading, s schema) error {
	emails := make(map[string]string)
	err := r.rows(ctx, `SELECT uuid, email FROM t_user`, func(rows *sql.Rows) error {
		var uuid, email string
		err := rows.Scan(&uuid, &email)
		emails[uuid] = email
		return err
	})
	if err != nil {
		return err
	}
	r.d.passed = r.d.total
	query := `SELECT uuid, email, CAST(id AS TEXT), ` + column(s.groups, "CAST(groups AS TEXT)") + `, CAST(contacts AS TEXT) FROM t_user ORDER BY t_user.id`
	return r.rows(ctx, query, func(rows *sql.Rows) error {
		var owner userRow
		var text sql.NullString
		if err := rows.Scan(&owner.uuid, &owner.email, &owner.id, &owner.groups, &text); err != nil {
			return err
		}
		item := transfer.Item{Where: "contacts of t_user id " + owner.id.String, Lists: &store.Lists{Owner: strings.TrimSpace(owner.email.String)}}
		var contacts []contact
		if t := text.String; t != "" && t != "{}" && json.Unmarshal([]byte(t), &contacts) != nil {
			item.Findings = append(item.Findings, transfer.Noted(item.Where, "contacts", "they cannot be read; left out"))
		}
		f, _ := owner.folders(nil)
		for _, c := range contacts {
			email, ok := emails[c.UUID]
			c.email = sql.NullString{String: email, Valid: ok}
			enlist(&item, f, c)
		}
		if len(item.Lists.People)+len(item.Findings) == 0 {
			return nil
		}
		return r.each(item)
	})
}
