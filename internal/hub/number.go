package hub

import (
	"hash/fnv"
	"time"
)

// The number of a sign-in is greater than that of every earlier one, on whatever node that was
// and whatever its clock says: above nodeBits it is the time in milliseconds, or one more than
// the greatest heard of, and below them something of the node, so that no two are the same.
const nodeBits = 20

// next returns the number of a new sign-in.
func (h *Hub) next() uint64 {
	for {
		last := h.last.Load()
		n := max(last>>nodeBits+1, uint64(h.clock.Now().UnixMilli()))<<nodeBits | h.mark
		if h.last.CompareAndSwap(last, n) {
			return n
		}
	}
}

// furthest is how far ahead of all others a number may be. A clock may be wrong by decades, but what is
// further ahead is no time at all, and after the last number there would be no other.
const furthest = 100 * 365 * 24 * time.Hour

// heard makes numbers from now on greater than one that another node gave. It reports false, and does
// not, when that cannot be one.
func (h *Hub) heard(number uint64) bool {
	for {
		last := h.last.Load()
		latest := max(last>>nodeBits, uint64(h.clock.Now().UnixMilli())) + uint64(furthest.Milliseconds())
		switch {
		case number>>nodeBits > latest:
			return false
		case number <= last || h.last.CompareAndSwap(last, number):
			return true
		}
	}
}

// markOf returns what the numbers that a node gives end with.
func markOf(node string) uint64 {
	f := fnv.New32a()
	f.Write([]byte(node))
	return uint64(f.Sum32()) & (1<<nodeBits - 1)
}
