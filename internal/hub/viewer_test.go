package hub_test

import (
	"runtime"
	"sync"

	"monarch/internal/hub"
	"monarch/internal/im"
)

// viewer is a session that believes what it hears, as a client does: it sees somebody as it
// was last told. What it ignores is what sessions of ns ignore.
type viewer struct {
	hub  *hub.Hub
	told func(hub.Event) // called first, without the lock; may be nil

	mu     sync.Mutex
	here   bool               // on line: it has asked for everybody's presence
	admits map[im.UserID]bool // who lets it see him
	sees   map[im.UserID]sight
	order  map[im.UserID][]uint64 // the flags of each visible presence, as they came
}

// sight is what a viewer knows of somebody; the zero value is that he is not there.
type sight struct {
	presence im.Presence
	name     string
}

func newViewer(h *hub.Hub, admits map[im.UserID]bool) *viewer {
	return &viewer{hub: h, admits: admits, sees: make(map[im.UserID]sight), order: make(map[im.UserID][]uint64)}
}

// come asks the directory for everybody's presence, as a first CHG does.
func (v *viewer) come(people ...im.UserID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.here = true
	for _, id := range people {
		if l, ok := v.hub.ByID(id); ok && v.admits[id] {
			v.see(id, l.Presence, l.Person.Name)
		}
	}
}

func (v *viewer) Deliver(ev hub.Event) bool {
	if v.told != nil {
		v.told(ev)
	}
	runtime.Gosched() // others may run in the middle of everything
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev := ev.(type) {
	case *hub.PresenceChanged:
		_, shown := v.sees[ev.Who.ID]
		known := shown && ev.Now.Visible() && ev.Before == ev.Now && !ev.Renamed
		if v.here && !known && (v.admits[ev.Who.ID] || !ev.Now.Visible()) {
			v.see(ev.Who.ID, ev.Now, ev.Who.Name)
		}
	case hub.Missed:
		for id := range ev.People {
			l, _ := v.hub.ByID(id)
			if !v.here || !v.admits[id] {
				l.Presence = im.Presence{}
			}
			v.see(id, l.Presence, l.Person.Name)
		}
	case hub.PrivacyChanged:
		v.admits[ev.Who.ID] = ev.Allowed
		_, shown := v.sees[ev.Who.ID]
		switch {
		case !v.here || shown == (ev.Allowed && ev.Now.Visible()):
		case shown:
			delete(v.sees, ev.Who.ID)
		default:
			v.see(ev.Who.ID, ev.Now, ev.Who.Name)
		}
	}
	return true
}

// see keeps what a presence line says. v.mu is held.
func (v *viewer) see(id im.UserID, p im.Presence, name string) {
	if !p.Visible() {
		delete(v.sees, id)
		return
	}
	v.sees[id] = sight{p, name}
	v.order[id] = append(v.order[id], p.Flags)
}

func (v *viewer) sight(id im.UserID) sight {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sees[id]
}
