package hub

import (
	"math/bits"
	"sync"

	"monarch/internal/im"
)

// names finds ids by a hash of the handle, which is good for this process only. It is a table with
// open addressing: a place holds the hash's lower half and an id, and has no pointers, so the
// garbage collector does not look into it. Two handles may have the same hash, so whoever finds
// ids compares the handles.
type names struct {
	mu     sync.RWMutex // leaf
	places []uint64     // 0: free
	used   int
}

func nameOf(hash uint64, user uint32) uint64 { return hash<<32 | uint64(user) }

// home returns where a place would be if it had no neighbours.
func (n *names) home(place uint64) int {
	high, _ := bits.Mul64(place&^(1<<32-1), uint64(len(n.places)))
	return int(high)
}

func (n *names) next(i int) int {
	if i++; i == len(n.places) {
		return 0
	}
	return i
}

// add lets an id be found by a hash.
func (n *names) add(hash uint64, user uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.used >= len(n.places)*7/8 {
		n.resize(n.used + n.used/4 + 8)
	}
	n.enter(nameOf(hash, user))
}

func (n *names) enter(place uint64) {
	i := n.home(place)
	for ; n.places[i] != 0; i = n.next(i) {
		if n.places[i] == place {
			return
		}
	}
	n.places[i] = place
	n.used++
}

// resize makes a table for so many.
func (n *names) resize(people int) {
	old := n.places
	n.places, n.used = make([]uint64, people*8/7+1), 0
	for _, place := range old {
		if place != 0 {
			n.enter(place)
		}
	}
}

// remove ends that. Those behind move up, so that nobody's place is behind a free one.
func (n *names) remove(hash uint64, user uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.used == 0 {
		return
	}
	place := nameOf(hash, user)
	gap := n.home(place)
	for ; n.places[gap] != place; gap = n.next(gap) {
		if n.places[gap] == 0 {
			return
		}
	}
	for i := n.next(gap); n.places[i] != 0; i = n.next(i) {
		if home := n.home(n.places[i]); (i-home+len(n.places))%len(n.places) >= (i-gap+len(n.places))%len(n.places) {
			n.places[gap], gap = n.places[i], i
		}
	}
	n.places[gap] = 0
	if n.used--; n.used < len(n.places)/4 {
		n.resize(n.used)
	}
}

// find appends the ids with a hash.
func (n *names) find(ids []im.UserID, hash uint64) []im.UserID {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.used == 0 {
		return ids
	}
	for i := n.home(nameOf(hash, 0)); n.places[i] != 0; i = n.next(i) {
		if n.places[i]>>32 == hash&(1<<32-1) {
			ids = append(ids, im.UserID(uint32(n.places[i])))
		}
	}
	return ids
}
