package torture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"monarch/msnclient"
)

// book is what somebody has done to his own lists. docs/protocol/lists.md
type book struct {
	name       string
	privacy    msnclient.Privacy
	prompt     msnclient.Prompt
	properties map[string]string
	groups     map[int]string
	contacts   map[string]entry // by handle; of those on a list of his own
}

// entry is one of his contacts.
type entry struct {
	lists  msnclient.Lists
	stored string // his name for him; "" off the forward list
	groups []int  // ascending
}

// newBook is that of a new account.
func newBook(name string) *book {
	return &book{
		name: name, privacy: msnclient.AllowOthers, prompt: msnclient.AskWhenAdded,
		properties: make(map[string]string), groups: map[int]string{0: "Other Contacts"}, contacts: make(map[string]entry),
	}
}

func (b *book) clone() *book {
	c := *b
	c.properties, c.groups, c.contacts = maps.Clone(b.properties), maps.Clone(b.groups), maps.Clone(b.contacts)
	for h, e := range c.contacts {
		e.groups = slices.Clone(e.groups)
		c.contacts[h] = e
	}
	return &c
}

// put changes what is kept about somebody.
func (b *book) put(handle string, change func(*entry)) {
	e := b.contacts[handle]
	e.groups = slices.Clone(e.groups)
	change(&e)
	if len(e.groups) == 0 {
		e.lists &^= msnclient.Forward
		e.stored = ""
	}
	if e.lists == 0 {
		delete(b.contacts, handle)
		return
	}
	b.contacts[handle] = e
}

func (e *entry) join(group int) {
	e.lists |= msnclient.Forward
	if at, ok := slices.BinarySearch(e.groups, group); !ok {
		e.groups = slices.Insert(e.groups, at, group)
	}
}

func (e *entry) quit(group int) {
	e.groups = slices.DeleteFunc(e.groups, func(g int) bool { return g == group })
}

// bookOf reads what a client was told of its user's own doing.
func bookOf(name string, r msnclient.Roster) *book {
	b := newBook(name)
	b.privacy, b.prompt, b.properties = r.Privacy, r.Prompt, make(map[string]string)
	for typ, value := range r.Properties {
		if slices.Contains(ownProperties, typ) { // the others are the server's
			b.properties[typ] = value
		}
	}
	clear(b.groups)
	for _, g := range r.Groups {
		b.groups[g.Number] = g.Name
	}
	for _, c := range r.Contacts {
		e := entry{lists: c.Lists &^ msnclient.Reverse}
		if e.lists.Has(msnclient.Forward) {
			e.stored, e.groups = c.Stored, slices.Sorted(slices.Values(c.Groups))
		}
		if e.lists != 0 {
			b.contacts[c.Handle] = e
		}
	}
	return b
}

// ownProperties are the types that people here set.
var ownProperties = []string{"PHH", "PHW", "PHM"}

// differences tells what a book has that another has not, in words; none if they are the same.
func (b *book) differences(other *book) []string {
	mine, his := b.lines(), other.lines()
	var found []string
	for _, line := range mine {
		if !slices.Contains(his, line) {
			found = append(found, "told "+line)
		}
	}
	for _, line := range his {
		if !slices.Contains(mine, line) {
			found = append(found, "found "+line)
		}
	}
	return found
}

// same reports whether two books say the same.
func (b *book) same(other *book) bool { return slices.Equal(b.lines(), other.lines()) }

// lines puts a book into words, one fact each.
func (b *book) lines() []string {
	lines := []string{fmt.Sprintf("name %q", b.name), "privacy " + string(b.privacy), "prompt " + string(b.prompt)}
	for typ, value := range b.properties {
		lines = append(lines, fmt.Sprintf("property %s %q", typ, value))
	}
	for n, name := range b.groups {
		lines = append(lines, fmt.Sprintf("group %d %q", n, name))
	}
	for h, e := range b.contacts {
		lines = append(lines, fmt.Sprintf("contact %s lists %d %q in %v", h, e.lists, e.stored, e.groups))
	}
	slices.Sort(lines)
	return lines
}

// freeGroup is the number that a new group gets, or -1.
func (b *book) freeGroup() int {
	for n := range 30 {
		if _, taken := b.groups[n]; !taken {
			return n
		}
	}
	return -1
}

// othersView tells how a roster differs from what other people's books make of it: who has the
// owner on his list, how those off the list call themselves, and their telephone numbers.
// Clients that kept a copy are not told anew of names.
func othersView(owner string, r msnclient.Roster, kept bool, books map[string]*book) []string {
	var found []string
	for handle, his := range books {
		c, _ := r.Contact(handle)
		has := his.contacts[owner].lists.Has(msnclient.Forward)
		if c.Lists.Has(msnclient.Reverse) != has {
			found = append(found, fmt.Sprintf("%s has him on the forward list: %v, and on his reverse list: %v", handle, has, !has))
		}
		switch {
		case c.Lists.Has(msnclient.Forward):
			found = append(found, his.misread(owner, handle, c)...)
		case kept || c.Lists == 0:
		case c.Stored != his.name:
			found = append(found, fmt.Sprintf("%s calls himself %q and is shown as %q", handle, his.name, c.Stored))
		}
	}
	return found
}

// misread tells which of somebody's telephone numbers are not what the owner of a roster should
// be shown.
func (b *book) misread(owner, handle string, shown msnclient.Contact) (found []string) {
	for _, typ := range ownProperties {
		want := ""
		if b.contacts[owner].lists.Has(msnclient.Forward) {
			want = b.properties[typ]
		}
		if got := shown.Properties[typ]; got != want {
			found = append(found, fmt.Sprintf("%s of %s is %q and shown as %q", typ, handle, want, got))
		}
	}
	return found
}

// number is a text with a number, as people write it: it tells each change from the others.
func number(what string, n int) string {
	return what + " " + strings.Repeat("é", n%3) + fmt.Sprint(n) + " 50%"
}

// maxGroups is how many groups people here have at most, of the 30 there may be.
const maxGroups = 8
