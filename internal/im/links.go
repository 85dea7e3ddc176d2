package im

import "slices"

// Links is what a session keeps of its user's lists: enough to know who may see him and
// whom he may see. It is packed, without pointers, and has no lock.
type Links struct {
	Policy Policy
	ids    []UserID // ascending
	bits   []List   // of each id; admits is one of them
}

const (
	admits List = 1 << 7 // the person lets the user see him
	shown  List = 1 << 6 // the client was told that the person is there
)

// NewLinks packs a roster.
func NewLinks(r Roster) *Links {
	l := &Links{
		Policy: r.User.Policy,
		ids:    make([]UserID, 0, len(r.Contacts)),
		bits:   make([]List, 0, len(r.Contacts)),
	}
	for _, c := range r.Contacts {
		bits := c.Lists
		if c.AllowsUser {
			bits |= admits
		}
		l.ids = append(l.ids, c.ID)
		l.bits = append(l.bits, bits)
	}
	return l
}

// Keep takes over from older links who is shown to the client.
func (l *Links) Keep(old *Links) {
	for i, id := range old.ids {
		if old.bits[i]&shown != 0 && l.On(id, Forward) {
			l.Show(id, true)
		}
	}
}

// Len returns how many people there are on any list.
func (l *Links) Len() int { return len(l.ids) }

func (l *Links) of(v UserID) List {
	if i, ok := slices.BinarySearch(l.ids, v); ok {
		return l.bits[i]
	}
	return 0
}

// On reports whether v is on any of the lists.
func (l *Links) On(v UserID, lists List) bool { return l.of(v)&lists != 0 }

// Allows reports whether the user lets v see and call him: not when he blocks v, else when
// he allows v or allows others. docs/protocol/presence.md#who
func (l *Links) Allows(v UserID) bool { return l.allows(l.of(v)) }

func (l *Links) allows(bits List) bool {
	switch {
	case bits&Block != 0:
		return false
	case bits&Allow != 0:
		return true
	}
	return l.Policy == AllowOthers
}

// Admits reports whether v lets the user see him.
func (l *Links) Admits(v UserID) bool { return l.On(v, admits) }

// Set puts v on the lists. Without lists it only remembers him, for [Links.SetAdmits].
func (l *Links) Set(v UserID, lists List) {
	i, ok := slices.BinarySearch(l.ids, v)
	if !ok {
		l.ids = slices.Insert(l.ids, i, v)
		l.bits = slices.Insert(l.bits, i, 0)
	}
	l.bits[i] |= lists
}

// Clear takes v off the lists.
func (l *Links) Clear(v UserID, lists List) {
	i, ok := slices.BinarySearch(l.ids, v)
	if !ok {
		return
	}
	l.bits[i] &^= lists
	if lists&Forward != 0 {
		l.bits[i] &^= shown
	}
	if l.bits[i]&^admits == 0 {
		l.ids = slices.Delete(l.ids, i, i+1)
		l.bits = slices.Delete(l.bits, i, i+1)
	}
}

// SetAdmits notes whether v, if he is on any list, lets the user see him.
func (l *Links) SetAdmits(v UserID, yes bool) {
	i, ok := slices.BinarySearch(l.ids, v)
	switch {
	case !ok:
	case yes:
		l.bits[i] |= admits
	default:
		l.bits[i] &^= admits
	}
}

// Shown reports whether the client was told that v is there.
func (l *Links) Shown(v UserID) bool { return l.On(v, shown) }

// Show notes that the client was told that v, who is on the forward list, is there or has
// gone.
func (l *Links) Show(v UserID, there bool) {
	i, ok := slices.BinarySearch(l.ids, v)
	switch {
	case !ok:
	case there:
		l.bits[i] |= shown
	default:
		l.bits[i] &^= shown
	}
}

// Contacts returns who is on the forward list.
func (l *Links) Contacts() []UserID {
	return l.pick(func(b List) bool { return b&Forward != 0 })
}

// Watchers returns who has the user on his forward list and may see him.
func (l *Links) Watchers() []UserID {
	return l.pick(func(b List) bool { return b&Reverse != 0 && l.allows(b) })
}

// Undecided returns who has the user on his forward list and is on neither the allow nor the
// block list: those for whom the policy decides.
func (l *Links) Undecided() []UserID {
	return l.pick(func(b List) bool { return b&Reverse != 0 && b&(Allow|Block) == 0 })
}

func (l *Links) pick(want func(List) bool) []UserID {
	n := 0
	for _, b := range l.bits {
		if want(b) {
			n++
		}
	}
	ids := make([]UserID, 0, n)
	for i, b := range l.bits {
		if want(b) {
			ids = append(ids, l.ids[i])
		}
	}
	return ids
}
