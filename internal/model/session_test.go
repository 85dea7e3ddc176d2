package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"monarch/msnp"
)

// signIn is a sign-in, perhaps in place of an older one. docs/protocol/signin.md#elsewhere
func (w *world) signIn(c command) {
	me := &w.people[c.who]
	if old := me.at; old != nil {
		if old.visible() {
			me.held = w.ticks
		}
		w.say(old.key, "OUT OTH")
		w.say(old.key, closed)
		w.expel(c.who)
	}
	me.at = &session{
		key: c.key, dialect: atoi(c.arg(0)), sees: make(map[int]string), leaving: make(map[int]int), numbers: make(map[int]numbers),
	}
	w.answer(c, "USR 4 OK", me.handle, msnp.Escape(me.name), 1, 0)
	w.answer(c, "MSG Hotmail Hotmail {profile}")
}

// expel closes the switchboard connections of somebody whose sign-in the server ended, and of
// those before it.
func (w *world) expel(who int) {
	for _, key := range slices.Sorted(maps.Keys(w.members)) {
		if w.members[key].who == who {
			w.depart(key)
		}
	}
}

// leave is the end of a session that the client wants, or brings about.
func (w *world) leave(who int) {
	me := &w.people[who]
	w.say(me.at.key, closed)
	me.at, me.held = nil, -1
	w.look(who)
}

// out is OUT, a command that no client may send, or the end of a connection.
func (w *world) signOut(c command) { w.leave(c.who) }

// kick is what an operator does.
func (w *world) kick(c command) {
	key := w.people[c.who].at.key
	w.say(key, "OUT SSD")
	w.leave(c.who)
	w.expel(c.who)
}

// chg is CHG. docs/protocol/presence.md#chg
func (w *world) chg(c command) {
	me, s := &w.people[c.who], w.people[c.who].at
	if c.arg(0) == "FLN" {
		w.refuse(c, 201)
		return
	}
	first := !s.online
	s.online, s.status, s.flags, s.object = true, c.arg(0), "0", ""
	if len(c.args) > 1 {
		s.flags = c.arg(1)
	}
	if s.dialect == 9 && c.arg(2) != "0" {
		s.object = c.arg(2)
	}
	w.answer(c, strings.TrimSpace("CHG "+strconv.Itoa(c.n)+" "+strings.Join(c.args, " ")))
	for v := range w.people {
		if !first || v == c.who || !w.on(c.who, forward, v) {
			continue // of himself he hears as all others do
		}
		if now := w.sight(v, c.who); now != "" {
			w.answer(c, "ILN", c.n, now)
			s.sees[v] = now
		}
	}
	me.held = -1
	w.look(c.who)
}

// xfr is XFR. docs/protocol/switchboard.md#xfr
func (w *world) xfr(c command) {
	s := w.people[c.who].at
	switch {
	case c.arg(0) != "SB":
		w.refuse(c, 201)
	case !s.visible() || s.refusing:
		w.refuse(c, 913)
	default:
		name := "<ckx" + strconv.Itoa(c.n) + ">"
		w.cookies[name] = cookie{login: s.key, since: w.ticks}
		w.answer(c, "XFR", c.n, "SB <board> CKI", name)
	}
}

// ims is IMS. docs/protocol/presence.md#ims
func (w *world) ims(c command) {
	w.people[c.who].at.refusing = c.arg(0) == "OFF"
	w.answer(c, "IMS", c.n, 0, c.arg(0))
}

// again is USR of somebody who is signed in.
func (w *world) again(c command) { w.refuse(c, 207) }

// tick is time that passes: enough for what is held back, and for the moves.
func (w *world) tick(command) {
	w.ticks++
	for u := range w.people {
		if w.people[u].held >= 0 {
			w.people[u].held = -1
			w.look(u)
		}
	}
	w.settle()
	w.ageRooms()
}

// drop is a connection that breaks, of either server.
func (w *world) drop(c command) {
	if isBoard(c.key) {
		w.depart(c.key)
		return
	}
	w.leave(c.who)
}
