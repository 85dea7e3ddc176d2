package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"monarch/msnp"
)

// replica is the copy of somebody's lists that his client keeps from one sign-in to the next, made
// of the lines that it got and of nothing else. Whoever has the newest version is told that
// nothing is new, so then his copy must be right. docs/protocol/lists.md#version
type replica struct {
	version        int // 0: it has none, or says that it has what it has not
	prompt, policy string
	groups         map[int]string
	people         map[string]link // by handle
	props          map[string]string
	last           string // whose line of the block was the last
}

// update is a line that came to a client that has lists; own is the user's handle.
func (r *replica) update(own, line string) {
	words := strings.Fields(line)
	n := len(words)
	words = append(words, "", "", "", "", "")
	switch words[0] {
	case "SYN":
		r.synced(atoi(words[2]), n > 3)
	case "GTC":
		r.prompt = words[n-1]
	case "BLP":
		r.policy = words[n-1]
	case "PRP":
		r.property(words[max(1, 3*(n/4))], words[max(2, 4*(n/4))])
	case "LSG":
		r.groups[atoi(words[1])] = words[2]
	case "ADG":
		r.groups[atoi(words[4])] = words[3]
	case "REG":
		r.groups[atoi(words[3])] = words[4]
	case "RMG":
		delete(r.groups, atoi(words[3]))
		for handle := range r.people {
			r.off(handle, words[3])
		}
	case "LST":
		r.listed(words[1], words[2], atoi(words[3]), words[4])
	case "BPR":
		if atoi(words[1]) < 0 {
			r.number(r.last, words[1], words[2])
		} else {
			r.number(words[2], words[3], words[4])
		}
	case "ADD":
		r.on(words[4], words[2], words[5], words[6])
	case "REM":
		r.rem(words[4], words[2], words[5])
	case "REA":
		r.rename(own, words[3], words[4])
	}
	if version := versionIn(line); version >= 0 && r.version > 0 {
		r.version = version
	}
}

// synced begins a copy anew, or confirms it; if the client has no copy of that version, it has
// none now.
func (r *replica) synced(version int, whole bool) {
	switch {
	case whole:
		*r = replica{version: version, groups: make(map[int]string), people: make(map[string]link), props: make(map[string]string)}
	case r.version != version:
		*r = replica{groups: make(map[int]string), people: make(map[string]link), props: make(map[string]string)}
	}
}

func (r *replica) property(typ, value string) {
	r.props[typ] = value
	if value == "" {
		delete(r.props, typ)
	}
}

func (r *replica) listed(handle, name string, bits int, groups string) {
	l := link{lists: bits}
	if bits&forward != 0 {
		l.stored = name
		for _, g := range strings.Split(groups, ",") {
			l.groups = append(l.groups, atoi(g))
		}
	}
	r.people[handle], r.last = l, handle
}

// number is a contact's telephone number. That he cannot be paged is as if he had not said.
func (r *replica) number(handle, typ, value string) {
	l := r.people[handle]
	known := maps.Clone(l.numbers)
	if known == nil {
		known = make(numbers)
	}
	known[typ] = value
	if value == "" || typ == "MOB" && value == "N" {
		delete(known, typ)
	}
	l.numbers = known
	r.people[handle] = l
}

func (r *replica) on(handle, list, name, group string) {
	l := r.people[handle]
	bit := lists[list]
	if list == "RL" {
		bit = reverse
	}
	if bit == forward {
		if l.lists&forward == 0 {
			l.stored = name
		}
		l.groups = slices.Sorted(slices.Values(append(slices.Clone(l.groups), max(0, atoi(group)))))
	}
	l.lists |= bit
	r.people[handle] = l
}

func (r *replica) rem(handle, list, group string) {
	if list == "FL" && group != "" {
		r.off(handle, group)
		return
	}
	l := r.people[handle]
	switch list {
	case "FL":
		l = link{lists: l.lists &^ forward}
	case "RL":
		l.lists &^= reverse
	default:
		l.lists &^= lists[list]
	}
	r.people[handle] = l
}

// off takes somebody out of a group, and off the list if he is in no other.
func (r *replica) off(handle, group string) {
	l := r.people[handle]
	l.groups = slices.DeleteFunc(slices.Clone(l.groups), func(g int) bool { return g == atoi(group) })
	if len(l.groups) == 0 {
		l = link{lists: l.lists &^ forward}
	}
	r.people[handle] = l
}

// rename is another stored name, unless it is the user's own friendly name.
func (r *replica) rename(own, handle, name string) {
	if l := r.people[handle]; handle != own && l.lists&forward != 0 {
		l.stored = name
		r.people[handle] = l
	}
}

// replica is a copy as it should be.
func (w *world) replica(owner int) replica {
	me := w.people[owner]
	r := replica{
		version: me.version, prompt: me.prompt, policy: me.policy,
		groups: make(map[int]string), people: make(map[string]link), props: make(map[string]string),
	}
	for number, name := range me.groups {
		r.groups[number] = msnp.Escape(name)
	}
	for typ, value := range me.props {
		r.props[typ] = msnp.Escape(value)
	}
	for peer, p := range w.people {
		l := me.links[peer]
		l.stored = msnp.Escape(l.stored)
		if w.on(owner, reverse, peer) {
			l.lists |= reverse
		}
		r.people[p.handle] = l
		if l.lists&forward != 0 {
			for typ, value := range w.shown(peer, owner) {
				r.number(p.handle, typ, msnp.Escape(value))
			}
		}
	}
	return r
}

// show is a copy as a text, without those who are on no list. That the user is on his own reverse
// list is told a moment after he came on his forward list, which says the same.
func (r replica) show(own string) string {
	text := fmt.Sprint(r.version, " ", r.prompt, " ", r.policy, " ", r.groups, " ", r.props)
	people := make(map[string]string)
	for handle, l := range r.people {
		if handle == own {
			l.lists &^= reverse
		}
		if l.lists != 0 {
			people[handle] = fmt.Sprintf("%d %q %v %v", l.lists, l.stored, l.groups, l.numbers)
		}
	}
	return text + fmt.Sprint(" ", people)
}
