package sb

import (
	"crypto/subtle"
	"slices"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// room is one conversation. Its lock is held while lines are queued to participants, which
// gives all of them one order; it is never held across a call to the hub.
// docs/protocol/switchboard.md#life
type room struct {
	srv *Server // immutable
	id  uint32  // immutable once registered: the session id

	mu      sync.Mutex
	members []*member // in the order of joining
	ringing map[im.UserID]*invitation
	active  time.Duration // when something was last said, by the clock's Elapsed
	idle    clock.Timer
	closed  bool
}

// invitation is a call that was not answered yet.
type invitation struct {
	room   *room
	user   im.UserID
	login  uint64 // number of the callee's sign-in, which may answer it
	cookie string
	expiry clock.Timer

	caller *member
	called time.Duration // when, by the clock's Elapsed
	reply  []byte        // what he is told when it rings; nil once he was
	known  chan struct{} // closed when it has rung or ended; nil while nobody waits for that
}

// invited returns the invitation that an answer has the cookie of, or nil. r.mu is held.
func (r *room) invited(m *member, a msnp.Answer) *invitation {
	inv := r.ringing[m.who.ID]
	if inv == nil || r.closed || inv.login != m.login ||
		subtle.ConstantTimeCompare([]byte(inv.cookie), []byte(a.Cookie)) != 1 {
		return nil
	}
	return inv
}

// expects reports whether an answer has the cookie of an invitation, so that nobody else enters.
func (r *room) expects(m *member, a msnp.Answer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.invited(m, a) != nil
}

// answer seats somebody who was called and has entered, if he is still invited: he is told
// who is there, they are told that he came. docs/protocol/switchboard.md#ans
func (r *room) answer(m *member, a msnp.Answer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	inv := r.invited(m, a)
	if inv == nil {
		return false
	}
	r.rang(inv)
	r.settle(inv)
	r.srv.Metrics.Answered.Took(r.srv.Clock.Elapsed() - inv.called)
	m.room = r
	var out []byte
	n := msnp.Uint(len(r.members))
	for i, other := range r.members {
		out = msnp.AppendLine(out, msnp.IRO, string(a.TrID), msnp.Uint(i+1), n, other.who.Handle, other.nick)
	}
	r.members = append(r.members, m)
	r.touch()
	r.watch()
	m.conn.Send(msnp.AppendLine(out, msnp.ANS, string(a.TrID), "OK"))
	r.broadcast(m, msnp.AppendLine(nil, msnp.JOI, m.who.Handle, m.nick))
	return true
}

// broadcast sends a line to all but one. Whoever does not take it leaves, and the rest
// hears of that too. r.mu is held.
func (r *room) broadcast(but *member, line []byte) {
	var lost []*member
	for _, m := range r.members {
		if m != but && !m.conn.Send(line) {
			lost = append(lost, m)
		}
	}
	for _, m := range lost {
		r.remove(m)
	}
}

// remove takes a participant out and tells the others. r.mu is held.
func (r *room) remove(m *member) {
	if m.gone {
		return
	}
	m.gone = true
	r.members = slices.DeleteFunc(slices.Clone(r.members), func(other *member) bool { return other == m })
	r.broadcast(nil, msnp.AppendLine(nil, msnp.BYE, m.who.Handle))
}

// leave is called when a participant's connection has ended.
func (r *room) leave(m *member) {
	r.mu.Lock()
	r.remove(m)
	r.watch()
	r.mu.Unlock()
}

// relay hands a message to everybody but its sender, tells him what became of it as far as
// he asked, and reports whether there was somebody and all of them took it. Who leaves just
// then is heard to leave before a NAK or after an ACK.
// docs/protocol/switchboard.md#acknowledgements
func (r *room) relay(from *member, msg msnp.Message, now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	delivered := r.pass(from, msg.Payload, now)
	switch {
	case delivered && msg.Ack.Success():
		from.header = msnp.AppendOutcome(from.header[:0], msnp.ACK, msg.TrID)
		from.conn.Send(from.header)
	case !delivered && msg.Ack.Failure():
		from.conn.Send(msnp.AppendOutcome(nil, msnp.NAK, msg.TrID))
	}
	return delivered
}

// pass queues a message for everybody but its sender. r.mu is held.
func (r *room) pass(from *member, payload []byte, now time.Duration) bool {
	if from.gone || len(r.members) < 2 {
		return false
	}
	r.active = max(r.active, now)
	if len(payload) == 0 {
		return true // some clients cannot read an empty message
	}
	from.header = msnp.AppendRelayed(from.header[:0], from.who.Handle, from.nick, len(payload))
	var lost []*member
	for _, m := range r.members {
		if m != from && !m.conn.Send(from.header, payload) {
			lost = append(lost, m)
		}
	}
	for _, m := range lost {
		r.remove(m)
	}
	return len(lost) == 0
}

// invite reserves the place of somebody who is about to be called. It returns a code when he
// is there or ringing, or the room is full. While it is not known whether another call rings,
// it reserves nothing, and returns what is closed then: that call may be forbidden, this one not.
func (r *room) invite(callee hub.Login, handle string, inv *invitation) (before <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch()
	if r.present(handle) {
		return nil, msnp.CodeAlreadyThere
	}
	user := callee.Person.ID // zero when nobody of this handle is signed in
	if old := r.ringing[user]; old != nil {
		switch {
		case old.login == callee.Number && old.reply == nil:
			return nil, msnp.CodeAlreadyThere
		case old.login == callee.Number:
			return old.outcome(), nil
		}
		r.settle(old) // it rang at a sign-in that has ended
	}
	if user == 0 || inv.caller.gone || len(r.members)+len(r.ringing) >= r.srv.Limits().Participants {
		return nil, msnp.CodeNotOnline
	}
	inv.room, inv.user, inv.login = r, user, callee.Number
	r.ringing[user] = inv
	r.srv.rings(inv)
	r.srv.Clock.Set(&inv.expiry, r.srv.Limits().CookieLife, func() { r.withdraw(inv) })
	return nil, nil
}

// outcome returns what is closed when the call has rung or ended. room.mu is held.
func (inv *invitation) outcome() <-chan struct{} {
	if inv.known == nil {
		inv.known = make(chan struct{})
	}
	return inv.known
}

// decided lets those know who wait for the outcome. room.mu is held.
func (inv *invitation) decided() {
	if inv.known != nil {
		close(inv.known)
		inv.known = nil
	}
}

// ring tells the caller that his call has rung.
func (r *room) ring(inv *invitation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rang(inv)
}

// rang does that once: whoever was called may have answered before the caller's own command
// is done, and then it comes before the line that says so. r.mu is held.
func (r *room) rang(inv *invitation) {
	if inv.reply != nil {
		inv.caller.conn.Send(inv.reply)
		r.srv.Metrics.Ringing.Took(r.srv.Clock.Elapsed() - inv.called)
		inv.reply = nil
		inv.decided()
	}
}

func (r *room) present(handle string) bool {
	return slices.ContainsFunc(r.members, func(m *member) bool { return m.who.Handle == handle })
}

// withdraw ends an invitation that was refused or has expired.
func (r *room) withdraw(inv *invitation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ringing[inv.user] == inv {
		r.settle(inv)
		r.watch()
	}
}

// settle ends an invitation. r.mu is held.
func (r *room) settle(inv *invitation) {
	r.srv.Clock.Stop(&inv.expiry)
	delete(r.ringing, inv.user)
	r.srv.silent(inv)
	inv.decided()
}

// touch restarts the idle time. r.mu is held.
func (r *room) touch() { r.active = r.srv.Clock.Elapsed() }

// watch sets the idle timer after the number of participants changed, and ends the room when
// nobody is left who is here or may come. r.mu is held.
func (r *room) watch() {
	switch {
	case r.closed:
	case len(r.members) > 0:
		r.srv.Clock.Wake(r, 0, r.active+r.limit()-r.srv.Clock.Elapsed())
	case len(r.ringing) == 0:
		r.closed = true
		r.srv.Clock.Stop(&r.idle)
		r.srv.forget(r)
	default:
		r.srv.Clock.Stop(&r.idle)
	}
}

// limit is how long nothing may be said. docs/protocol/switchboard.md#idle
func (r *room) limit() time.Duration {
	if len(r.members) > 2 {
		return r.srv.Limits().IdleGroup
	}
	return r.srv.Limits().Idle
}

// Timer makes a room a clock.Sleeper with the one timer.
func (r *room) Timer(int) *clock.Timer { return &r.idle }

// Wake is what the clock calls.
func (r *room) Wake(int) { r.clear() }

// clear ends a conversation in which nothing was said for too long.
func (r *room) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.srv.Clock.Elapsed()-r.active < r.limit() {
		r.watch()
		return
	}
	if len(r.members) > 0 {
		r.srv.Metrics.RoomsIdle.Inc()
	}
	for _, m := range r.members {
		var out []byte
		for _, other := range r.members {
			if other != m {
				out = msnp.AppendLine(out, msnp.BYE, other.who.Handle, "1")
			}
		}
		m.conn.Send(out)
	}
	r.dismiss(conn.Idle)
}

// farewell ends the conversation because the server stops.
func (r *room) farewell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		m.conn.Send(msnp.AppendLine(nil, msnp.OUT, "SSD"))
	}
	r.dismiss(conn.Unavailable)
}

// dismiss closes every connection without a BYE to anybody. r.mu is held.
func (r *room) dismiss(why conn.Reason) {
	for _, m := range r.members {
		m.gone = true
		m.conn.Close(why)
	}
	r.members = nil
	for _, inv := range r.ringing {
		r.settle(inv)
	}
	r.watch()
}
