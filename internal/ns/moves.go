package ns

import (
	"context"
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

	mu      sync.Mutex // leaf
	pending map[move]*clock.Timer
	closed  bool
}

// move is one contact of one user on his way between groups.
type move struct{ owner, contact im.UserID }

// leftGroup is called when a contact left the forward list with his last group.
func (s *session) leftGroup(contact im.UserID, version uint32) {
	s.tellListed(contact, false, version, true)
	s.srv.moves.start(s.person(), contact)
}

// start sets the time at which the contact hears that he was removed.
func (m *moves) start(owner im.Person, contact im.UserID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	key := move{owner.ID, contact}
	t := m.pending[key]
	if t == nil {
		t = new(clock.Timer)
		m.pending[key] = t
	}
	m.server.Clock.Set(t, m.server.Limits.Move, func() {
		if !m.settle(owner.ID, contact) {
			return
		}
		m.server.tasks.Add(1)
		go func() {
			defer m.server.tasks.Done()
			m.server.tellLeft(owner, contact)
		}()
	})
}

// settle ends a move and reports whether there was one.
func (m *moves) settle(owner, contact im.UserID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := move{owner, contact}
	t := m.pending[key]
	if t == nil {
		return false
	}
	m.server.Clock.Stop(t)
	delete(m.pending, key)
	return true
}

// close forgets every move; the contacts learn at their next SYN.
func (m *moves) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for key, t := range m.pending {
		m.server.Clock.Stop(t)
		delete(m.pending, key)
	}
}

// tellLeft tells a contact that his move ended nowhere. His own changes may have gone on
// meanwhile, so the line carries the version of now.
func (s *Server) tellLeft(owner im.Person, contact im.UserID) {
	if _, ok := s.Hub.ByID(contact); !ok {
		return
	}
	version, err := s.Store.Version(context.Background(), contact)
	if err != nil {
		s.Log.Error("reading a list version", "err", err)
		return
	}
	s.Hub.Deliver(contact, hub.ListedBy{Who: owner, Version: version})
}
