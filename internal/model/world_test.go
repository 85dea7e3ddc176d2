package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"monarch/msnp"
)

// world is what the model says there is. It is written for obviousness alone: whenever
// something happens, who sees what is worked out anew for everybody. People are numbered in
// the order of their accounts.
type world struct {
	ticks   int // of time that passed
	people  []person
	rooms   map[string]room
	members map[string]member // of all rooms, by their connections
	moves   map[[2]int]bool   // owner and contact: that left his last group
	cookies map[string]cookie // by what stands for them
	out     map[string][]heard
	before  map[string]progress // of clients, before what is going on
}

// The lists, as the bits of LST.
const (
	forward = 1 << iota
	allow
	block
	reverse
)

var lists = map[string]int{"FL": forward, "AL": allow, "BL": block}

type person struct {
	handle, name   string
	version        int
	prompt, policy string
	groups         map[int]string
	links          map[int]link
	props          map[string]string
	at             *session // nil: not signed in
	held           int      // when the departure of a displaced session was held back, or -1
}

type link struct {
	lists   int // without reverse
	groups  []int
	stored  string
	numbers numbers // in a client's copy
}

// session is one sign-in.
type session struct {
	progress
	key      string // of its connection
	dialect  int
	early    bool // has changed something before that
	linked   bool // has sent something that is about lists
	online   bool // has sent its first CHG
	refusing bool // IMS OFF
	status   string
	flags    string
	object   string
	sees     map[int]string  // what its client was told of whom, but for the verb
	leaving  map[int]int     // who took him off their lists at which version, which its client was not told
	numbers  map[int]numbers // what its client was told of whom it has on the forward list
}

func (w *world) clone() *world {
	c := &world{
		ticks: w.ticks, people: slices.Clone(w.people), rooms: make(map[string]room), members: maps.Clone(w.members),
		moves: maps.Clone(w.moves), cookies: maps.Clone(w.cookies), out: make(map[string][]heard), before: w.before,
	}
	for i := range c.people {
		p := &c.people[i]
		p.groups, p.links, p.props = maps.Clone(p.groups), maps.Clone(p.links), maps.Clone(p.props)
		if p.at != nil {
			s := *p.at
			s.sees, s.leaving, s.numbers = maps.Clone(s.sees), maps.Clone(s.leaving), maps.Clone(s.numbers)
			p.at = &s
		}
	}
	for id, r := range w.rooms {
		r.members, r.rings = slices.Clone(r.members), maps.Clone(r.rings)
		c.rooms[id] = r
	}
	return c
}

// String tells worlds that differ apart.
func (w *world) String() string {
	text := fmt.Sprint(w.ticks, w.rooms, w.members, w.moves, w.cookies)
	for _, p := range w.people {
		at := p.at
		p.at = nil
		text += fmt.Sprint("\n", p)
		if at != nil {
			text += fmt.Sprint(*at)
		}
	}
	return text
}

// command is something that somebody does.
type command struct {
	n       int    // its number, which is its transaction id
	who     int    // who does it
	key     string // the connection
	verb    string
	args    []string
	payload string
}

func (c command) String() string {
	return fmt.Sprintf("%s> %s %d %v %q", c.key, c.verb, c.n, c.args, c.payload)
}

// arg returns an argument, or "" where there is none.
func (c command) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

// do is what a command does to the world.
func (w *world) do(c command) {
	if s := w.people[c.who].at; s != nil && !s.synced && slices.Contains(changes, c.verb) {
		s.early = true
	}
	if s := w.people[c.who].at; s != nil && slices.Contains(linking, c.verb) {
		s.linked = true
	}
	actions[c.verb](w, c)
}

// changes are the commands that may raise a version.
var changes = []string{"ADD", "REM", "REA", "ADG", "REG", "RMG", "GTC", "BLP", "PRP"}

// linking are the commands for which the server needs somebody's lists.
var linking = []string{"SYN", "CHG", "ADD", "REM", "REA", "RMG", "BLP"}

// actions are what may happen, by verb. Those on a switchboard have "sb" in front, those
// at the website "web".
var actions = map[string]func(*world, command){
	"sign in": (*world).signIn, "OUT": (*world).signOut, "NLN": (*world).signOut, "kick": (*world).kick,
	"drop": (*world).drop, "tick": (*world).tick,
	"SYN": (*world).syn, "CHG": (*world).chg, "XFR": (*world).xfr, "IMS": (*world).ims, "USR": (*world).again,
	"ADD": (*world).add, "REM": (*world).rem, "REA": (*world).rea, "PRP": (*world).prp,
	"ADG": (*world).adg, "REG": (*world).reg, "RMG": (*world).rmg, "GTC": (*world).gtc, "BLP": (*world).blp,
	"web add": (*world).webAdd, "web remove": (*world).webRemove, "web name": (*world).webName, "web move": (*world).webMove,
	"web allow": (*world).webAllow, "web block": (*world).webBlock, "web unblock": (*world).webUnblock, "web undecide": (*world).webUndecide,
	"web nick": (*world).webNick, "web policy": (*world).webPolicy, "web prompt": (*world).webPrompt,
	"web group": (*world).webGroup, "web rename": (*world).webRename, "web dissolve": (*world).webDissolve,
	"sb USR": (*world).enter, "sb ANS": (*world).ans, "sb CAL": (*world).cal, "sb MSG": (*world).msg, "sb OUT": (*world).hangUp,
}

// closed is what a connection shows when the server has closed it.
const closed = "x"

func (w *world) say(key string, words ...any) { w.inform(key, heard{}, words...) }

// inform says a line that is more than its words. Of the progress of clients the order in which
// things are told makes no difference in the end.
func (w *world) inform(key string, h heard, words ...any) {
	line := fmt.Sprintln(words...)
	h.text = line[:len(line)-1]
	w.out[key] = append(w.out[key], h)
	for _, p := range w.people {
		if p.at != nil && p.at.key == key {
			p.at.meet(h)
		}
	}
}

// change answers with a line that tells of a change of one's own.
func (w *world) change(c command, words ...any) {
	w.inform(c.key, heard{tells: []int{w.people[c.who].version}}, words...)
}

// answer says a line to who did something.
func (w *world) answer(c command, words ...any) { w.say(c.key, words...) }

// refuse answers with an error.
func (w *world) refuse(c command, code int) { w.say(c.key, code, c.n) }

func (w *world) byHandle(handle string) int {
	return slices.IndexFunc(w.people, func(p person) bool { return p.handle == handle })
}

// step raises versions, of everybody once.
func (w *world) step(who ...int) {
	slices.Sort(who)
	for _, i := range slices.Compact(who) {
		w.people[i].version++
	}
}

// on reports whether peer is on a list of owner's.
func (w *world) on(owner, list, peer int) bool {
	if list == reverse {
		owner, list, peer = peer, forward, owner
	}
	return w.people[owner].links[peer].lists&list != 0
}

// allows reports whether u lets v see and call him. docs/protocol/presence.md#who
func (w *world) allows(u, v int) bool {
	if w.on(u, block, v) {
		return false
	}
	return w.on(u, allow, v) || w.people[u].policy == "AL"
}

func (s *session) visible() bool { return s != nil && s.online && s.status != "HDN" }

// sight is how v sees u if he has him on his list, in the words of his dialect; "" is off
// line. docs/protocol/presence.md#lines
func (w *world) sight(u, v int) string {
	p, s := w.people[u], w.people[u].at
	if !s.visible() || !w.allows(u, v) {
		return ""
	}
	text := s.status + " " + p.handle + " " + msnp.Escape(p.name) + " " + s.flags
	if w.people[v].at.dialect == 9 && s.object != "" {
		text += " " + s.object
	}
	return text
}

// look tells everybody what is new to him about u. docs/protocol/presence.md#events
func (w *world) look(u int) {
	p := &w.people[u]
	for v := range w.people {
		s := w.people[v].at
		if s == nil || !s.online || !w.on(v, forward, u) {
			continue
		}
		old, now := s.sees[u], w.sight(u, v)
		if p.held >= 0 && w.allows(u, v) {
			now = old // of his new session nothing is known yet
		}
		switch now {
		case old:
			continue
		case "":
			w.say(s.key, "FLN", p.handle)
		default:
			w.say(s.key, "NLN", now)
		}
		s.sees[u] = now
	}
}

// listing tells a contact, if his client keeps lists, that he is on somebody's list or off it.
// Of a move that is over the client need not hear, unless it knows that it began, or not.
// docs/protocol/lists.md#moves
func (w *world) listing(how listing, owner, contact int) {
	p, s := w.people[owner], w.people[contact].at
	if s == nil || !s.synced {
		return
	}
	left, leaving := s.leaving[owner]
	delete(s.leaving, owner)
	h := heard{of: p.handle, props: w.numbers(owner, contact)}
	if leaving {
		h.tells = []int{left}
	}
	if how != gone {
		h.tells = append(h.tells, w.people[contact].version)
	}
	switch {
	case how == returned && leaving, how == gone && !leaving:
		w.inform(s.key, h)
	case how == added, how == returned:
		w.inform(s.key, h, "ADD 0 RL", newest, p.handle, msnp.Escape(p.name))
	default:
		w.inform(s.key, h, "REM 0 RL", newest, p.handle)
	}
}

// listing is what became of a contact.
type listing int

const (
	added    listing = iota
	returned         // at the end of a move
	removed
	gone // and did not return
)

func atoi(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
