package msnclient

import (
	"maps"
	"slices"
	"strings"

	"monarch/msnp"
)

// Person is somebody as he shows himself.
type Person struct {
	Handle      string
	Name        string // friendly name, his own choice
	Status      msnp.Status
	Flags       uint64       // client id: what his client can do
	Picture     *msnp.Object // display picture, or nil; not to be changed
	PictureText string       // the object as its owner wrote it
}

// Lists is a set of lists. docs/protocol/lists.md#lists
type Lists uint8

// The lists.
const (
	Forward Lists = 1 << iota // people whose presence we want
	Allowed                   // may see and call us
	Blocked                   // may not
	Reverse                   // have us on their forward list
)

// Has reports whether all lists of x are in l.
func (l Lists) Has(x Lists) bool { return l&x == x }

// Contact is somebody on any of the lists.
type Contact struct {
	Person
	Stored     string // what we call him
	Lists      Lists
	Groups     []int // numbers, ascending; of people on the forward list
	Properties map[string]string
}

// Pending reports whether somebody has added us and waits for being allowed or blocked.
func (c Contact) Pending() bool { return c.Lists.Has(Reverse) && c.Lists&(Allowed|Blocked) == 0 }

func (c *Contact) clone() Contact {
	d := *c
	d.Groups = slices.Clone(c.Groups)
	d.Properties = maps.Clone(c.Properties)
	return d
}

// Group is a group of contacts. Group 0 always exists.
type Group struct {
	Number int
	Name   string
}

// Privacy says who may see and call us of those on neither the allow nor the block list.
type Privacy string

// The values of Privacy.
const (
	AllowOthers Privacy = "AL"
	BlockOthers Privacy = "BL"
)

// Prompt says whether the user wants to be asked when somebody adds him. The service only
// keeps it.
type Prompt string

// The values of Prompt.
const (
	AskWhenAdded Prompt = "A"
	AddSilently  Prompt = "N"
)

// Roster is everything the service keeps for an account. It is a copy of the moment it was
// asked for.
type Roster struct {
	Version    uint32    // steps with every change
	Groups     []Group   // by number
	Contacts   []Contact // by handle
	Privacy    Privacy
	Prompt     Prompt
	Properties map[string]string // our own telephone numbers and the like
}

// Contact finds somebody, in any letter case.
func (r Roster) Contact(handle string) (Contact, bool) {
	i, ok := slices.BinarySearchFunc(r.Contacts, strings.ToLower(handle), func(c Contact, h string) int {
		return strings.Compare(c.Handle, h)
	})
	if !ok {
		return Contact{}, false
	}
	return r.Contacts[i], true
}

// Group finds a group by its name.
func (r Roster) Group(name string) (Group, bool) {
	for _, g := range r.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

// book is the roster while it lives. Its user guards it.
type book struct {
	version    uint32
	groups     map[int]string
	contacts   map[string]*Contact
	privacy    Privacy
	prompt     Prompt
	properties map[string]string
}

func newBook() *book {
	return &book{
		groups: make(map[int]string), contacts: make(map[string]*Contact), properties: make(map[string]string),
		privacy: AllowOthers, prompt: AskWhenAdded,
	}
}

// openBook makes a book of a roster kept from before; nobody in it is on line.
func openBook(r *Roster) *book {
	b := newBook()
	if r == nil {
		return b
	}
	b.version, b.privacy, b.prompt = r.Version, r.Privacy, r.Prompt
	maps.Copy(b.properties, r.Properties)
	for _, g := range r.Groups {
		b.groups[g.Number] = g.Name
	}
	for _, c := range r.Contacts {
		d := c.clone()
		b.contacts[d.Handle] = &d
	}
	b.darken()
	return b
}

// darken makes everybody off line.
func (b *book) darken() {
	for _, c := range b.contacts {
		c.leave()
	}
}

// leave makes somebody off line.
func (c *Contact) leave() {
	c.Status, c.Flags, c.Picture, c.PictureText = msnp.Offline, 0, nil, ""
}

func (b *book) roster() Roster {
	r := Roster{Version: b.version, Privacy: b.privacy, Prompt: b.prompt, Properties: maps.Clone(b.properties)}
	for n, name := range b.groups {
		r.Groups = append(r.Groups, Group{n, name})
	}
	slices.SortFunc(r.Groups, func(x, y Group) int { return x.Number - y.Number })
	for _, h := range slices.Sorted(maps.Keys(b.contacts)) {
		r.Contacts = append(r.Contacts, b.contacts[h].clone())
	}
	return r
}

// contact finds or makes the entry of somebody.
func (b *book) contact(handle string) *Contact {
	handle = strings.ToLower(handle)
	c := b.contacts[handle]
	if c == nil {
		c = &Contact{Person: Person{Handle: handle, Name: handle, Status: msnp.Offline}, Stored: handle}
		b.contacts[handle] = c
	}
	return c
}

// tidy forgets somebody who is on no list any more.
func (b *book) tidy(c *Contact) {
	if !c.Lists.Has(Forward) {
		c.leave()
		c.Stored, c.Groups, c.Properties = c.Name, nil, nil
	}
	if c.Lists == 0 {
		delete(b.contacts, c.Handle)
	}
}

// list enters a line of the answer to SYN.
func (b *book) list(m msnp.ListedContact) *Contact {
	c := b.contact(m.Handle)
	c.Name, c.Stored, c.Lists, c.Groups = m.Name, m.Name, Lists(m.Lists)&(Forward|Allowed|Blocked|Reverse), m.Groups
	slices.Sort(c.Groups)
	return c
}

// listOf maps the words of ADD and REM.
var listOf = map[string]Lists{"FL": Forward, "AL": Allowed, "BL": Blocked, "RL": Reverse}

// add enters ADD. docs/protocol/lists.md#add
func (b *book) add(m msnp.ListUpdate) {
	b.version = m.Version
	c := b.contact(m.Handle)
	l := listOf[m.List]
	switch {
	case l == Reverse:
		c.Name = m.Name
		if !c.Lists.Has(Forward) {
			c.Stored = m.Name
		}
	case c.Lists == 0, l == Forward && !c.Lists.Has(Forward):
		c.Stored = m.Name
	}
	if l == Forward {
		c.join(max(m.Group, 0))
	}
	c.Lists |= l
}

func (c *Contact) join(group int) {
	if i, ok := slices.BinarySearch(c.Groups, group); !ok {
		c.Groups = slices.Insert(c.Groups, i, group)
	}
}

// remove enters REM. Leaving the last group is leaving the forward list.
// docs/protocol/lists.md#rem
func (b *book) remove(m msnp.ListUpdate) {
	b.version = m.Version
	c := b.contacts[strings.ToLower(m.Handle)]
	if c == nil {
		return
	}
	if m.Group != msnp.NoGroup {
		b.quit(c, m.Group)
		return
	}
	c.Lists &^= listOf[m.List]
	b.tidy(c)
}

// quit takes somebody out of a group.
func (b *book) quit(c *Contact, group int) {
	i, ok := slices.BinarySearch(c.Groups, group)
	if !ok {
		return
	}
	c.Groups = slices.Delete(c.Groups, i, i+1)
	if len(c.Groups) == 0 {
		c.Lists &^= Forward
		b.tidy(c)
	}
}

// removeGroup enters RMG. docs/protocol/lists.md#rmg
func (b *book) removeGroup(m msnp.GroupUpdate) {
	b.version = m.Version
	delete(b.groups, m.Number)
	for _, c := range b.contacts {
		b.quit(c, m.Number)
	}
}

// property enters BPR and returns whose it is, or nil.
func (b *book) property(handle, typ, value string) *Contact {
	c := b.contacts[strings.ToLower(handle)]
	if c == nil {
		return nil
	}
	if c.Properties == nil {
		c.Properties = make(map[string]string)
	}
	set(c.Properties, typ, value)
	return c
}

// set keeps a property, or forgets it when it has no value.
func set(m map[string]string, typ, value string) {
	if value == "" {
		delete(m, typ)
	} else {
		m[typ] = value
	}
}

// presence enters ILN or NLN and returns what changed, or false for somebody unknown.
func (b *book) presence(m msnp.Presence) (PresenceChanged, bool) {
	c := b.contacts[strings.ToLower(m.Handle)]
	if c == nil {
		return PresenceChanged{}, false
	}
	was := c.Status
	c.Status, c.Name, c.Flags, c.Picture, c.PictureText = m.Status, m.Name, m.Flags, nil, ""
	if m.Object != "" {
		text := msnp.Unescape(m.Object)
		if o, err := msnp.ParseObject(text); err == nil {
			c.Picture, c.PictureText = &o, text
		}
	}
	return PresenceChanged{Person: c.Person, Was: was}, true
}

// gone enters FLN.
func (b *book) gone(handle string) (PresenceChanged, bool) {
	c := b.contacts[strings.ToLower(handle)]
	if c == nil {
		return PresenceChanged{}, false
	}
	was := c.Status
	c.leave()
	return PresenceChanged{Person: c.Person, Was: was}, true
}
