package ns

import (
	"context"
	"errors"
	"sync"
	"time"

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
	tasks   sync.WaitGroup // departures that are being settled
}

// move is one contact of one user on his way between groups.
type move struct{ owner, contact im.UserID }

// departure is the contact's leaving, which he has not heard of.
type departure struct {
	owner im.Person
	timer clock.Timer
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
	d := &departure{owner: owner}
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

// due starts to settle a departure whose time is up, away from the clock.
func (m *moves) due(key move, d *departure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.pending[key] != d {
		return
	}
	m.tasks.Add(1)
	go func() {
		defer m.tasks.Done()
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		defer cancel()
		m.settle(ctx, key, d)
	}()
}

// settleTime is how long the database may take to raise a version.
const settleTime = 3 * time.Second

// settle tells a contact that he was removed. The version takes one more step: what he has
// done himself since made his client learn a number that this is not in.
func (m *moves) settle(ctx context.Context, key move, d *departure) {
	version, err := m.server.Store.Step(ctx, key.contact)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending[key] != d {
		return
	}
	m.drop(key)
	switch {
	case err == nil:
		m.tell(d.owner, key.contact, hub.Gone, version)
	case !errors.Is(err, im.ErrNoUser): // his account is no more
		m.server.Log.Error("a contact is not told that he was removed", "err", err)
	}
}

// close settles what is pending at once; the contacts learn at their next SYN.
func (m *moves) close(ctx context.Context) {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.tasks.Wait()
	m.mu.Lock()
	left := m.pending
	m.pending = nil
	m.mu.Unlock()
	for key, d := range left {
		m.server.Clock.Stop(&d.timer)
		if _, err := m.server.Store.Step(ctx, key.contact); err != nil && !errors.Is(err, im.ErrNoUser) {
			m.server.Log.Error("a contact is not told that he was removed", "err", err)
		}
	}
}
