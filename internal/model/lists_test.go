package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"monarch/msnp"
)

// maxContacts is limits.max_contacts: small, so that lists get full.
const maxContacts = 3

// add is ADD. docs/protocol/lists.md#add
func (w *world) add(c command) {
	me := &w.people[c.who]
	list, handle := lists[c.arg(0)], strings.ToLower(c.arg(1))
	if c.arg(0) == "RL" {
		w.leave(c.who)
		return
	}
	at, domain, _ := strings.Cut(handle, "@")
	peer := w.byHandle(handle)
	l := me.links[peer]
	group := 0
	if len(c.args) > 3 {
		group = atoi(c.arg(3))
	}
	first := list == forward && l.lists&forward == 0
	_, exists := me.groups[group]
	switch {
	case at == "" || !strings.Contains(domain, "."):
		w.refuse(c, 201)
	case peer < 0:
		w.refuse(c, 205)
	case first && w.count(c.who) >= maxContacts:
		w.refuse(c, 210)
	case list != forward && l.lists&(allow|block)&^list != 0:
		w.refuse(c, 219)
	case list == forward && !exists:
		w.refuse(c, 224)
	case list != forward && l.lists&list != 0, list == forward && !first && (len(c.args) < 4 || slices.Contains(l.groups, group)):
		w.refuse(c, 215)
	default:
		l.lists |= list
		if list == forward {
			l.groups = slices.Sorted(slices.Values(append(slices.Clone(l.groups), group)))
		}
		if first {
			l.stored = msnp.Unescape(c.arg(2))
		}
		me.links[peer] = l
		w.added(c, peer, first)
	}
}

// added tells what an addition has done.
func (w *world) added(c command, peer int, first bool) {
	me, him := &w.people[c.who], &w.people[peer]
	w.step(c.who)
	if first && peer != c.who {
		w.step(peer)
	}
	words := []any{"ADD", c.n, c.arg(0), me.version, him.handle, msnp.Escape(msnp.Unescape(c.arg(2)))}
	if len(c.args) > 3 {
		words = append(words, c.arg(3))
	}
	w.answer(c, words...)
	if !first {
		w.look(c.who)
		return
	}
	for _, typ := range phones {
		value := him.props[typ]
		if !w.allows(peer, c.who) {
			value = ""
		}
		w.property(c.key, []any{"BPR", me.version, him.handle}, typ, value)
	}
	if me.at.online {
		if now := w.sight(peer, c.who); now != "" {
			w.answer(c, "ILN", c.n, now)
			me.at.sees[peer] = now
		}
	}
	_, moving := w.moves[[2]int{c.who, peer}]
	delete(w.moves, [2]int{c.who, peer})
	if s := him.at; !moving || s == nil || !s.leaving[c.who] {
		w.listing("ADD", c.who, peer)
	}
	if him.at != nil {
		delete(him.at.leaving, c.who)
	}
}

var phones = []string{"PHH", "PHW", "PHM", "MOB"}

// property says a line that ends in a property.
func (w *world) property(key string, words []any, typ, value string) {
	if typ == "MOB" && value == "" && words[0] == "BPR" {
		value = "N"
	}
	words = append(words, typ)
	if value != "" {
		words = append(words, msnp.Escape(value))
	}
	w.say(key, words...)
}

// count is how many people somebody has on his forward list.
func (w *world) count(owner int) (n int) {
	for _, l := range w.people[owner].links {
		n += l.lists & forward
	}
	return n
}

// rem is REM. docs/protocol/lists.md#rem
func (w *world) rem(c command) {
	me := &w.people[c.who]
	list, handle := lists[c.arg(0)], strings.ToLower(c.arg(1))
	peer := w.byHandle(handle)
	l := me.links[peer]
	group := atoi(c.arg(2))
	named := len(c.args) > 2
	_, exists := me.groups[group]
	switch {
	case l.lists&list == 0:
		w.refuse(c, 216)
		return
	case list == forward && named && !exists:
		w.refuse(c, 224)
		return
	case list == forward && named && !slices.Contains(l.groups, group):
		w.refuse(c, 225)
		return
	}
	w.step(c.who)
	words := []any{"REM", c.n, c.arg(0), me.version, handle}
	if named {
		words = append(words, c.arg(2))
	}
	w.answer(c, words...)
	switch {
	case list != forward:
		l.lists &^= list
		me.links[peer] = l
		w.look(c.who)
	case named && len(l.groups) > 1:
		l.groups = slices.DeleteFunc(slices.Clone(l.groups), func(g int) bool { return g == group })
		me.links[peer] = l
	default:
		w.off(c.who, peer)
		if named {
			w.moved(c.who, peer)
		} else {
			w.listing("REM", c.who, peer)
		}
	}
}

// off takes a contact off the forward list.
func (w *world) off(owner, peer int) {
	l := w.people[owner].links[peer]
	l.lists, l.groups, l.stored = l.lists&^forward, nil, ""
	w.people[owner].links[peer] = l
	delete(w.people[owner].at.sees, peer)
	if peer != owner {
		w.step(peer)
	}
}

// moved keeps from a contact for a while that he left his last group.
// docs/protocol/lists.md#moves
func (w *world) moved(owner, contact int) {
	w.moves[[2]int{owner, contact}] = w.ticks
	if s := w.people[contact].at; s != nil && s.synced {
		s.leaving[owner] = true
	}
}

// settle tells contacts who did not come back.
func (w *world) settle() {
	for _, m := range slices.SortedFunc(maps.Keys(w.moves), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		delete(w.moves, m)
		owner, contact := m[0], m[1]
		w.step(contact)
		if s := w.people[contact].at; s != nil && s.leaving[owner] {
			delete(s.leaving, owner)
			w.listing("REM", owner, contact)
		}
	}
}

// rea is REA. docs/protocol/lists.md#rea
func (w *world) rea(c command) {
	me := &w.people[c.who]
	handle, name := strings.ToLower(c.arg(0)), msnp.Unescape(c.arg(1))
	peer := w.byHandle(handle)
	l := me.links[peer]
	switch {
	case name == "":
		w.refuse(c, 209)
		return
	case peer == c.who:
		me.name = name
	case peer < 0 || l.lists == 0 && !w.on(c.who, reverse, peer):
		w.refuse(c, 216)
		return
	case l.lists&forward != 0:
		l.stored = name
		me.links[peer] = l
	}
	w.step(c.who)
	w.answer(c, "REA", c.n, me.version, handle, msnp.Escape(name))
	w.look(c.who)
}

// adg is ADG. docs/protocol/lists.md#adg
func (w *world) adg(c command) {
	me := &w.people[c.who]
	name := msnp.Unescape(c.arg(0))
	number, ok := w.group(c.who, name)
	if !ok {
		for number = 0; me.groups[number] != ""; number++ {
		}
		me.groups[number] = name
		w.step(c.who)
	}
	w.answer(c, "ADG", c.n, me.version, msnp.Escape(name), number, 0)
}

func (w *world) group(owner int, name string) (int, bool) {
	for number, other := range w.people[owner].groups {
		if other == name {
			return number, true
		}
	}
	return 0, false
}

// reg is REG. docs/protocol/lists.md#reg
func (w *world) reg(c command) {
	me := &w.people[c.who]
	number, name := atoi(c.arg(0)), msnp.Unescape(c.arg(1))
	other, taken := w.group(c.who, name)
	switch _, exists := me.groups[number]; {
	case !exists:
		w.refuse(c, 224)
	case taken && other != number:
		w.refuse(c, 228)
	default:
		me.groups[number] = name
		w.step(c.who)
		w.answer(c, "REG", c.n, me.version, number, msnp.Escape(name), 0)
	}
}

// rmg is RMG. docs/protocol/lists.md#rmg
func (w *world) rmg(c command) {
	me := &w.people[c.who]
	number := atoi(c.arg(0))
	if number == 0 {
		w.refuse(c, 230)
		return
	}
	if _, exists := me.groups[number]; !exists {
		w.refuse(c, 224)
		return
	}
	delete(me.groups, number)
	w.step(c.who)
	w.answer(c, "RMG", c.n, me.version, number)
	for peer := range w.people {
		l := me.links[peer]
		if !slices.Contains(l.groups, number) {
			continue
		}
		l.groups = slices.DeleteFunc(slices.Clone(l.groups), func(g int) bool { return g == number })
		me.links[peer] = l
		if len(l.groups) == 0 {
			w.off(c.who, peer)
			w.moved(c.who, peer)
		}
	}
}

// gtc is GTC. docs/protocol/lists.md#gtc
func (w *world) gtc(c command) { w.set(c, &w.people[c.who].prompt) }

// blp is BLP. docs/protocol/lists.md#blp
func (w *world) blp(c command) {
	w.set(c, &w.people[c.who].policy)
	w.look(c.who)
}

func (w *world) set(c command, mode *string) {
	if *mode == c.arg(0) {
		w.refuse(c, 218)
		return
	}
	*mode = c.arg(0)
	w.step(c.who)
	w.answer(c, c.verb, c.n, w.people[c.who].version, *mode)
}

// prp is PRP. docs/protocol/lists.md#prp
func (w *world) prp(c command) {
	me := &w.people[c.who]
	typ, value := c.arg(0), msnp.Unescape(c.arg(1))
	if !slices.Contains(phones, typ) {
		w.refuse(c, 715)
		return
	}
	me.props[typ] = value
	if value == "" {
		delete(me.props, typ)
	}
	w.step(c.who)
	w.property(c.key, []any{"PRP", c.n, me.version}, typ, value)
	for v := range w.people {
		if !w.on(v, forward, c.who) || !w.allows(c.who, v) {
			continue
		}
		if v != c.who {
			w.step(v)
		}
		if s := w.people[v].at; s != nil && s.synced {
			w.property(s.key, []any{"BPR", w.people[v].version, me.handle}, typ, value)
		}
	}
}

// syn is SYN. docs/protocol/lists.md#syn
func (w *world) syn(c command) {
	me := &w.people[c.who]
	s := me.at
	moving := false
	for m := range w.moves {
		moving = moving || m[1] == c.who
	}
	whole := c.arg(0) != strconv.Itoa(me.version) || !s.synced && (moving || s.early)
	s.synced = true
	if !whole {
		w.answer(c, "SYN", c.n, me.version)
		return
	}
	clear(s.leaving)
	lines := w.roster(c.who)
	people := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, "LST ") })
	w.answer(c, "SYN", c.n, me.version, len(people), len(me.groups))
	for _, l := range lines {
		w.answer(c, l)
	}
}

// roster is the block that follows SYN.
func (w *world) roster(owner int) []string {
	me := w.people[owner]
	lines := []string{"GTC " + me.prompt, "BLP " + me.policy}
	for _, typ := range phones {
		if me.props[typ] != "" {
			lines = append(lines, "PRP "+typ+" "+msnp.Escape(me.props[typ]))
		}
	}
	for _, number := range slices.Sorted(maps.Keys(me.groups)) {
		lines = append(lines, "LSG "+strconv.Itoa(number)+" "+msnp.Escape(me.groups[number])+" 0")
	}
	for peer, p := range w.people {
		l := me.links[peer]
		bits, name := l.lists, p.name
		if w.on(owner, reverse, peer) {
			bits |= reverse
		}
		if bits == 0 {
			continue
		}
		if bits&forward != 0 {
			name = l.stored
		}
		line := "LST " + p.handle + " " + msnp.Escape(name) + " " + strconv.Itoa(bits)
		for i, g := range l.groups {
			line += []string{" ", ","}[min(i, 1)] + strconv.Itoa(g)
		}
		lines = append(lines, line)
		for _, typ := range phones {
			if bits&forward != 0 && w.allows(peer, owner) && p.props[typ] != "" {
				lines = append(lines, "BPR "+typ+" "+msnp.Escape(p.props[typ]))
			}
		}
	}
	return lines
}
