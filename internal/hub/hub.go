// Package hub knows who is signed in and how to reach them, and tells watchers about each
// other. It never touches the database, and leaves to ns what a session makes of an event.
package hub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/msnp"
)

// Login is one sign-in of one user.
type Login struct {
	Person   im.Person
	Number   uint64 // grows with every sign-in
	Version  msnp.Version
	Since    time.Time
	Addr     string      // the client's, host:port
	Client   string      // what CVR said: library and version
	Presence im.Presence // zero before the first CHG
	Boards   int         // switchboard connections
}

// MaxBoards is how many switchboard connections a sign-in may have open.
// docs/protocol/switchboard.md#rates
const MaxBoards = 100

// Entry is a session's place in the directory, from [Hub.SignIn] to [Hub.SignOut].
type Entry struct {
	session Session
	told    *told
	number  uint64
	user    im.UserID
	prior   <-chan struct{} // closed when the sign-in that this one displaced has ended; may be nil

	// Guarded by the shard's mu.
	login Login
	over  chan struct{} // made when a newer sign-in waits for the end of this one
}

// Number returns the number of the sign-in.
func (e *Entry) Number() uint64 { return e.number }

// AwaitPrior waits until the sign-in that this one displaced has ended and can change
// nothing any more, or until ctx ends.
func (e *Entry) AwaitPrior(ctx context.Context) {
	if e.prior == nil {
		return
	}
	select {
	case <-e.prior:
	case <-ctx.Done():
	}
}

// told is what a user's watchers were last told about him. Sign-ins that displace each other
// share it, so that watchers hear only of what is different.
//
// mu is held while watchers are told, which gives all of them one order. It is taken before
// any session's lock.
type told struct {
	mu       sync.Mutex
	presence im.Presence
	name     string
	speaker  uint64      // number of the newest sign-in; older ones are not heard
	spoke    uint64      // number of the sign-in that presence comes from
	hold     clock.Timer // set while a displaced sign-in's departure is held back
	holding  bool
	held     []im.UserID // who is to hear of it

	entries int // sign-ins that have not ended; guarded by the shard's mu
}

// shards spreads the directory so that its locks, which are leaves, are not contended.
const shards = 256

type shard struct {
	mu       sync.RWMutex
	byID     map[im.UserID]*Entry
	told     map[im.UserID]*told // of sign-ins that were displaced and have not ended, too
	byHandle map[string]*Entry
}

// Hub is the directory of signed-in users. It must be made by [New].
type Hub struct {
	clock *clock.Clock
	hold  time.Duration
	ids   [shards]shard // by id
	names [shards]shard // by handle
	ended []func(number uint64, how Ending)
	last  atomic.Uint64 // number given to a sign-in, under the lock of its shard

	countdown countdown
}

// New returns an empty hub. hold is how long the departure of a displaced sign-in is kept
// from watchers in case the new one comes on line at once.
// docs/protocol/signin.md#elsewhere
func New(clk *clock.Clock, hold time.Duration) *Hub {
	h := &Hub{clock: clk, hold: hold}
	for i := range shards {
		h.ids[i].byID = make(map[im.UserID]*Entry)
		h.ids[i].told = make(map[im.UserID]*told)
		h.names[i].byHandle = make(map[string]*Entry)
	}
	return h
}

// Ending says how a sign-in ended.
type Ending int

// The endings.
const (
	Left     Ending = iota // the client went, or its connection failed
	Expelled               // the server ended it: a sign-in elsewhere, an operator
	Stopped                // the server stops; watchers hear that themselves
)

// OnEnd registers a function to be told of every sign-in that ends. It is for construction
// time.
func (h *Hub) OnEnd(fn func(number uint64, how Ending)) { h.ended = append(h.ended, fn) }

func (h *Hub) idShard(id im.UserID) *shard {
	return &h.ids[uint64(id)*0x9E3779B97F4A7C15>>56]
}

func (h *Hub) nameShard(handle string) *shard {
	sum := uint32(2166136261)
	for i := 0; i < len(handle); i++ {
		sum = (sum ^ uint32(handle[i])) * 16777619
	}
	return &h.names[sum%shards]
}

// SignIn enters a session for l.Person, as not yet on line. An older one of the same account
// gets [Kicked] and is no longer heard. l.Number is filled in here.
func (h *Hub) SignIn(l Login, s Session) *Entry {
	l.Presence = im.Presence{}
	e := &Entry{session: s, user: l.Person.ID, login: l}
	sh := h.idShard(e.user)
	sh.mu.Lock()
	e.number = h.last.Add(1)
	e.login.Number = e.number
	if sh.told[e.user] == nil {
		sh.told[e.user] = new(told)
	}
	e.told = sh.told[e.user]
	e.told.entries++
	old := sh.byID[e.user]
	if old != nil {
		old.over = make(chan struct{})
		e.prior = old.over
	}
	sh.byID[e.user] = e
	sh.mu.Unlock()

	ns := h.nameShard(l.Person.Handle)
	ns.mu.Lock()
	if cur := ns.byHandle[l.Person.Handle]; cur == nil || cur.number < e.number {
		ns.byHandle[l.Person.Handle] = e
	}
	ns.mu.Unlock()

	e.told.mu.Lock()
	e.told.speaker = max(e.told.speaker, e.number)
	e.told.mu.Unlock()
	if old != nil {
		old.session.Deliver(Kicked{Elsewhere})
	}
	return e
}

// SignOut ends a sign-in: watchers hear that the user left, at once or, when a newer sign-in
// has displaced this one, unless that comes on line within the hold. When the server stops
// they hear nothing. watchers is called after the user has left the directory.
func (h *Hub) SignOut(e *Entry, watchers func() []im.UserID, how Ending) {
	sh := h.idShard(e.user)
	sh.mu.Lock()
	displaced := sh.byID[e.user] != e
	if !displaced {
		delete(sh.byID, e.user)
	}
	handle := e.login.Person.Handle
	sh.mu.Unlock()
	ns := h.nameShard(handle)
	ns.mu.Lock()
	if ns.byHandle[handle] == e {
		delete(ns.byHandle, handle)
	}
	ns.mu.Unlock()

	if how != Stopped {
		h.leave(e, watchers, displaced)
	}
	sh.mu.Lock()
	if e.told.entries--; e.told.entries == 0 {
		delete(sh.told, e.user)
	}
	if e.over != nil {
		close(e.over)
	}
	sh.mu.Unlock()
	for _, fn := range h.ended {
		fn(e.number, how)
	}
}

// leave tells watchers that e is gone, now or after the hold.
func (h *Hub) leave(e *Entry, watchers func() []im.UserID, displaced bool) {
	t := e.told
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.presence.Visible():
	case t.spoke != e.number:
		// The watchers know the user from the sign-in that displaced this one, or from one that
		// this one displaced, whose own end tells them unless it has held that back.
		if !displaced && t.holding {
			h.depart(e, t.held)
		}
	case displaced && h.signedIn(e.user):
		t.holding, t.held = true, watchers()
		h.clock.Set(&t.hold, h.hold, func() { h.release(e) })
	default:
		h.depart(e, watchers())
	}
}

// release ends the hold: the new sign-in did not come on line in time.
func (h *Hub) release(e *Entry) {
	t := e.told
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holding {
		h.depart(e, t.held)
	}
}

// depart tells watchers that e's user is gone. e.told.mu is held.
func (h *Hub) depart(e *Entry, watchers []im.UserID) {
	h.tell(e, im.Presence{Status: msnp.Offline}, e.told.name, watchers)
	e.told.holding, e.told.held = false, nil
}

// SetPresence makes p what the directory and the watchers know of e's user. Watchers hear
// of it when it is different from what they were told, and when it is the first word of a
// sign-in: some may have come while it was silent.
//
// watchers is called after the directory has changed, so that somebody who comes to see the
// user meanwhile either finds p there or is among them.
func (h *Hub) SetPresence(e *Entry, p im.Presence, watchers func() []im.UserID) {
	t := e.told
	t.mu.Lock()
	defer t.mu.Unlock()
	l := h.update(e, func(l *Login) { l.Presence = p })
	if t.speaker != e.number {
		return
	}
	first := t.spoke != e.number
	t.spoke = e.number
	h.clock.Stop(&t.hold)
	t.holding, t.held = false, nil
	changed := p != t.presence || l.Person.Name != t.name
	if p.Visible() && (first || changed) || p.Visible() != t.presence.Visible() {
		h.tell(e, p, l.Person.Name, watchers())
	}
}

// SetName does the same with the user's friendly name. Before the first presence of a
// sign-in watchers hear nothing.
func (h *Hub) SetName(e *Entry, name string, watchers func() []im.UserID) {
	t := e.told
	t.mu.Lock()
	defer t.mu.Unlock()
	l := h.update(e, func(l *Login) { l.Person.Name = name })
	if t.speaker == e.number && t.spoke == e.number && l.Presence.Visible() && name != t.name {
		h.tell(e, l.Presence, name, watchers())
	}
}

// SetPrivacy tells users whether e's user lets them see him now, in order with his changes
// of presence. who is called with that order settled.
func (h *Hub) SetPrivacy(e *Entry, who func() (users []im.UserID, allowed bool)) {
	t := e.told
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.speaker != e.number {
		return
	}
	users, allowed := who()
	l := h.read(e)
	for _, u := range users {
		h.Deliver(u, PrivacyChanged{Who: l.Person, Allowed: allowed, Now: l.Presence})
	}
}

// tell delivers a change to watchers, one after another. e.told.mu is held.
func (h *Hub) tell(e *Entry, p im.Presence, name string, watchers []im.UserID) {
	t := e.told
	who := h.read(e).Person
	who.Name = name
	ev := &PresenceChanged{Who: who, Before: t.presence, Now: p, Renamed: name != t.name}
	t.presence, t.name = p, name
	for _, w := range watchers {
		h.Deliver(w, ev)
	}
}

// update changes what the directory says of e's user and returns it.
func (h *Hub) update(e *Entry, change func(*Login)) Login {
	sh := h.idShard(e.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	change(&e.login)
	return e.login
}

// read returns what the directory says of e's user.
func (h *Hub) read(e *Entry) Login {
	sh := h.idShard(e.user)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return e.login
}

// Deliver hands an event to a user's session, if he is signed in and it takes it.
func (h *Hub) Deliver(id im.UserID, ev Event) bool {
	sh := h.idShard(id)
	sh.mu.RLock()
	e := sh.byID[id]
	sh.mu.RUnlock()
	return e != nil && e.session.Deliver(ev)
}

// DeliverAll hands an event to everybody who is signed in.
func (h *Hub) DeliverAll(ev Event) {
	for _, e := range h.entries() {
		e.session.Deliver(ev)
	}
}

func (h *Hub) signedIn(id im.UserID) bool {
	_, ok := h.ByID(id)
	return ok
}

// ByID returns the present sign-in of a user.
func (h *Hub) ByID(id im.UserID) (Login, bool) {
	sh := h.idShard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if e := sh.byID[id]; e != nil {
		return e.login, true
	}
	return Login{}, false
}

// ByHandle returns the present sign-in of the user with this canonical handle.
func (h *Hub) ByHandle(handle string) (Login, bool) {
	ns := h.nameShard(handle)
	ns.mu.RLock()
	e := ns.byHandle[handle]
	ns.mu.RUnlock()
	if e == nil {
		return Login{}, false
	}
	return h.ByID(e.user)
}

// AddBoards counts switchboard connections of a sign-in that begin or, with a negative
// number, end.
func (h *Hub) AddBoards(id im.UserID, number uint64, n int) {
	sh := h.idShard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.byID[id]; e != nil && e.number == number {
		e.login.Boards += n
	}
}

// Logins returns everybody who is signed in, in no order.
func (h *Hub) Logins() []Login {
	entries := h.entries()
	logins := make([]Login, len(entries))
	for i, e := range entries {
		logins[i] = h.read(e)
	}
	return logins
}

func (h *Hub) entries() []*Entry {
	var all []*Entry
	for i := range h.ids {
		sh := &h.ids[i]
		sh.mu.RLock()
		for _, e := range sh.byID {
			all = append(all, e)
		}
		sh.mu.RUnlock()
	}
	return all
}

// Count returns how many are signed in.
func (h *Hub) Count() int {
	n := 0
	for i := range h.ids {
		sh := &h.ids[i]
		sh.mu.RLock()
		n += len(sh.byID)
		sh.mu.RUnlock()
	}
	return n
}
