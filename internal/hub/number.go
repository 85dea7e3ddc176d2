package hub

import "hash/fnv"

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

// heard makes numbers from now on greater than one that another node gave.
func (h *Hub) heard(number uint64) {
	for {
		last := h.last.Load()
		if number <= last || h.last.CompareAndSwap(last, number) {
			return
		}
	}
}

// markOf returns what the numbers that a node gives end with.
func markOf(node string) uint64 {
	f := fnv.New32a()
	f.Write([]byte(node))
	return uint64(f.Sum32()) & (1<<nodeBits - 1)
}
