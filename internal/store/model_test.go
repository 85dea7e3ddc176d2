package store_test

import (
	"cmp"
	"context"
	"slices"

	"monarch/internal/im"
	"monarch/internal/store"
)

// model is what the store is compared with: the lists of a few people in plain maps, written
// for obviousness alone. People are numbered as they were made.
type model struct {
	people []*modelPerson
}

type modelPerson struct {
	user       im.User
	groups     map[int]string
	links      map[int]*modelLink // by the other's number
	properties map[string]string
}

type modelLink struct {
	lists  im.List
	groups map[int]bool
	stored string
}

// on reports whether a person is on a list of his, the reverse list included.
func (m *model) on(list im.List, owner, peer int) bool {
	if list == im.Reverse {
		owner, peer, list = peer, owner, im.Forward
	}
	l := m.people[owner].links[peer]
	return l != nil && l.lists&list != 0
}

func (m *model) allows(owner, peer int) bool {
	if m.on(im.Block, owner, peer) {
		return false
	}
	return m.on(im.Allow, owner, peer) || m.people[owner].user.Policy == im.AllowOthers
}

// step moves the versions of everybody named, each once.
func (m *model) step(who ...int) {
	slices.Sort(who)
	for _, n := range slices.Compact(who) {
		m.people[n].user.Version++
	}
}

// link returns what owner keeps about peer, made if need be.
func (m *model) link(owner, peer int) *modelLink {
	links := m.people[owner].links
	if links[peer] == nil {
		links[peer] = &modelLink{groups: make(map[int]bool)}
	}
	return links[peer]
}

// tidy forgets what is kept about people who are on no list.
func (m *model) tidy() {
	for owner, p := range m.people {
		for peer, l := range p.links {
			if l.lists == 0 && !m.on(im.Reverse, owner, peer) {
				delete(p.links, peer)
			}
		}
	}
}

func (m *model) add(owner, peer int, a store.Addition) error {
	p := m.people[owner]
	first := a.List == im.Forward && !m.on(im.Forward, owner, peer)
	had := 0
	for other := range m.people {
		if m.on(im.Forward, owner, other) {
			had++
		}
	}
	group := max(a.Group, 0)
	_, exists := p.groups[group]
	switch {
	case first && had >= a.Limit:
		return im.ErrListFull
	case a.List == im.Allow && m.on(im.Block, owner, peer), a.List == im.Block && m.on(im.Allow, owner, peer):
		return im.ErrOpposite
	case a.List == im.Forward && !exists:
		return im.ErrNoGroup
	case a.List != im.Forward && m.on(a.List, owner, peer),
		a.List == im.Forward && !first && (a.Group < 0 || m.link(owner, peer).groups[group]):
		return im.ErrAlreadyListed
	}
	l := m.link(owner, peer)
	switch {
	case !first && l.lists != 0:
	case a.Name != "":
		l.stored = a.Name
	case l.stored == "":
		l.stored = a.Handle
	}
	l.lists |= a.List
	if a.List == im.Forward {
		l.groups[group] = true
	}
	m.step(owner)
	if first && peer != owner {
		m.step(peer)
	}
	return nil
}

func (m *model) remove(owner, peer int, r store.Removal) error {
	if !m.on(r.List, owner, peer) {
		return im.ErrNotListed
	}
	l := m.link(owner, peer)
	if r.List != im.Forward {
		l.lists &^= r.List
		m.step(owner)
		m.forget(owner, peer)
		return nil
	}
	if r.Group >= 0 {
		if _, exists := m.people[owner].groups[r.Group]; !exists {
			return im.ErrNoGroup
		}
		if !l.groups[r.Group] {
			return im.ErrNotInGroup
		}
		delete(l.groups, r.Group)
	} else {
		clear(l.groups)
	}
	if len(l.groups) > 0 {
		m.step(owner)
		return nil
	}
	l.lists &^= im.Forward
	m.forget(owner, peer)
	m.step(owner, peer)
	return nil
}

// forget drops a name when its last list is gone.
func (m *model) forget(owner, peer int) {
	if l := m.people[owner].links[peer]; l.lists == 0 {
		delete(m.people[owner].links, peer)
	}
}

func (m *model) nameContact(owner, peer int, name string) error {
	if !m.on(im.Forward|im.Allow|im.Block, owner, peer) && !m.on(im.Reverse, owner, peer) {
		return im.ErrNotListed
	}
	m.link(owner, peer).stored = name
	m.step(owner)
	return nil
}

func (m *model) addGroup(owner int, name string) (int, error) {
	groups := m.people[owner].groups
	for n, other := range groups {
		if other == name {
			return n, nil
		}
	}
	for n := range im.MaxGroups {
		if _, taken := groups[n]; !taken {
			groups[n] = name
			m.step(owner)
			return n, nil
		}
	}
	return 0, im.ErrTooManyGroups
}

func (m *model) renameGroup(owner, number int, name string) error {
	groups := m.people[owner].groups
	if _, exists := groups[number]; !exists {
		return im.ErrNoGroup
	}
	for n, other := range groups {
		if n != number && other == name {
			return im.ErrGroupName
		}
	}
	groups[number] = name
	m.step(owner)
	return nil
}

func (m *model) removeGroup(owner, number int) (left []int, err error) {
	p := m.people[owner]
	if number == 0 {
		return nil, im.ErrGroupZero
	}
	if _, exists := p.groups[number]; !exists {
		return nil, im.ErrNoGroup
	}
	delete(p.groups, number)
	for peer := range m.people {
		if !m.on(im.Forward, owner, peer) {
			continue
		}
		l := m.link(owner, peer)
		delete(l.groups, number)
		if len(l.groups) == 0 {
			l.lists &^= im.Forward
			m.forget(owner, peer)
			left = append(left, peer)
		}
	}
	m.step(append([]int{owner}, left...)...)
	return left, nil
}

func (m *model) setProperty(owner int, typ, value string) (told []int) {
	if value == "" {
		delete(m.people[owner].properties, typ)
	} else {
		m.people[owner].properties[typ] = value
	}
	for other := range m.people {
		if typ != "MBE" && m.on(im.Forward, other, owner) && m.on(im.Forward, owner, other) {
			told = append(told, other)
		}
	}
	m.step(append([]int{owner}, told...)...)
	return told
}

// roster is what the store should say now.
func (m *model) roster(owner int) im.Roster {
	p := m.people[owner]
	r := im.Roster{User: p.user, Properties: p.propertyList("PHH", "PHW", "PHM", "MOB", "MBE", "WWE")}
	for n, name := range p.groups {
		r.Groups = append(r.Groups, im.Group{Number: n, Name: name})
	}
	slices.SortFunc(r.Groups, func(a, b im.Group) int { return cmp.Compare(a.Number, b.Number) })
	for peer, other := range m.people {
		c := im.Contact{ID: other.user.ID, Handle: other.user.Handle, Stored: other.user.Name, AllowsUser: m.allows(peer, owner)}
		for _, list := range []im.List{im.Forward, im.Allow, im.Block, im.Reverse} {
			if m.on(list, owner, peer) {
				c.Lists |= list
			}
		}
		if m.on(im.Forward, owner, peer) {
			l := p.links[peer]
			c.Stored = l.stored
			for n := range l.groups {
				c.Groups = append(c.Groups, n)
			}
			slices.Sort(c.Groups)
			if m.on(im.Reverse, owner, peer) {
				c.Properties = other.propertyList("PHH", "PHW", "PHM", "MOB", "WWE")
			}
		}
		if c.Lists != 0 {
			r.Contacts = append(r.Contacts, c)
		}
	}
	return r
}

func (p *modelPerson) propertyList(types ...string) []im.Property {
	var list []im.Property
	for _, typ := range types {
		if value := p.properties[typ]; value != "" {
			list = append(list, im.Property{Type: typ, Value: value})
		}
	}
	return list
}

// newModel makes n people with a second group each, in the store and in a model of it.
func newModel(s *store.Store, n int, handle func(n int) string) (*model, error) {
	ctx := context.Background()
	m := new(model)
	for i := range n {
		u, err := s.CreateUser(ctx, handle(i), "", "hash")
		if err != nil {
			return nil, err
		}
		g, err := s.AddGroup(ctx, u.ID, "A")
		if err != nil {
			return nil, err
		}
		u.Version = g.Version
		m.people = append(m.people, &modelPerson{
			user: u, groups: map[int]string{0: "Other Contacts", 1: "A"},
			links: make(map[int]*modelLink), properties: make(map[string]string),
		})
	}
	return m, nil
}
