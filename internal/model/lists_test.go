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
	words := []any{"ADD", c.n, c.arg(0), newest, him.handle, msnp.Escape(msnp.Unescape(c.arg(2)))}
	if len(c.args) > 3 {
		words = append(words, c.arg(3))
	}
	h := heard{tells: []int{me.version}}
	if first {
		h.on = him.handle
	}
	w.inform(c.key, h, words...)
	if !first {
		w.look(c.who)
		return
	}
	w.introduce(c, peer, "ILN", c.n)
	w.enlist(c.who, peer)
}

// introduce tells who has added somebody what that shows, and where he is seen, in a line that
// begins with words.
func (w *world) introduce(c command, peer int, words ...any) {
	me, him := &w.people[c.who], &w.people[peer]
	for _, typ := range phones {
		value := ""
		if w.on(peer, forward, c.who) {
			value = him.props[typ]
		}
		w.inform(c.key, heard{tells: []int{me.version}}, bpr(him.handle, typ, value))
	}
	w.learn(peer, c.who)
	if me.at.online {
		if now := w.sight(peer, c.who); now != "" {
			w.answer(c, append(words, now)...)
			me.at.sees[peer] = now
		}
	}
}

// enlist tells a contact that he is on somebody's forward list, perhaps again.
func (w *world) enlist(owner, contact int) {
	how := added
	if w.moves[[2]int{owner, contact}] {
		how = returned
	}
	delete(w.moves, [2]int{owner, contact})
	w.listing(how, owner, contact)
}

var phones = []string{"PHH", "PHW", "PHM", "MOB"}

// numbers are telephone numbers that a client was told, by type.
type numbers map[string]string

// shown returns what somebody shows to another, who has him on his forward list: everything or, if
// he has not, nothing. docs/protocol/lists.md#bpr
func (w *world) shown(u, v int) numbers {
	if !w.on(u, forward, v) {
		return numbers{}
	}
	return maps.Clone(w.people[u].props)
}

// learn makes what somebody shows known to another's client.
func (w *world) learn(u, v int) { w.people[v].at.numbers[u] = w.shown(u, v) }

// numbers returns the lines that tell a client what is new to it of somebody's numbers: first
// those that are gone.
func (w *world) numbers(u, v int) (lines []string) {
	s := w.people[v].at
	if !w.on(v, forward, u) {
		return nil
	}
	known, now := s.numbers[u], w.shown(u, v)
	for _, gone := range []bool{true, false} {
		for _, typ := range phones {
			if known[typ] != now[typ] && gone == (now[typ] == "") {
				lines = append(lines, bpr(w.people[u].handle, typ, now[typ]))
			}
		}
	}
	w.learn(u, v)
	return lines
}

// bpr is a line that tells of a contact's number.
func bpr(handle, typ, value string) string {
	if typ == "MOB" && value == "" {
		value = "N"
	}
	return strings.TrimSpace(strings.Join([]string{"BPR", newest, handle, typ, msnp.Escape(value)}, " "))
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
	words := []any{"REM", c.n, c.arg(0), newest, handle}
	if named {
		words = append(words, c.arg(2))
	}
	h := heard{tells: []int{me.version}}
	if list == forward && (!named || len(l.groups) == 1) {
		h.off = []string{handle}
	}
	w.inform(c.key, h, words...)
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
			w.listing(removed, c.who, peer)
		}
	}
}

// off takes a contact off the forward list.
func (w *world) off(owner, peer int) {
	l := w.people[owner].links[peer]
	l.lists, l.groups, l.stored = l.lists&^forward, nil, ""
	w.people[owner].links[peer] = l
	if s := w.people[owner].at; s != nil {
		delete(s.sees, peer)
		delete(s.numbers, peer)
	}
	if peer != owner {
		w.step(peer)
	}
}

// moved keeps from a contact for a while that he left his last group.
// docs/protocol/lists.md#moves
func (w *world) moved(owner, contact int) {
	w.moves[[2]int{owner, contact}] = true
	if s := w.people[contact].at; s != nil && s.synced {
		s.leaving[owner] = w.people[contact].version
	}
}

// settle tells contacts who did not come back.
func (w *world) settle() {
	for _, m := range slices.SortedFunc(maps.Keys(w.moves), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		delete(w.moves, m)
		w.listing(gone, m[0], m[1])
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
	w.change(c, "REA", c.n, newest, handle, msnp.Escape(name))
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
	h := heard{tells: []int{me.version}}
	if ok && me.at.synced { // no step: it tells of nothing
		h.tells = nil
	}
	w.inform(c.key, h, "ADG", c.n, newest, msnp.Escape(name), number, 0)
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
		w.change(c, "REG", c.n, newest, number, msnp.Escape(name), 0)
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
	h := heard{tells: []int{me.version}}
	for peer, p := range w.people {
		if slices.Equal(me.links[peer].groups, []int{number}) {
			h.off = append(h.off, p.handle)
		}
	}
	w.inform(c.key, h, "RMG", c.n, newest, number)
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
	w.change(c, c.verb, c.n, newest, *mode)
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
	words := []any{"PRP", c.n, newest, typ}
	if value != "" {
		words = append(words, msnp.Escape(value))
	}
	w.change(c, words...)
	for v := range w.people {
		if !w.on(v, forward, c.who) || !w.on(c.who, forward, v) {
			continue
		}
		if v != c.who {
			w.step(v)
		}
		if s := w.people[v].at; s != nil && s.synced {
			w.inform(s.key, heard{tells: []int{w.people[v].version}, of: me.handle, props: []string{bpr(me.handle, typ, value)}})
			w.learn(c.who, v)
		}
	}
}

// syn is SYN. docs/protocol/lists.md#syn
func (w *world) syn(c command) {
	me := &w.people[c.who]
	s := me.at
	whole := c.arg(0) != strconv.Itoa(me.version) || !s.synced && (w.moving(c.who) || s.early)
	clear(s.leaving)
	for peer := range w.people {
		w.learn(peer, c.who)
	}
	h := heard{lists: me.version}
	if !whole {
		w.inform(c.key, h, "SYN", c.n, me.version)
		return
	}
	lines := w.roster(c.who)
	h.block = lines
	people := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, "LST ") })
	w.inform(c.key, h, "SYN", c.n, me.version, len(people), len(me.groups))
}

// moving reports whether somebody has taken him off his list, perhaps on a move.
func (w *world) moving(who int) bool {
	for m := range w.moves {
		if m[1] == who {
			return true
		}
	}
	return false
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
			if value := w.shown(peer, owner)[typ]; bits&forward != 0 && value != "" {
				lines = append(lines, "BPR "+typ+" "+msnp.Escape(value))
			}
		}
	}
	return lines
}
