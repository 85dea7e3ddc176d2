package ns

import (
	"sync"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// moves holds back the news that a contact left his last group: clients move people by
// removing them from one group and adding them to another. If the contact is back in time,
// he hears of neither; his session sees to that, for the owner may have come to another node
// meanwhile. docs/protocol/lists.md#moves
type moves struct {
	server *Server

	// Held while contacts are told, so that what they hear has the order of what happened. It
	// is taken before the locks of the hub and of sessions.
	mu      sync.Mutex
	pending map[move]*departure
	left    map[im.UserID]int // how many of them each contact has not heard of
	closed  bool
}

// move is one contact of one user on his way between groups.
type move struct{ owner, contact im.UserID }

// lister is somebody who changes his forward list, with what he shows to those on it.
type lister struct {
	im.Person
	shows []im.Property
}

// departure is the contact's leaving, which he has not heard of.
type departure struct {
	owner   lister
	version uint32 // of the contact's lists
	timer   clock.Timer
}

// removed is called when a contact was taken off the forward list as a whole.
func (m *moves) removed(owner lister, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(move{owner.ID, contact})
	m.tell(contact, hub.ListedBy{Who: owner.Person, How: hub.Removed, Version: version, Before: owner.shows})
}

// leftGroup is called when a contact left the forward list because he left his last group.
func (m *moves) leftGroup(owner lister, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := move{owner.ID, contact}
	m.forget(key)
	if m.closed {
		m.tell(contact, hub.ListedBy{Who: owner.Person, How: hub.Removed, Version: version, Before: owner.shows})
		return
	}
	m.tell(contact, hub.ListedBy{Who: owner.Person, How: hub.Leaving, Version: version, Before: owner.shows})
	d := &departure{owner: owner, version: version}
	m.pending[key] = d
	m.left[contact]++
	m.server.Clock.Set(&d.timer, m.server.Limits().Move, func() { m.due(key, d) })
}

// added is called when a contact came on the forward list.
func (m *moves) added(owner lister, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, _ := m.server.Hub.ByID(contact)
	ev := hub.ListedBy{Who: owner.Person, How: hub.Added, Version: version, Now: owner.shows, Seen: hub.Known{Who: l.Person, Presence: l.Presence}}
	if m.forget(move{owner.ID, contact}) != nil {
		ev.How = hub.Returned
	}
	m.tell(contact, ev)
}

// forget drops a pending departure and returns it, if there was one. m.mu is held.
func (m *moves) forget(key move) *departure {
	d := m.pending[key]
	if d != nil {
		m.server.Clock.Stop(&d.timer)
		m.drop(key)
	}
	return d
}

// drop ends a departure that is pending. m.mu is held.
func (m *moves) drop(key move) {
	delete(m.pending, key)
	if m.left[key.contact]--; m.left[key.contact] == 0 {
		delete(m.left, key.contact)
	}
}

// about reports whether there is something that a contact has not heard.
func (m *moves) about(contact im.UserID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left[contact] > 0
}

func (m *moves) tell(contact im.UserID, ev hub.ListedBy) {
	m.server.Hub.Deliver(contact, ev)
}

// due tells a contact that he was removed. No version that his client was told counts that.
func (m *moves) due(key move, d *departure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.pending[key] != d {
		return
	}
	m.drop(key)
	m.tell(key.contact, hub.ListedBy{Who: d.owner.Person, How: hub.Gone, Version: d.version, Before: d.owner.shows})
}

// close leaves what is pending as it is: the contacts learn of it at their next SYN.
func (m *moves) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, d := range m.pending {
		m.server.Clock.Stop(&d.timer)
	}
	m.pending = nil
}
