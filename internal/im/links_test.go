package im_test

import (
	"math"
	"runtime"
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
			if got := l.Watchers(nil); slices.Contains(got, 7) != (tc.want && tc.lists&im.Reverse != 0) {
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
			c := im.Contact{ID: v, Lists: m.lists[v], AllowsUser: rapid.Bool().Draw(t, "allows user")}
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
				l.SetPolicy(m.policy)
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
	if l.Policy() != m.policy {
		t.Fatalf("Policy = %s, want %s", l.Policy(), m.policy)
	}
	same := func(name string, got, want []im.UserID) {
		if !slices.Equal(got, want) {
			t.Fatalf("%s = %v, want %v", name, got, want)
		}
	}
	same("Contacts", l.Contacts(nil), m.pick(func(_ im.UserID, l im.List) bool { return l&im.Forward != 0 }))
	same("Watchers", l.Watchers(nil), m.pick(func(v im.UserID, l im.List) bool { return l&im.Reverse != 0 && m.allows(v) }))
	same("Undecided", l.Undecided(nil), m.pick(func(_ im.UserID, l im.List) bool {
		return l&im.Reverse != 0 && l&im.Allow == 0 && l&im.Block == 0
	}))
}

func TestShownUntilHiddenOrOffTheForwardList(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(*im.Links)
		want bool
	}{
		{"at first", func(*im.Links) {}, false},
		{"told that he is there", func(l *im.Links) { l.Show(7, true) }, true},
		{"told that he has gone", func(l *im.Links) { l.Show(7, true); l.Show(7, false) }, false},
		{"off another list", func(l *im.Links) { l.Show(7, true); l.Clear(7, im.Reverse) }, true},
		{"off the forward list", func(l *im.Links) { l.Show(7, true); l.Clear(7, im.Forward) }, false},
		{"on it again", func(l *im.Links) { l.Show(7, true); l.Clear(7, im.Forward); l.Set(7, im.Forward) }, false},
		{"another is there", func(l *im.Links) { l.Set(8, im.Forward); l.Show(8, true) }, false},
		{"he no longer admits the user", func(l *im.Links) { l.Show(7, true); l.SetAdmits(7, false) }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := im.NewLinks(im.Roster{})
			l.Set(7, im.Forward|im.Reverse)
			l.SetAdmits(7, true)
			tc.do(l)
			if got := l.Shown(7); got != tc.want {
				t.Errorf("Shown = %t", got)
			}
		})
	}
	l := im.NewLinks(im.Roster{})
	if l.Show(7, true); l.Shown(7) || l.Len() != 0 {
		t.Error("somebody on no list is shown")
	}
}

func TestKeepTakesOverWhoIsShown(t *testing.T) {
	const stays, left, unseen, came = 1, 2, 3, 4
	old, now := im.NewLinks(im.Roster{}), im.NewLinks(im.Roster{})
	for _, v := range []im.UserID{stays, left, unseen} {
		old.Set(v, im.Forward)
		old.Show(v, v != unseen)
	}
	now.Set(left, im.Reverse)
	for _, v := range []im.UserID{stays, unseen, came} {
		now.Set(v, im.Forward)
	}
	now.Keep(old)
	for v := im.UserID(0); v <= came; v++ {
		if got := now.Shown(v); got != (v == stays) {
			t.Errorf("Shown(%d) = %t", v, got)
		}
	}
	if !slices.Equal(now.Contacts(nil), []im.UserID{stays, unseen, came}) || now.On(left, im.Forward) || now.Admits(stays) {
		t.Error("more than that was taken over")
	}
}

// A session hears whether somebody lets its user see him just before he is on the list.
func TestSetWithoutListsRemembersForSetAdmits(t *testing.T) {
	l := im.NewLinks(im.Roster{User: im.User{Policy: im.AllowOthers}})
	if l.SetAdmits(7, true); l.Admits(7) {
		t.Error("somebody unknown admits the user")
	}
	l.Set(7, 0)
	if l.SetAdmits(7, true); !l.Admits(7) {
		t.Error("it was not remembered")
	}
	if l.On(7, im.Forward|im.Allow|im.Block|im.Reverse) || len(l.Contacts(nil))+len(l.Watchers(nil))+len(l.Undecided(nil)) > 0 {
		t.Error("he is on a list")
	}
	l.Set(7, im.Reverse)
	if l.Clear(7, im.Reverse); !l.Admits(7) {
		t.Error("it was forgotten when he took the user off his list")
	}
	l.Set(7, im.Forward)
	l.Set(7, 0)
	if !l.Admits(7) || !l.On(7, im.Forward) {
		t.Error("it was forgotten on the list")
	}
	if l.Clear(7, im.Forward); l.Admits(7) || l.Len() != 0 {
		t.Error("it is remembered off the list")
	}
}

// A session keeps its links for as long as it lasts, so what they weigh is counted.
func TestLinksArePacked(t *testing.T) {
	for _, tc := range []struct{ contacts, bytes int }{{0, 48}, {1, 56}, {150, 810}, {600, 3120}, {2000, 10_290}} {
		r := mutual(tc.contacts)
		if n := weigh(func() any { return im.NewLinks(r) }); n > tc.bytes {
			t.Errorf("%d contacts weigh %d bytes, more than %d", tc.contacts, n, tc.bytes)
		}
	}
	one := func() any {
		l := im.NewLinks(mutual(150))
		for v := im.UserID(200); v < 205; v++ {
			l.Set(v, im.Forward)
		}
		return l
	}
	if n := weigh(one); n > 930 {
		t.Errorf("150 contacts and five more weigh %d bytes", n)
	}
}

func TestLinksMakeNoGarbage(t *testing.T) {
	r := mutual(600)
	if n := testing.AllocsPerRun(100, func() { im.NewLinks(r) }); n > 3 {
		t.Errorf("%v allocations for 600 contacts", n)
	}
	l, ids := im.NewLinks(r), make([]im.UserID, 0, 600)
	for what, do := range map[string]func(){
		"a change":             func() { l.Set(300, im.Allow); l.Clear(300, im.Allow); l.Allows(300) },
		"watchers with a room": func() { ids = l.Watchers(ids[:0]) },
		"somebody shown":       func() { l.Of(300).Show(!l.Of(300).Shown()) },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%v allocations for %s", n, what)
		}
	}
}

func TestLinkIsThatOfOnePerson(t *testing.T) {
	l := im.NewLinks(mutual(3))
	nobody, two := l.Of(9), l.Of(2)
	nobody.Show(true)
	two.Show(true)
	if nobody.Shown() || nobody.On(im.Forward) || nobody.Admits() || !two.On(im.Forward) || !two.Admits() {
		t.Error("somebody on no list is there, or somebody on one is not")
	}
	for v := im.UserID(0); v < 10; v++ {
		if got := l.Shown(v); got != (v == 2) {
			t.Errorf("Shown(%d) = %t", v, got)
		}
	}
	if l.Set(math.MaxInt32, im.Allow); !l.Of(math.MaxInt32).On(im.Allow) || l.Of(math.MaxInt32-1).On(im.Allow) {
		t.Error("the largest id is not found")
	}
}

func TestLinksTakeNoIDThatTheStoreDoesNotGive(t *testing.T) {
	panics := func(do func()) (yes bool) {
		defer func() { yes = recover() != nil }()
		do()
		return false
	}
	for _, v := range []im.UserID{0, -1, math.MaxInt32 + 1, 1<<32 + 1} {
		l := im.NewLinks(mutual(3))
		if !panics(func() { l.Set(v, im.Allow) }) || l.Len() != 3 {
			t.Errorf("%d was set", v)
		}
		if !panics(func() { im.NewLinks(im.Roster{Contacts: []im.Contact{{ID: v}}}) }) {
			t.Errorf("%d was packed", v)
		}
	}
}

// mutual is the roster of somebody who has the ids from 1 to n as contacts, and they him.
func mutual(n int) im.Roster {
	r := im.Roster{User: im.User{Policy: im.AllowOthers}}
	for i := range n {
		r.Contacts = append(r.Contacts, im.Contact{
			ID: im.UserID(i + 1), Lists: im.Forward | im.Reverse, AllowsUser: true,
		})
	}
	return r
}

// weigh returns how many bytes of the heap a thing takes.
func weigh(one func() any) int {
	const n = 2000
	things := make([]any, n)
	var before, after runtime.MemStats
	runtime.GC() // what the first leaves behind, the second takes
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range things {
		things[i] = one()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(things)
	return int(after.HeapAlloc-before.HeapAlloc) / n
}

func BenchmarkWatchers(b *testing.B) {
	l := im.NewLinks(mutual(600))
	var ids []im.UserID
	b.ReportAllocs()
	for b.Loop() {
		ids = l.Watchers(ids[:0])
	}
}

func BenchmarkOf(b *testing.B) {
	l := im.NewLinks(mutual(150))
	for i := 0; b.Loop(); i++ {
		if !l.Of(im.UserID(i%150 + 1)).On(im.Forward) {
			b.Fatal("somebody is missing")
		}
	}
}
