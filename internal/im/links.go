package im

import (
	"encoding/binary"
	"slices"
)

// Links is what a session keeps of its user's lists: enough to know who may see him and
// whom he may see. It is packed, without pointers, and has no lock.
type Links struct {
	people []byte // a record for each, ascending by id
	closed bool   // the policy: who is on neither the allow nor the block list may not see him
}

// A record is an id, which fits into its four bytes, and what holds for that person, in one.
const (
	idBytes = 4
	record  = idBytes + 1
	spare   = 8 // records of room that a list gets at least when it grows
)

const (
	admits  List = 1 << 7 // the person lets the user see him
	shown   List = 1 << 6 // the client was told that the person is there
	awaited List = 1 << 5 // the person is about to come on the forward list
)

// NewLinks packs a roster.
func NewLinks(r Roster) *Links {
	l := new(Links)
	l.SetPolicy(r.User.Policy)
	l.people = slices.Grow(l.people, record*len(r.Contacts))
	for _, c := range r.Contacts {
		bits := c.Lists
		if c.AllowsUser {
			bits |= admits
		}
		l.people = append(binary.LittleEndian.AppendUint32(l.people, c.ID.Packed()), byte(bits))
	}
	return l
}

// Keep takes over from older links who is shown to the client.
func (l *Links) Keep(old *Links) {
	for i := 0; i < len(old.people); i += record {
		if List(old.people[i+idBytes])&shown == 0 {
			continue
		}
		if link := l.Of(old.at(i)); link.On(Forward) {
			link.Show(true)
		}
	}
}

// Policy returns what holds for people on neither the allow nor the block list.
func (l *Links) Policy() Policy {
	if l.closed {
		return BlockOthers
	}
	return AllowOthers
}

// SetPolicy changes that.
func (l *Links) SetPolicy(p Policy) { l.closed = p != AllowOthers }

// Len returns how many people there are on any list.
func (l *Links) Len() int { return len(l.people) / record }

// at returns whose record begins at a byte.
func (l *Links) at(i int) UserID { return UserID(binary.LittleEndian.Uint32(l.people[i:])) }

// find returns where v's record begins, or would.
func (l *Links) find(v UserID) (at int, ok bool) {
	from, to := 0, len(l.people)/record
	for from < to {
		middle := int(uint(from+to) >> 1)
		if l.at(record*middle) < v {
			from = middle + 1
		} else {
			to = middle
		}
	}
	at = record * from
	return at, at < len(l.people) && l.at(at) == v
}

// Link is what there is between the user and one other person. It is good for as long as
// nobody comes on the user's lists or goes off them.
type Link struct{ bits *byte } // in the record; nil for somebody on no list

// Of finds somebody.
func (l *Links) Of(v UserID) Link {
	at, ok := l.find(v)
	if !ok {
		return Link{}
	}
	return Link{&l.people[at+idBytes]}
}

// On reports whether he is on any of the lists.
func (k Link) On(lists List) bool { return k.bits != nil && List(*k.bits)&lists != 0 }

// Admits reports whether he lets the user see him.
func (k Link) Admits() bool { return k.On(admits) }

// Shown reports whether the client was told that he is there.
func (k Link) Shown() bool { return k.On(shown) }

// Show notes that the client was told that he, who is on the forward list, is there or has
// gone.
func (k Link) Show(there bool) { k.set(shown, there) }

func (k Link) set(bit List, yes bool) {
	switch {
	case k.bits == nil:
	case yes:
		*k.bits |= byte(bit)
	default:
		*k.bits &^= byte(bit)
	}
}

// On reports whether v is on any of the lists.
func (l *Links) On(v UserID, lists List) bool { return l.Of(v).On(lists) }

// Allows reports whether the user lets v see and call him: not when he blocks v, else when
// he allows v or allows others. docs/protocol/presence.md#who
func (l *Links) Allows(v UserID) bool {
	if k := l.Of(v); k.bits != nil {
		return l.allows(List(*k.bits))
	}
	return l.allows(0)
}

func (l *Links) allows(bits List) bool {
	switch {
	case bits&Block != 0:
		return false
	case bits&Allow != 0:
		return true
	}
	return !l.closed
}

// Admits reports whether v lets the user see him.
func (l *Links) Admits(v UserID) bool { return l.Of(v).Admits() }

// Set puts v on the lists. Without lists it only remembers him, for [Links.SetAdmits], until he
// has been on the forward list.
func (l *Links) Set(v UserID, lists List) {
	at, ok := l.find(v)
	if !ok {
		l.insert(at, v)
	}
	bits := List(l.people[at+idBytes]) | lists
	switch {
	case bits&Forward != 0:
		bits &^= awaited
	case lists == 0:
		bits |= awaited
	}
	l.people[at+idBytes] = byte(bits)
}

// insert makes room for v. Most lists never grow again, so they get little more than they
// need.
func (l *Links) insert(at int, v UserID) {
	if n := len(l.people); n+record > cap(l.people) {
		room := n + record*max(spare, n/record/16)
		l.people = append(make([]byte, 0, room), l.people...)
	}
	var r [record]byte
	binary.LittleEndian.PutUint32(r[:], v.Packed())
	l.people = slices.Insert(l.people, at, r[:]...)
}

// Clear takes v off the lists.
func (l *Links) Clear(v UserID, lists List) {
	at, ok := l.find(v)
	if !ok {
		return
	}
	if lists&Forward != 0 {
		lists |= shown
	}
	bits := List(l.people[at+idBytes]) &^ lists
	l.people[at+idBytes] = byte(bits)
	if bits&^admits == 0 {
		l.people = slices.Delete(l.people, at, at+record)
	}
}

// SetAdmits notes whether v, if he is on any list, lets the user see him.
func (l *Links) SetAdmits(v UserID, yes bool) { l.Of(v).set(admits, yes) }

// Shown reports whether the client was told that v is there.
func (l *Links) Shown(v UserID) bool { return l.Of(v).Shown() }

// Show notes that the client was told that v, who is on the forward list, is there or has
// gone.
func (l *Links) Show(v UserID, there bool) { l.Of(v).Show(there) }

// Contacts appends who is on the forward list.
func (l *Links) Contacts(to []UserID) []UserID {
	return l.pick(to, func(b List) bool { return b&Forward != 0 })
}

// Watchers appends who has the user on his forward list and may see him.
func (l *Links) Watchers(to []UserID) []UserID {
	return l.pick(to, func(b List) bool { return b&Reverse != 0 && l.allows(b) })
}

// Undecided appends who has the user on his forward list and is on neither the allow nor the
// block list: those for whom the policy decides.
func (l *Links) Undecided(to []UserID) []UserID {
	return l.pick(to, func(b List) bool { return b&Reverse != 0 && b&(Allow|Block) == 0 })
}

// pick appends whom want is true for. Where room is missing it is made once, and for those
// only.
func (l *Links) pick(to []UserID, want func(List) bool) []UserID {
	if cap(to)-len(to) < l.Len() {
		n := 0
		for i := idBytes; i < len(l.people); i += record {
			if want(List(l.people[i])) {
				n++
			}
		}
		to = slices.Grow(to, n)
	}
	for i := idBytes; i < len(l.people); i += record {
		if want(List(l.people[i])) {
			to = append(to, l.at(i-idBytes))
		}
	}
	return to
}
