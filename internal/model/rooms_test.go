package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"monarch/msnp"
)

// room is a conversation.
type room struct {
	members []string       // connections in the order of joining
	rings   map[int]string // by callee: the cookie
	active  int            // when something was last said
}

// member is somebody's connection to a room.
type member struct {
	room  string
	who   int
	login string
	name  string // as he came
	data  bool
}

// cookie lets one login in once.
type cookie struct {
	login string
	room  string // of a callee's
	since int
	used  bool
}

// The times of rooms in ticks: what the settings of the test say.
const (
	cookieLife = 1
	idleRoom   = 3
	idleGroup  = 6
	maxRoom    = 3 // participants
)

// present uses a cookie up and reports whether it is good for one of that login.
func (w *world) present(name, login string) (cookie, bool) {
	c, known := w.cookies[name]
	fresh := known && !c.used
	c.used = true
	if known {
		w.cookies[name] = c
	}
	return c, fresh && login != "" && c.login == login && w.ticks-c.since <= cookieLife
}

// login is what a cookie of his must be bound to.
func (w *world) login(who int) string {
	if s := w.people[who].at; s != nil {
		return s.key
	}
	return ""
}

// enter is USR on a switchboard: a handle and a cookie. docs/protocol/switchboard.md#usr
func (w *world) enter(c command) {
	who := w.byHandle(strings.ToLower(c.arg(0)))
	k, ok := w.present(c.arg(1), w.login(who))
	if !ok || k.room != "" {
		w.refuse(c, 911)
		w.answer(c, closed)
		return
	}
	id := "<sid" + strconv.Itoa(c.n) + ">"
	m := w.sit(c.key, id, who)
	w.rooms[id] = room{members: []string{c.key}, rings: make(map[int]string), active: w.ticks}
	w.answer(c, "USR", c.n, "OK", w.people[who].handle, m.name)
}

func (w *world) sit(key, id string, who int) member {
	p := w.people[who]
	m := member{room: id, who: who, login: p.at.key, name: msnp.Escape(p.name), data: p.at.dialect == 9}
	w.members[key] = m
	return m
}

// ans is ANS: a handle, a cookie, an id. docs/protocol/switchboard.md#ans
func (w *world) ans(c command) {
	who := w.byHandle(strings.ToLower(c.arg(0)))
	k, ok := w.present(c.arg(1), w.login(who))
	r, exists := w.rooms[k.room]
	if !ok || !exists || k.room != c.arg(2) || r.rings[who] != c.arg(1) {
		w.refuse(c, 911)
		w.answer(c, closed)
		return
	}
	delete(r.rings, who)
	for i, key := range r.members {
		other := w.members[key]
		w.answer(c, "IRO", c.n, i+1, len(r.members), w.people[other.who].handle, other.name)
	}
	w.answer(c, "ANS", c.n, "OK")
	m := w.sit(c.key, k.room, who)
	w.tell(r, "", "JOI", w.people[who].handle, m.name)
	r.members, r.active = append(r.members, c.key), w.ticks
	w.rooms[k.room] = r
}

// tell says a line to all members but one.
func (w *world) tell(r room, but string, words ...any) {
	for _, key := range r.members {
		if key != but {
			w.say(key, words...)
		}
	}
}

// cal is CAL. docs/protocol/switchboard.md#cal
func (w *world) cal(c command) {
	m := w.members[c.key]
	r := w.rooms[m.room]
	handle := strings.ToLower(c.arg(0))
	at, domain, _ := strings.Cut(handle, "@")
	switch {
	case w.login(m.who) != m.login:
		w.refuse(c, 913)
		return
	case at == "" || domain == "":
		w.refuse(c, 208)
		return
	}
	r.active = w.ticks
	w.rooms[m.room] = r
	callee := w.byHandle(handle)
	here := slices.ContainsFunc(r.members, func(key string) bool { return w.members[key].who == callee })
	ring, ringing := r.rings[callee]
	switch {
	case here || ringing && w.cookies[ring].login == w.login(callee):
		w.refuse(c, 215)
	case callee < 0 || !w.mayBeCalled(callee, m.who) || w.full(r):
		w.refuse(c, 217)
	default:
		name := "<ckr" + strconv.Itoa(c.n) + ">"
		w.cookies[name] = cookie{login: w.login(callee), room: m.room, since: w.ticks}
		r.rings[callee] = name
		w.answer(c, "CAL", c.n, "RINGING", m.room)
		w.say(w.people[callee].at.key, "RNG", m.room, "<board> CKI", name, w.people[m.who].handle, m.name)
	}
}

// full counts those who ring, where the ringing ends with their sign-in.
func (w *world) full(r room) bool {
	n := len(r.members)
	for who, name := range r.rings {
		if w.cookies[name].login == w.login(who) {
			n++
		}
	}
	return n >= maxRoom
}

func (w *world) mayBeCalled(callee, caller int) bool {
	s := w.people[callee].at
	return s.visible() && !s.refusing && w.allows(callee, caller)
}

// msg is MSG: a letter and a payload. docs/protocol/switchboard.md#acknowledgements
func (w *world) msg(c command) {
	m := w.members[c.key]
	r := w.rooms[m.room]
	ack := c.arg(0)
	switch {
	case ack == "D" && !m.data:
		w.depart(c.key)
		return
	case ack == "D" && c.payload != dataMessage:
		w.refuse(c, 282)
		return
	}
	reached := len(r.members) > 1
	if reached {
		r.active = w.ticks
		w.rooms[m.room] = r
		if c.payload != "" {
			w.tell(r, c.key, "MSG", w.people[m.who].handle, m.name, len(c.payload), "+", c.payload)
		}
	}
	switch {
	case reached && strings.Contains("ASD", ack):
		w.answer(c, "ACK", c.n)
	case !reached && strings.Contains("AND", ack):
		w.answer(c, "NAK", c.n)
	}
}

// The payloads of messages: a text, and one that is data.
const (
	textMessage = "MIME-Version: 1.0;Content-Type: text/plain;;Hello;"
	dataMessage = "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\r\nHello"
)

// hangUp is OUT on a switchboard.
func (w *world) hangUp(c command) { w.depart(c.key) }

// depart takes a member out of his room. docs/protocol/switchboard.md#leaving
func (w *world) depart(key string) {
	m := w.members[key]
	r := w.rooms[m.room]
	delete(w.members, key)
	r.members = slices.DeleteFunc(slices.Clone(r.members), func(other string) bool { return other == key })
	w.rooms[m.room] = r
	w.say(key, closed)
	w.tell(r, "", "BYE", w.people[m.who].handle)
	w.age(m.room)
}

// ageRooms ends what has become too old.
func (w *world) ageRooms() {
	for _, id := range slices.Sorted(maps.Keys(w.rooms)) {
		for who, name := range w.rooms[id].rings {
			if w.ticks-w.cookies[name].since > cookieLife {
				delete(w.rooms[id].rings, who)
			}
		}
		w.age(id)
	}
}

// age ends a room in which nothing was said for too long, or that nobody is in or may enter.
// docs/protocol/switchboard.md#idle
func (w *world) age(id string) {
	r := w.rooms[id]
	limit := idleRoom
	if len(r.members) > 2 {
		limit = idleGroup
	}
	switch {
	case len(r.members) == 0 && len(r.rings) == 0:
	case len(r.members) > 0 && w.ticks-r.active > limit:
		for _, key := range r.members {
			for _, other := range r.members {
				if other != key {
					w.say(key, "BYE", w.people[w.members[other].who].handle, 1)
				}
			}
			w.say(key, closed)
		}
		for _, key := range r.members {
			delete(w.members, key)
		}
	default:
		return
	}
	delete(w.rooms, id)
}
