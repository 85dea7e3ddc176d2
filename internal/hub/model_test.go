package hub_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// model is the truth that the viewers are compared with. Of each person it keeps what the
// database would: his name and whom he lets see him. All have each other on their lists.
type model struct {
	clock   *clock.Clock
	hub     *hub.Hub
	people  map[im.UserID]*person
	viewers map[im.UserID]*viewer // by their id
}

type person struct {
	im.Person
	allows  map[im.UserID]bool
	current *login   // nil: not signed in
	old     []*login // displaced, but not closed
}

// login is one sign-in of a person.
type login struct {
	entry    *hub.Entry
	presence im.Presence
	watchers []im.UserID // as its session knows them; one that was displaced learns nothing more
}

var (
	persons    = rapid.Map(rapid.IntRange(1, 2), func(n int) im.UserID { return im.UserID(n) })
	onlookers  = rapid.Map(rapid.IntRange(101, 103), func(n int) im.UserID { return im.UserID(n) })
	somebodies = rapid.SliceOfNDistinct(onlookers, 1, 3, rapid.ID[im.UserID])
	presences  = rapid.SampledFrom([]im.Presence{online, online, busy, picture, hidden})
)

func newModel(t *rapid.T) *model {
	m := &model{clock: clock.New(), people: make(map[im.UserID]*person), viewers: make(map[im.UserID]*viewer)}
	m.hub = hub.New(m.clock, hold)
	for id := im.UserID(1); id <= 2; id++ {
		p := &person{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com"), Name: "first"}}
		p.allows = make(map[im.UserID]bool)
		for _, v := range somebodies.Draw(t, "allowed from the beginning") {
			p.allows[v] = true
		}
		m.people[id] = p
	}
	return m
}

// actions are what may happen, in any order.
func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": m.agree,
		"sign in": func(t *rapid.T) {
			p := m.people[persons.Draw(t, "who")]
			if p.current != nil {
				p.old = append(p.old, p.current)
			}
			p.current = &login{watchers: p.watchers()}
			p.current.entry = m.hub.SignIn(hub.Login{Person: p.Person}, deaf{})
		},
		"set presence": func(t *rapid.T) {
			if p := m.people[persons.Draw(t, "who")]; p.current != nil {
				p.current.presence = presences.Draw(t, "presence")
				m.hub.SetPresence(p.current.entry, p.current.presence, these(p.current.watchers))
			}
		},
		"set presence of a displaced one": func(t *rapid.T) {
			if p := m.people[persons.Draw(t, "who")]; len(p.old) > 0 {
				l := p.old[rapid.IntRange(0, len(p.old)-1).Draw(t, "which")]
				m.hub.SetPresence(l.entry, presences.Draw(t, "presence"), these(l.watchers))
			}
		},
		"set name": func(t *rapid.T) {
			if p := m.people[persons.Draw(t, "who")]; p.current != nil {
				p.Name = rapid.SampledFrom([]string{"first", "second"}).Draw(t, "name")
				m.hub.SetName(p.current.entry, p.Name, these(p.current.watchers))
			}
		},
		"set privacy": m.setPrivacy,
		"sign out": func(t *rapid.T) {
			if p := m.people[persons.Draw(t, "who")]; p.current != nil {
				m.hub.SignOut(p.current.entry, these(p.current.watchers), hub.Left)
				p.current = nil
			}
		},
		"sign out of a displaced one": func(t *rapid.T) {
			if p := m.people[persons.Draw(t, "who")]; len(p.old) > 0 {
				i := rapid.IntRange(0, len(p.old)-1).Draw(t, "which")
				m.hub.SignOut(p.old[i].entry, these(p.old[i].watchers), hub.Expelled)
				p.old = slices.Delete(p.old, i, i+1)
			}
		},
		"a viewer comes": m.come,
		"time passes": func(t *rapid.T) {
			m.clock.Advance(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second)
		},
	}
}

func (p *person) watchers() []im.UserID {
	ids := []im.UserID{}
	for id, yes := range p.allows {
		if yes {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *model) setPrivacy(t *rapid.T) {
	p := m.people[persons.Draw(t, "who")]
	if p.current == nil {
		return
	}
	allowed := rapid.Bool().Draw(t, "allowed")
	var changed []im.UserID
	for _, id := range somebodies.Draw(t, "whom") {
		if p.allows[id] != allowed {
			changed = append(changed, id)
		}
		p.allows[id] = allowed
	}
	p.current.watchers = p.watchers()
	m.hub.SetPrivacy(p.current.entry, hub.Known{}, so(allowed, changed))
}

func (m *model) come(t *rapid.T) {
	id := onlookers.Draw(t, "viewer")
	admits := make(map[im.UserID]bool)
	for _, p := range m.people {
		admits[p.ID] = p.allows[id]
	}
	v := newViewer(m.hub, admits)
	m.hub.SignIn(hub.Login{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com")}}, v)
	v.come(slices.Collect(maps.Keys(m.people))...)
	m.viewers[id] = v
}

// agree checks that who has told his presence is seen so by all who may.
func (m *model) agree(t *rapid.T) {
	for _, p := range m.people {
		if l, ok := m.hub.ByID(p.ID); ok != (p.current != nil) || ok && l.Presence != p.current.presence {
			t.Fatalf("person %d is there: %t, as %+v", p.ID, ok, l.Presence)
		}
		if p.current == nil || p.current.presence == (im.Presence{}) {
			continue
		}
		for id, v := range m.viewers {
			var want im.Presence
			if p.allows[id] && p.current.presence.Visible() {
				want = p.current.presence
			}
			if got := v.sight(p.ID).presence; got != want {
				t.Fatalf("viewer %d sees %d as %+v, the truth is %+v", id, p.ID, got, want)
			}
		}
	}
}

// settle ends what displaced sessions are left, lets the hold pass, and compares what
// everybody sees with the truth.
func (m *model) settle(t *rapid.T) {
	for _, p := range m.people {
		for _, l := range p.old {
			m.hub.SignOut(l.entry, these(l.watchers), hub.Expelled)
		}
		p.old = nil
	}
	m.clock.Advance(hold)
	for _, p := range m.people {
		for id, v := range m.viewers {
			var want sight
			if p.current != nil && p.current.presence.Visible() && p.allows[id] {
				want = sight{p.current.presence, p.Name}
			}
			if got := v.sight(p.ID); got != want {
				t.Fatalf("in the end viewer %d sees %d as %+v, the truth is %+v", id, p.ID, got, want)
			}
		}
	}
}

func TestInTheEndEverybodyKnowsTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		defer m.clock.Close()
		t.Repeat(m.actions())
		m.settle(t)
	})
}
