package transfer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// propertyTypes are those there are. docs/protocol/lists.md#prp
var propertyTypes = []string{"PHH", "PHW", "PHM", "MOB", "MBE", "WWE"}

// inspect puts an item into the form in which it is stored, and finds what is wrong with it by itself.
func (i *Item) inspect() {
	if a := i.Account; a != nil {
		i.inspectAccount(a)
	}
	if l := i.Lists; l != nil {
		i.inspectLists(l)
	}
	for n := range i.Findings {
		i.Findings[n].Where = cmp.Or(i.Findings[n].Where, i.Where)
	}
}

// fit reports whether there is anything to import.
func (i *Item) fit() bool {
	return (i.Account != nil || i.Lists != nil) && !slices.ContainsFunc(i.Findings, func(f Finding) bool { return !f.Note })
}

func (i *Item) find(f Finding) { i.Findings = append(i.Findings, f) }

// findUnless adds what is wrong with a field, if anything is.
func (i *Item) findUnless(ok bool, field, format string, args ...any) {
	if !ok {
		i.find(wrong(field, format, args...))
	}
}

func (i *Item) inspectAccount(a *Account) {
	handle, err := im.ParseHandle(a.Handle)
	i.findUnless(err == nil, "address", "%q is not like name@example.com, of at most %d characters", shortened(a.Handle), im.MaxHandle)
	a.Handle = handle
	if a.Name != nil {
		i.findUnless(account.CheckName(*a.Name) == nil, "name", "%q is no name clients can show; it has 1 to %d bytes as they send it", shortened(*a.Name), msnp.MaxName)
	}
	i.inspectPassword(a)
	if a.Role != nil {
		i.findUnless(*a.Role == im.NoRole || *a.Role == im.Moderator || *a.Role == im.Administrator,
			"role", "%q is none; there are moderator and administrator", shortened(string(*a.Role)))
	}
	if a.Created != nil {
		i.findUnless(*a.Created > 0, "created", "it is before 1970")
	}
	i.inspectGroups(a.Groups)
	i.inspectProperties(a)
	if m := a.Mailbox; m != nil {
		i.findUnless(m.Inbox >= 0 && m.Folders >= 0, "mailbox", "there cannot be less than nothing unread")
		i.findUnless(m.URL == "" || im.WebURL(m.URL), "mailbox", "%q is no address of a web page", shortened(m.URL))
	}
}

func (i *Item) inspectPassword(a *Account) {
	hash := a.PasswordHash != nil && *a.PasswordHash != ""
	if hash && a.Password != "" {
		i.find(wrong("password", "there is a password_hash, too; leave one of them out"))
		return
	}
	if hash {
		if err := auth.Usable(*a.PasswordHash); err != nil {
			i.find(wrong("password_hash", "%s; leave it out to import the account without a password, or see docs/import-export.md#passwords",
				strings.TrimPrefix(err.Error(), "password hash: ")))
		}
	}
	if a.Password != "" {
		err := account.CheckPassword(a.Password)
		i.findUnless(err == nil, "password", "%v", err)
	}
}

func (i *Item) inspectGroups(groups []im.Group) {
	numbers, names := make(map[int]bool), make(map[string]bool)
	for _, g := range groups {
		field := fmt.Sprintf("group %d", g.Number)
		i.findUnless(g.Number >= 0 && g.Number < im.MaxGroups, field, "groups have the numbers 0 to %d", im.MaxGroups-1)
		i.findUnless(!numbers[g.Number], field, "it is there twice")
		i.findUnless(!names[g.Name], field, "another one is called %q, too", shortened(g.Name))
		i.findUnless(len(msnp.Escape(g.Name)) <= msnp.MaxGroupName, field, "its name is too long: %q", shortened(g.Name))
		numbers[g.Number], names[g.Name] = true, true
	}
}

func (i *Item) inspectProperties(a *Account) {
	for n, p := range a.Properties {
		i.findUnless(slices.Contains(propertyTypes, p.Type), "properties", "%q is none; there are PHH, PHW, PHM, MOB, MBE and WWE", shortened(p.Type))
		i.findUnless(p.Value != "", p.Type, "it is empty; leave it out")
		i.findUnless(len(msnp.Escape(p.Value)) <= msnp.MaxProperty, p.Type, "it is too long: %q", shortened(p.Value))
		i.findUnless(!slices.ContainsFunc(a.Properties[:n], func(q im.Property) bool { return q.Type == p.Type }), p.Type, "it is there twice")
	}
	slices.SortFunc(a.Properties, func(p, q im.Property) int { return cmp.Compare(p.Type, q.Type) })
}

// inspectLists leaves out who cannot be on the lists, and says so.
func (i *Item) inspectLists(l *store.Lists) {
	owner, err := im.ParseHandle(l.Owner)
	i.findUnless(err == nil, "owner", "%q is not like name@example.com", shortened(l.Owner))
	l.Owner = owner
	people := l.People[:0]
	seen := make(map[string]bool, len(l.People))
	for _, e := range l.People {
		handle, err := im.ParseHandle(e.Handle)
		field := "contact " + shortened(e.Handle)
		switch {
		case err != nil:
			i.find(wrong(field, "that is not like name@example.com"))
		case seen[handle]:
			i.find(wrong(field, "there twice"))
		case e.Lists == 0:
			i.find(wrong(field, "on none of the lists FL, AL and BL"))
		case e.Lists&(im.Allow|im.Block) == im.Allow|im.Block:
			i.find(wrong(field, "on both AL and BL; choose one"))
		case len(msnp.Escape(e.Name)) > msnp.MaxName:
			i.find(wrong(field, "the name is too long: %q", shortened(e.Name)))
		case slices.ContainsFunc(e.Groups, func(n int) bool { return n < 0 || n >= im.MaxGroups }):
			i.find(wrong(field, "groups have the numbers 0 to %d", im.MaxGroups-1))
		default:
			e.Handle = handle
			people = append(people, e)
		}
		seen[handle] = true
	}
	l.People = people
}

// shortened makes a text of a file harmless in a message.
func shortened(s string) string { return im.OneLine(s, 60) }
