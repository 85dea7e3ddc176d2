package natsbus

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// waiting is how much may wait for the cluster to read it, in bytes. What comes on top of that is lost,
// which is logged and counted, and mended by the cluster.
const waiting = 32 << 20

// overhead is about what a packet takes besides its own bytes.
const overhead = 256

// queue is what came and was not read yet, in order.
type queue struct {
	mu     sync.Mutex // leaf
	more   sync.Cond
	list   []*nats.Msg
	size   int
	losing bool // since it was empty
	closed bool
}

func newQueue() *queue {
	q := new(queue)
	q.more.L = &q.mu
	return q
}

// put adds a packet, or loses it. It reports whether that is the first one lost since all was read.
func (q *queue) put(m *nats.Msg) (lost bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := overhead + len(m.Data)
	if q.size+size > waiting {
		lost, q.losing = !q.losing, true
		return lost
	}
	q.list = append(q.list, m)
	q.size += size
	q.more.Signal()
	return false
}

// take waits for the next packet. It returns nil when the queue was closed.
func (q *queue) take() *nats.Msg {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && !q.closed {
		q.losing = false
		q.more.Wait()
	}
	if q.closed {
		return nil
	}
	m := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	q.size -= overhead + len(m.Data)
	return m
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Signal()
}
