package ns

import (
	"sync"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// moves holds back the news that a contact left his last group: clients move people by
// removing them from one group and adding them to another. If the contact is back in time,
// he hears of neither. docs/protocol/lists.md#moves
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

// departure is the contact's leaving, which he has not heard of.
type departure struct {
	owner   im.Person
	version uint32 // of the contact's lists
	timer   clock.Timer
}

// removed is called when a contact was taken off the forward list as a whole.
func (m *moves) removed(owner im.Person, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(move{owner.ID, contact})
	m.tell(owner, contact, hub.Removed, version)
}

// leftGroup is called when a contact left the forward list because he left his last group.
func (m *moves) leftGroup(owner im.Person, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := move{owner.ID, contact}
	m.forget(key)
	if m.closed {
		m.tell(owner, contact, hub.Removed, version)
		return
	}
	m.tell(owner, contact, hub.Leaving, version)
	d := &departure{owner: owner, version: version}
	m.pending[key] = d
	m.left[contact]++
	m.server.Clock.Set(&d.timer, m.server.Limits().Move, func() { m.due(key, d) })
}

// added is called when a contact came on the forward list.
func (m *moves) added(owner im.Person, contact im.UserID, version uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	how := hub.Added
	if m.forget(move{owner.ID, contact}) {
		how = hub.Returned
	}
	m.tell(owner, contact, how, version)
}

// forget drops a pending departure and reports whether there was one. m.mu is held.
func (m *moves) forget(key move) bool {
	d := m.pending[key]
	if d != nil {
		m.server.Clock.Stop(&d.timer)
		m.drop(key)
	}
	return d != nil
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

func (m *moves) tell(owner im.Person, contact im.UserID, how hub.Listing, version uint32) {
	m.server.Hub.Deliver(contact, hub.ListedBy{Who: owner, How: how, Version: version})
}

// due tells a contact that he was removed. No version that his client was told counts that.
func (m *moves) due(key move, d *departure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.pending[key] != d {
		return
	}
	m.drop(key)
	m.tell(d.owner, key.contact, hub.Gone, d.version)
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
