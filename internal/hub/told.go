package hub

import (
	"context"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/msnp"
)

// told is what a user's watchers were last told about him. A sign-in that displaces another
// takes it over, so that watchers hear only of what is different.
//
// mu is held while watchers are told, which gives all of them one order. It is taken before
// any session's lock.
type told struct {
	mu     sync.Mutex
	next   *told // of the newer sign-in that has taken over; only that one is heard
	name   string
	object string
	flags  uint64
	spoke  uint64     // number of the sign-in that the presence comes from
	held   *departure // of a displaced sign-in, while it is held back
	status status
}

// lock locks what watchers were told of the user of a sign-in, where it is now.
func (e *Entry) lock() *told { return e.told.lock() }

func (t *told) lock() *told {
	t.mu.Lock()
	for t.next != nil {
		next := t.next
		t.mu.Unlock()
		t = next
		t.mu.Lock()
	}
	return t
}

// takeOver makes t, which is locked and which nobody has used yet, what before was. Whoever has
// before waits, or goes on with t.
func (t *told) takeOver(before *told) {
	before.mu.Lock()
	defer before.mu.Unlock()
	t.name, t.object, t.flags, t.status = before.name, before.object, before.flags, before.status
	t.spoke, t.held = before.spoke, before.held
	before.next, before.held = t, nil
}

// departure is the end of a displaced sign-in, of which watchers may never hear.
type departure struct {
	timer    clock.Timer
	watchers []im.UserID // who is to hear of it
}

func (t *told) presence() im.Presence {
	return im.Presence{Status: statuses[t.status], Flags: t.flags, Object: t.object}
}

func (t *told) note(p im.Presence, name string) {
	t.status, t.flags, t.object, t.name = packed(p.Status), p.Flags, p.Object, name
}

// Watchers appends those who may see a user.
type Watchers func(to []im.UserID) []im.UserID

// SignIn enters a session as [Hub.Enter] does, at a place of its own.
func (h *Hub) SignIn(l Login, s Session) *Entry {
	e := new(Entry)
	h.Enter(e, l, s)
	return e
}

// Enter enters a session for l.Person, as not yet on line, at a place that was never used. An
// older one of the same account gets [Kicked] and is no longer heard. The number of the
// sign-in, its presence and its switchboards are not taken from l.
func (h *Hub) Enter(e *Entry, l Login, s Session) {
	e.fill(l, s)     // panics, if it does, while nothing is locked
	e.told.mu.Lock() // whoever displaces this one waits until it has taken over
	st := h.stripe(e.User())
	st.mu.Lock()
	e.number = h.next()
	old := h.present(e.User())
	elsewhere, displaces := st.far.get(e.User())
	before := st.follow(e, old)
	if displaces {
		h.removeFar(st, elsewhere)
	}
	h.add(e)
	if h.peers != nil {
		h.peers.entered(e)
	}
	st.mu.Unlock()
	if before != nil {
		e.told.takeOver(before)
	}
	if displaces {
		h.peers.displace(e, elsewhere)
	}
	e.told.mu.Unlock()
	if old != nil {
		old.session.Deliver(Kicked{Elsewhere})
	}
	if displaces {
		h.succeed(elsewhere.whereabouts, e.number)
	}
}

// AwaitPrior waits until the sign-in that e displaced has ended and can change nothing any
// more, and until every node knows of e, or until ctx ends.
func (h *Hub) AwaitPrior(ctx context.Context, e *Entry) {
	st := h.stripe(e.User())
	st.mu.RLock()
	end := st.awaits[e.number]
	st.mu.RUnlock()
	if end != nil {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	if h.peers != nil {
		h.peers.settle(ctx, e)
	}
}

// SignOut ends a sign-in: watchers hear that the user left, at once or, when a newer sign-in
// has displaced this one, unless that comes on line within the hold. When the server stops
// they hear nothing. watchers is called after the user has left the directory. One that this node
// sends away, and that was displaced at another before it had ended here, goes on there.
func (h *Hub) SignOut(e *Entry, watchers Watchers, how Ending) {
	id := e.User()
	away := how == Expelled && h.peers != nil && h.peers.drains(h.peers.cluster.Self())
	st := h.stripe(id)
	st.mu.Lock()
	displaced := h.present(id) != e
	silent := how == Stopped && st.far.find(id) == nil
	if !displaced {
		h.remove(e)
		st.lingering[id] = &e.told // for who signs in while this one has not ended
		if h.peers != nil {
			h.peers.leaving(st, e, how)
		}
	}
	st.mu.Unlock()

	held := false
	if !silent {
		held = h.leave(e, watchers, displaced, how)
	}
	st.mu.Lock()
	st.end(e)
	if !held {
		h.departed(st, e)
	}
	newer := uint64(0)
	if f := st.far.find(id); f != nil && away && displaced {
		newer = f.number()
	}
	st.mu.Unlock()
	if newer < e.number {
		h.end(id, e.number, how)
		return
	}
	h.end(id, e.number, Stopped)
	h.move(id, e.number, newer)
}

// leave tells watchers that e is gone, now or after the hold, and reports whether that lasts.
func (h *Hub) leave(e *Entry, watchers Watchers, displaced bool, how Ending) (held bool) {
	t := e.lock()
	defer t.mu.Unlock()
	var out *signedOut // what other nodes hear, at the same time
	if h.peers != nil && !displaced {
		out = h.peers.signOut(e, how)
		if out.Unsure {
			h.peers.seek(e.User())
		}
		defer func() {
			if out != nil {
				h.peers.all(message{SignedOut: out})
			}
		}()
	}
	switch {
	case !t.presence().Visible():
	case h.peers != nil && h.peers.succeeded(e, displaced):
		h.drop(t)
		t.note(im.Presence{}, "")
	case t.spoke != e.number:
		// The watchers know the user from the sign-in that displaced this one, or from one that
		// this one displaced, whose own end tells them unless it has held that back.
		if !displaced && t.held != nil {
			h.depart(e, t, t.held.watchers, out)
			out = nil
		}
	case displaced && h.isIn(e.User()):
		h.drop(t)
		d := &departure{watchers: watchers(nil)}
		t.held = d
		h.clock.Set(&d.timer, time.Duration(h.hold.Load()), func() { h.release(e, d) })
	default:
		h.tellAll(watchers, func(ids []im.UserID) { h.depart(e, t, ids, out) })
		out = nil
	}
	return t.held != nil
}

// release ends the hold: the new sign-in did not come on line in time.
func (h *Hub) release(e *Entry, d *departure) {
	t := e.lock()
	defer t.mu.Unlock()
	if t.held == d {
		h.departHeld(e, t)
	}
}

// leaveNow ends the hold early: the new sign-in, which was at another node, has ended.
func (h *Hub) leaveNow(e *Entry) {
	t := e.lock()
	defer t.mu.Unlock()
	if t.held != nil {
		h.departHeld(e, t)
	}
}

// departHeld tells what was held back. t.mu is held.
func (h *Hub) departHeld(e *Entry, t *told) {
	h.depart(e, t, t.held.watchers, nil)
	st := h.stripe(e.User())
	st.mu.Lock()
	defer st.mu.Unlock()
	h.departed(st, e)
}

// departed forgets that e, of which nothing is left, was displaced from another node, if it was. The
// user's stripe is locked.
func (h *Hub) departed(st *stripe, e *Entry) {
	if st.departing[e.User()] == e {
		delete(st.departing, e.User())
		h.peers.displaced(e)
	}
}

// forgo has watchers hear nothing more from a sign-in that ends: the new one, which is at another
// node, tells them. It returns what they were told, locked for the time in which it does.
func (h *Hub) forgo(id im.UserID, before *told) *told {
	t := before.lock()
	h.drop(t)
	t.note(im.Presence{}, "")
	st := h.stripe(id)
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := st.departing[id]; e != nil && st.ends[e.number] == nil {
		h.departed(st, e)
	}
	return t
}

// drop forgets a departure that was held back. t.mu is held.
func (h *Hub) drop(t *told) {
	if t.held != nil {
		h.clock.Stop(&t.held.timer)
		t.held = nil
	}
}

// depart tells watchers that e's user is gone, and other nodes with that that the sign-in is, unless
// out is nil. t.mu is held.
func (h *Hub) depart(e *Entry, t *told, watchers []im.UserID, out *signedOut) {
	h.tell(e, t, im.Presence{Status: msnp.Offline}, t.name, watchers, out)
	h.drop(t)
}

// SetPresence makes p what the directory and the watchers know of e's user. Watchers hear
// of it when it is different from what they were told, and when it is the first word of a
// sign-in: some may have come while it was silent.
//
// watchers is called after the directory has changed, so that somebody who comes to see the
// user meanwhile either finds p there or is among them.
func (h *Hub) SetPresence(e *Entry, p im.Presence, watchers Watchers) {
	t := e.lock()
	defer t.mu.Unlock()
	st := h.stripe(e.User())
	st.mu.Lock()
	e.setPresence(p)
	name := e.name
	st.mu.Unlock()
	if t != &e.told || h.displaced(e) {
		return
	}
	first := t.spoke != e.number
	t.spoke = e.number
	h.drop(t)
	before := t.presence()
	other := p != before || name != t.name
	if p.Visible() && (first || other) || p.Visible() != before.Visible() {
		h.tellAll(watchers, func(ids []im.UserID) { h.tell(e, t, p, name, ids, nil) })
	} else if h.peers != nil {
		h.peers.tell(change(e, p, name), nil, nil)
	}
}

// displaced reports whether a sign-in at another node has taken the place of e.
func (h *Hub) displaced(e *Entry) bool { return h.peers != nil && h.present(e.User()) != e }

// SetName does the same with the user's friendly name. Before the first presence of a
// sign-in watchers hear nothing.
func (h *Hub) SetName(e *Entry, name string, watchers Watchers) {
	t := e.lock()
	defer t.mu.Unlock()
	st := h.stripe(e.User())
	st.mu.Lock()
	if name != e.name { // what it has keeps its memory with the handle
		e.name = name
	}
	p := e.presence()
	st.mu.Unlock()
	if t != &e.told || h.displaced(e) {
		return
	}
	if t.spoke == e.number && p.Visible() && name != t.name {
		h.tellAll(watchers, func(ids []im.UserID) { h.tell(e, t, p, name, ids, nil) })
	} else if h.peers != nil {
		h.peers.tell(change(e, p, name), nil, nil)
	}
}

// SetPrivacy tells users whether e's user lets them see him now, in order with his changes
// of presence. who is called with that order settled. seen is what the node of one who has just put e's
// user on his list knew of that one, or zero: he was not among those who were told of changes before
// this, which may still have been on their way there.
func (h *Hub) SetPrivacy(e *Entry, seen Known, who func() (users []im.UserID, allowed bool)) {
	t := e.lock()
	defer t.mu.Unlock()
	if t != &e.told || h.displaced(e) {
		return
	}
	users, allowed := who()
	st := h.stripe(e.User())
	st.mu.RLock()
	person, now := e.person(), e.presence()
	st.mu.RUnlock()
	for _, u := range users {
		h.Deliver(u, PrivacyChanged{Who: person, Allowed: allowed, Now: now, Seen: seen})
	}
}

// tellAll calls fn with the watchers, in memory that is lent.
func (h *Hub) tellAll(watchers Watchers, fn func([]im.UserID)) {
	room := h.lists.Get().(*[]im.UserID)
	*room = watchers((*room)[:0])
	fn(*room)
	h.lists.Put(room)
}

// tell delivers a change to watchers, one after another. out is what other nodes are told besides, or
// nil. t.mu is held.
func (h *Hub) tell(e *Entry, t *told, p im.Presence, name string, watchers []im.UserID, out *signedOut) {
	ev := &PresenceChanged{
		Who: im.Person{ID: e.User(), Handle: e.handle, Name: name}, Before: t.presence(), Now: p, Renamed: name != t.name,
	}
	t.note(p, name)
	h.spread(ev, watchers)
	if h.peers != nil {
		m := change(e, p, name)
		m.Before, m.Renamed = ev.Before, ev.Renamed
		h.peers.tell(m, watchers, out)
	}
}

// spread delivers a change to watchers here, one after another, and takes the time. The owner of the
// change is locked.
func (h *Hub) spread(ev *PresenceChanged, watchers []im.UserID) {
	began := time.Now()
	for _, id := range watchers {
		if w := h.present(id); w != nil {
			w.session.Deliver(ev)
		}
	}
	h.timed(time.Since(began))
	h.lines.Add(ev.lines)
}
