package conn

import (
	"math/bits"
	"sync"
)

// buffer is memory lent to a connection while bytes are under way, and to nobody while it is
// idle.
type buffer struct {
	b    []byte
	done int // bytes at the front that are no longer needed
}

// rest returns what is still needed.
func (b *buffer) rest() []byte { return b.b[b.done:] }

// size returns how much memory a buffer takes. There may be none.
func (b *buffer) size() int {
	if b == nil {
		return 0
	}
	return cap(b.b)
}

// Sizes of lent buffers are powers of two; what is larger is left to the collector.
const (
	smallestBuffer = 1 << 10
	largestBuffer  = smallestBuffer << (len(buffers) - 1)
)

var buffers [8]sync.Pool

// sizeClass returns which of the pools has buffers for n bytes.
func sizeClass(n int) int { return bits.Len(uint(max(n, 1)-1) / smallestBuffer) }

// borrow returns an empty buffer with room for n bytes.
func borrow(n int) *buffer {
	if n > largestBuffer {
		return &buffer{b: make([]byte, 0, n)}
	}
	class := sizeClass(n)
	if b, ok := buffers[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, smallestBuffer<<class)}
}

// giveBack ends the use of a buffer. There may be none.
func giveBack(b *buffer) {
	if b == nil || cap(b.b) > largestBuffer {
		return
	}
	b.b, b.done = b.b[:0], 0
	buffers[sizeClass(cap(b.b))].Put(b)
}

// withRoom returns a buffer that holds what is still needed of b, which may be nil, and has
// room for n bytes more. b is not to be used again.
func withRoom(b *buffer, n int) *buffer {
	if b == nil {
		return borrow(n)
	}
	if cap(b.b)-len(b.b) >= n {
		return b
	}
	rest := b.rest()
	if b.done >= n && b.done >= len(rest) { // moving little makes the room
		b.b, b.done = b.b[:copy(b.b, rest)], 0
		return b
	}
	larger := borrow(max(len(rest)+n, 2*len(rest)))
	larger.b = append(larger.b, rest...)
	giveBack(b)
	return larger
}
