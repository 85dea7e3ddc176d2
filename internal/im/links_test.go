package im_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"monarch/internal/im"
)

func TestWhoMaySeeTheUser(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy im.Policy
		lists  im.List
		want   bool
	}{
		{"somebody he allows", im.AllowOthers, im.Allow, true},
		{"somebody he allows, while others are blocked", im.BlockOthers, im.Allow, true},
		{"somebody he blocks", im.AllowOthers, im.Block, false},
		{"somebody he blocks, while others are blocked", im.BlockOthers, im.Block, false},
		{"somebody on both lists is blocked", im.AllowOthers, im.Allow | im.Block, false},
		{"a stranger, while others are allowed", im.AllowOthers, 0, true},
		{"a stranger, while others are blocked", im.BlockOthers, 0, false},
		{"a contact on neither list, while others are allowed", im.AllowOthers, im.Forward | im.Reverse, true},
		{"a contact on neither list, while others are blocked", im.BlockOthers, im.Forward | im.Reverse, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := im.NewLinks(im.Roster{User: im.User{Policy: tc.policy}})
			if tc.lists != 0 {
				l.Set(7, tc.lists)
			}
			if got := l.Allows(7); got != tc.want {
				t.Errorf("Allows = %t", got)
			}
			if got := l.Watchers(); slices.Contains(got, 7) != (tc.want && tc.lists&im.Reverse != 0) {
				t.Errorf("Watchers = %v", got)
			}
		})
	}
}

// linksModel is what Links is compared with: a map, written for obviousness alone.
type linksModel struct {
	policy im.Policy
	lists  map[im.UserID]im.List // who is on at least one
	admits map[im.UserID]bool
}

func (m *linksModel) set(v im.UserID, lists im.List) { m.lists[v] |= lists }

func (m *linksModel) clear(v im.UserID, lists im.List) {
	m.lists[v] &^= lists
	if m.lists[v] == 0 {
		delete(m.lists, v)
		delete(m.admits, v)
	}
}

func (m *linksModel) setAdmits(v im.UserID, yes bool) {
	if _, ok := m.lists[v]; ok && yes {
		m.admits[v] = true
	} else {
		delete(m.admits, v)
	}
}

func (m *linksModel) allows(v im.UserID) bool {
	if m.lists[v]&im.Block != 0 {
		return false
	}
	return m.lists[v]&im.Allow != 0 || m.policy == im.AllowOthers
}

// pick returns the people for whom want is true, ascending.
func (m *linksModel) pick(want func(v im.UserID, l im.List) bool) []im.UserID {
	ids := []im.UserID{}
	for v, l := range m.lists {
		if want(v, l) {
			ids = append(ids, v)
		}
	}
	slices.Sort(ids)
	return ids
}

// people are few, so that they are met again.
var people = rapid.Map(rapid.IntRange(1, 12), func(n int) im.UserID { return im.UserID(n) })

var somelists = rapid.Map(rapid.IntRange(1, 15), func(n int) im.List { return im.List(n) })

func TestLinksAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &linksModel{
			policy: rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(t, "policy"),
			lists:  rapid.MapOf(people, somelists).Draw(t, "lists"),
			admits: make(map[im.UserID]bool),
		}
		r := im.Roster{User: im.User{Policy: m.policy}}
		for _, v := range m.pick(func(im.UserID, im.List) bool { return true }) {
			c := im.Contact{Person: im.Person{ID: v}, Lists: m.lists[v], AllowsUser: rapid.Bool().Draw(t, "allows user")}
			m.setAdmits(v, c.AllowsUser)
			r.Contacts = append(r.Contacts, c)
		}
		l := im.NewLinks(r)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { compareLinks(t, l, m) },
			"set": func(t *rapid.T) {
				v, lists := people.Draw(t, "who"), somelists.Draw(t, "lists")
				l.Set(v, lists)
				m.set(v, lists)
			},
			"clear": func(t *rapid.T) {
				v, lists := people.Draw(t, "who"), somelists.Draw(t, "lists")
				l.Clear(v, lists)
				m.clear(v, lists)
			},
			"set admits": func(t *rapid.T) {
				v, yes := people.Draw(t, "who"), rapid.Bool().Draw(t, "yes")
				l.SetAdmits(v, yes)
				m.setAdmits(v, yes)
			},
			"set policy": func(t *rapid.T) {
				m.policy = rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(t, "policy")
				l.Policy = m.policy
			},
		})
	})
}

func compareLinks(t *rapid.T, l *im.Links, m *linksModel) {
	if l.Len() != len(m.lists) {
		t.Fatalf("Len = %d, want %d", l.Len(), len(m.lists))
	}
	for v := im.UserID(0); v <= 13; v++ {
		for lists := im.List(1); lists < 16; lists++ {
			if l.On(v, lists) != (m.lists[v]&lists != 0) {
				t.Fatalf("On(%d, %d) = %t", v, lists, l.On(v, lists))
			}
		}
		if l.Allows(v) != m.allows(v) {
			t.Fatalf("Allows(%d) = %t", v, l.Allows(v))
		}
		if l.Admits(v) != m.admits[v] {
			t.Fatalf("Admits(%d) = %t", v, l.Admits(v))
		}
	}
	same := func(name string, got, want []im.UserID) {
		if !slices.Equal(got, want) {
			t.Fatalf("%s = %v, want %v", name, got, want)
		}
	}
	same("Contacts", l.Contacts(), m.pick(func(_ im.UserID, l im.List) bool { return l&im.Forward != 0 }))
	same("Watchers", l.Watchers(), m.pick(func(v im.UserID, l im.List) bool { return l&im.Reverse != 0 && m.allows(v) }))
	same("Undecided", l.Undecided(), m.pick(func(_ im.UserID, l im.List) bool {
		return l&im.Reverse != 0 && l&im.Allow == 0 && l&im.Block == 0
	}))
}

// A session keeps its links for as long as it lasts, so what they weigh is counted.
func TestLinksArePacked(t *testing.T) {
	var r im.Roster
	for i := range 600 {
		r.Contacts = append(r.Contacts, im.Contact{Person: im.Person{ID: im.UserID(i + 1)}, Lists: im.Forward | im.Reverse})
	}
	allocs := testing.AllocsPerRun(100, func() { im.NewLinks(r) })
	if allocs > 3 {
		t.Errorf("%v allocations for 600 contacts", allocs)
	}
	l := im.NewLinks(r)
	if n := testing.AllocsPerRun(100, func() { l.Set(300, im.Allow); l.Clear(300, im.Allow); l.Allows(300) }); n != 0 {
		t.Errorf("%v allocations for a change", n)
	}
}

func BenchmarkWatchers(b *testing.B) {
	r := im.Roster{User: im.User{Policy: im.AllowOthers}}
	for i := range 600 {
		r.Contacts = append(r.Contacts, im.Contact{Person: im.Person{ID: im.UserID(i + 1)}, Lists: im.Forward | im.Reverse})
	}
	l := im.NewLinks(r)
	b.ReportAllocs()
	for b.Loop() {
		l.Watchers()
	}
}
