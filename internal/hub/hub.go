// Package hub knows who is signed in and how to reach them, and tells watchers about each
// other. It never touches the database, and leaves to ns what a session makes of an event.
package hub

import (
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/im"
	"monarch/msnp"
)

// Login is one sign-in of one user.
type Login struct {
	Person   im.Person
	Number   uint64 // grows with every sign-in
	Version  msnp.Version
	Since    time.Time      // to the second
	Addr     netip.AddrPort // the client's
	Client   string         // what CVR said: library and version
	Presence im.Presence    // zero before the first CHG
	Boards   int            // switchboard connections
	Node     string         // where it is; "" for here. Of others Since, Addr, Client and Boards are not known.
}

// Hub is the directory of signed-in users. It must be made by [New].
type Hub struct {
	clock  *clock.Clock
	hold   atomic.Int64 // a time.Duration
	ended  []EndFunc
	moves  []MoveFunc
	lapsed []func(Lapse)
	turns  TurnFunc
	debts  Debts
	last   atomic.Uint64 // number given to a sign-in or heard of
	mark   uint64        // what numbers given here end with
	peers  *peers        // nil: there is no other node
	lines  atomic.Uint64 // sent to watchers
	timed  func(time.Duration)
	lists  sync.Pool // of *[]im.UserID, for watchers

	directory
	countdown countdown
}

// New returns an empty hub. hold is how long the departure of a displaced sign-in is kept
// from watchers in case the new one comes on line at once.
// docs/protocol/signin.md#elsewhere
func New(clk *clock.Clock, hold time.Duration) *Hub {
	h := &Hub{clock: clk, timed: func(time.Duration) {}}
	h.SetHold(hold)
	h.lists.New = func() any { return new([]im.UserID) }
	h.init()
	return h
}

// SetHold changes for how long the departures from now on are kept.
func (h *Hub) SetHold(hold time.Duration) { h.hold.Store(int64(hold)) }

// Ending says how a sign-in ended.
type Ending int

// The endings.
const (
	Left     Ending = iota // the client went, or its connection failed
	Expelled               // the server ended it: a sign-in elsewhere, an operator
	Revoked                // the account was locked or removed, or got another password
	Stopped                // the server stops; watchers hear that themselves
)

// EndFunc is told of the end of a sign-in. Expelled ends those of the same user before it, as
// far as there is anything left of them.
type EndFunc func(user im.UserID, number uint64, how Ending)

// OnTold registers a function that is told how long it took to tell all watchers here of a change.
// It must not wait, and is for construction time.
func (h *Hub) OnTold(fn func(took time.Duration)) { h.timed = fn }

// OnEnd registers a function to be told of every sign-in that ends. It is for construction
// time.
func (h *Hub) OnEnd(fn EndFunc) { h.ended = append(h.ended, fn) }

// MoveFunc is told that somebody has come back whose sign-in was [Stopped], or is about to be, or was at a
// node of which nothing is heard, with the numbers of that one and of the one that goes on in its place.
type MoveFunc func(user im.UserID, from, to uint64)

// OnMove registers a function to be told of that, when this node hears of it. It is for construction
// time.
func (h *Hub) OnMove(fn MoveFunc) { h.moves = append(h.moves, fn) }

// succeed tells that a sign-in has taken the place of one at another node, which the server has ended,
// or ends by that. Whom a node sends away may be here before that node has let go of him.
func (h *Hub) succeed(old whereabouts, number uint64) {
	if !old.reachable() || h.peers.drains(old.node.id) {
		h.move(old.user, old.number, number)
		return
	}
	h.end(old.user, old.number, Expelled)
}

// move tells that a sign-in goes on as another.
func (h *Hub) move(id im.UserID, from, to uint64) {
	for _, fn := range h.moves {
		fn(id, from, to)
	}
}

// Expel ends the present sign-in of a user, and what is left of earlier ones. It reports false
// when he is not signed in.
func (h *Hub) Expel(id im.UserID, why KickReason) bool {
	last := h.last.Load()
	if h.Deliver(id, Kicked{why}) {
		return true // and its end is told
	}
	how := Expelled
	if why == AccountChanged {
		how = Revoked
	}
	h.end(id, last, how)
	if h.peers != nil {
		h.peers.all(message{SignedOut: &signedOut{User: id, Number: last, How: how}})
	}
	return false
}

// end tells that a sign-in has ended.
func (h *Hub) end(id im.UserID, number uint64, how Ending) {
	for _, fn := range h.ended {
		fn(id, number, how)
	}
}

// Deliver hands an event to a user's session, if he is signed in and it takes it; of a session
// at another node only that it is there is known.
func (h *Hub) Deliver(id im.UserID, ev Event) bool {
	if e := h.present(id); e != nil || h.peers == nil {
		return e != nil && e.session.Deliver(ev)
	}
	return h.peers.deliver(id, 0, ev)
}

// DeliverTo hands an event to one sign-in of a user, and to no later one.
func (h *Hub) DeliverTo(id im.UserID, number uint64, ev Event) bool {
	if e := h.present(id); e != nil || h.peers == nil {
		return e != nil && e.number == number && e.session.Deliver(ev)
	}
	return h.peers.deliver(id, number, ev)
}

// DeliverAll hands an event to everybody who is signed in here.
func (h *Hub) DeliverAll(ev Event) {
	for _, e := range h.all() {
		e.session.Deliver(ev)
	}
}

// ByID returns the present sign-in of a user.
func (h *Hub) ByID(id im.UserID) (Login, bool) {
	st := h.stripe(id)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if e := h.present(id); e != nil {
		l := e.login(h.clock.Now())
		for _, n := range st.boards[e.number] {
			l.Boards += n
		}
		return l, true
	}
	if f, ok := st.far.get(id); ok {
		return f.login(), true
	}
	return Login{}, false
}

// ByHandle returns the present sign-in of the user with this canonical handle.
func (h *Hub) ByHandle(handle string) (Login, bool) {
	var room [4]im.UserID
	for _, id := range h.named(room[:0], handle) {
		if l, ok := h.ByID(id); ok && l.Person.Handle == handle {
			return l, true
		}
	}
	return Login{}, false
}

// isIn reports whether somebody is signed in, at any node.
func (h *Hub) isIn(id im.UserID) bool {
	if h.present(id) != nil || h.peers == nil {
		return h.present(id) != nil
	}
	_, ok := h.where(id)
	return ok
}

// Person returns what others may know of the user of a sign-in.
func (h *Hub) Person(e *Entry) im.Person {
	st := h.stripe(e.User())
	st.mu.RLock()
	defer st.mu.RUnlock()
	return e.person()
}

// AddBoards counts switchboard connections of a sign-in that begin or, with a negative
// number, end.
func (h *Hub) AddBoards(id im.UserID, number uint64, n int) {
	st := h.stripe(id)
	st.mu.Lock()
	defer st.mu.Unlock()
	switch e, f := h.present(id), st.far.find(id); {
	case e != nil && e.number == number:
		e.boards += int32(n)
	case f != nil && f.number() == number:
		n += st.counted[number]
		st.counted[number] = n
		h.peers.cluster.Send(st.far.whereabouts(id, f).node.id, encode(message{Boards: &boards{id, number, n}}), cluster.Later)
		if n == 0 {
			delete(st.counted, number)
		}
	}
}

// Sessions returns those of everybody who is signed in here, in no order.
func (h *Hub) Sessions() []Session {
	entries := h.all()
	sessions := make([]Session, len(entries))
	for i, e := range entries {
		sessions[i] = e.session
	}
	return sessions
}

// Logins returns everybody who is signed in here, by id.
func (h *Hub) Logins() []Login {
	return slices.AppendSeq(make([]Login, 0, h.Count()), h.LoginsAfter(0))
}

// LoginsAfter yields everybody who is signed in here and whose id comes after one, by id.
func (h *Hub) LoginsAfter(id im.UserID) iter.Seq[Login] {
	return func(yield func(Login) bool) {
		now := h.clock.Now()
		for e := range h.every(id+1, 1) {
			st := h.stripe(e.User())
			st.mu.RLock()
			l := e.login(now)
			st.mu.RUnlock()
			if !yield(l) {
				return
			}
		}
	}
}

// Count returns how many are signed in here.
func (h *Hub) Count() int { return int(h.count.Load()) }

// CountAll returns how many are signed in, at any node.
func (h *Hub) CountAll() int { return int(h.count.Load() + h.farCount.Load()) }

// Lines returns how many presence lines watchers were sent.
func (h *Hub) Lines() uint64 { return h.lines.Load() }
