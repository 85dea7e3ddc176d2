package msnclient

import (
	"errors"
	"fmt"
	"sync"
)

// mostWaiting is how many events may wait outside of the channel. Only a connection that is
// read while the queue is full comes near it.
const mostWaiting = 1 << 14

// errFlooded is the end of a connection that told more than anybody read.
var errFlooded = errors.New("too many events unread")

// queue carries events to the reader of the channel out, in order and without loss. What
// does not fit into the channel waits in a list; while it does, gates hold up the readers of
// connections.
type queue struct {
	out  chan Event
	stop chan struct{} // closed by abandon

	mu      sync.Mutex // leaf
	cond    *sync.Cond // anything below changed
	waiting []Event    // behind what is in out
	moving  bool       // pump has taken an event and not yet passed it on
	closed  bool       // nothing more comes
	gone    bool       // nobody reads out any more
	lost    int        // events nobody will read
	pushed  uint64     // events that ever had to wait
}

func newQueue(size int) *queue {
	q := &queue{out: make(chan Event, size), stop: make(chan struct{})}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// push adds an event. It never waits.
func (q *queue) push(ev Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if !q.full() {
		select {
		case q.out <- ev:
			return
		default:
		}
	}
	q.waiting = append(q.waiting, ev)
	q.pushed++
	q.cond.Broadcast()
}

// full reports whether events wait outside of the channel.
func (q *queue) full() bool { return q.moving || len(q.waiting) > 0 }

// close says that nothing more comes. The channel closes when all has been read.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// abandon says that nobody may be reading: pump keeps what fits into the channel.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.gone {
		q.gone = true
		close(q.stop)
		q.cond.Broadcast()
	}
}

// pump moves events from the list to the channel until the queue is closed and empty, and
// returns how many had to be left out because nobody read them.
func (q *queue) pump() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.waiting) == 0 && !q.closed {
			q.cond.Wait()
		}
		if len(q.waiting) == 0 {
			close(q.out)
			return q.lost
		}
		ev := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.moving = true
		q.mu.Unlock()
		passed := q.pass(ev)
		q.mu.Lock()
		q.moving = false
		if !passed {
			q.lost++
		}
		q.cond.Broadcast()
	}
}

// pass puts an event into the channel, waiting for room unless nobody reads.
func (q *queue) pass(ev Event) bool {
	select {
	case q.out <- ev:
		return true
	default:
	}
	select {
	case q.out <- ev:
		return true
	case <-q.stop:
		select {
		case q.out <- ev:
			return true
		default:
			return false
		}
	}
}

// gate holds up the reader of one connection while the queue is full, unless somebody waits
// for what it will read.
type gate struct {
	q *queue

	// Guarded by q.mu.
	wanted int    // how many wait for something from this connection
	open   bool   // for good: the connection is about to end
	shut   bool   // the reader waits here
	before uint64 // q.pushed of the last pass
}

// pass waits for room in the queue.
func (g *gate) pass() {
	g.q.mu.Lock()
	defer g.q.mu.Unlock()
	g.shut = true
	for g.q.full() && g.wanted == 0 && !g.open && !g.q.gone {
		g.q.cond.Wait()
	}
	g.shut = false
	g.before = g.q.pushed
}

// check ends a connection whose latest frame made one event too many wait. Those whose frames
// tell of nothing go on.
func (g *gate) check() error {
	g.q.mu.Lock()
	defer g.q.mu.Unlock()
	if len(g.q.waiting) > mostWaiting && g.q.pushed > g.before {
		return fmt.Errorf("%w: %w", errLost, errFlooded)
	}
	return nil
}

// hold keeps the gate open until the function it returns is called.
func (g *gate) hold() (release func()) {
	g.add(1)
	return sync.OnceFunc(func() { g.add(-1) })
}

func (g *gate) add(n int) {
	g.q.mu.Lock()
	defer g.q.mu.Unlock()
	g.wanted += n
	g.q.cond.Broadcast()
}

// release opens the gate for good.
func (g *gate) release() {
	g.q.mu.Lock()
	defer g.q.mu.Unlock()
	g.open = true
	g.q.cond.Broadcast()
}

// isShut reports whether the reader is being held up.
func (g *gate) isShut() bool {
	g.q.mu.Lock()
	defer g.q.mu.Unlock()
	return g.shut
}
