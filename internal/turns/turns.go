// Package turns hands out turns at work of which a machine can do only so much at a time, such
// as checking passwords. It leaves to its callers what the work is, and what those are told who
// do not get a turn.
//
// Whoever counts by address takes from here what one address is.
//
// Who waits is served fairly: one caller from each address after another, so that an address
// with a thousand of them keeps nobody else waiting. Nor can it fill the queue: nobody's part is
// more than eight times what is left of it for the others.
package turns

import (
	"container/list"
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy says that too many were waiting already, or that the turn did not come in time.
var ErrBusy = errors.New("too many are waiting")

// Limits bounds a [Queue].
type Limits struct {
	Parallel int           // turns at a time
	Queue    int           // callers that wait for theirs
	Wait     time.Duration // the longest they do; 0 is as long as it takes
}

// share is how many times the room that is left one address may take. With one greedy address
// a ninth of the queue stays free, with two a seventeenth.
const share = 8

// Queue hands out turns. It must be made by [New].
type Queue struct {
	busy   atomic.Uint64
	waits  atomic.Uint64
	waited atomic.Int64

	mu      sync.Mutex // leaf
	limits  Limits
	taken   int
	waiting int
	lines   map[Subscriber]*line // none is empty
	order   list.List            // of lines: whose turn is next
	first   line                 // of those who are served before all others, and wait besides
}

// line is who waits at one address. The queue's mu guards it.
type line struct {
	who     Subscriber
	callers list.List // of *caller
	place   *list.Element
}

// caller is one who waits. The queue's mu guards it.
type caller struct {
	turn  chan struct{} // closed when it has come
	line  *line
	place *list.Element // nil once it has come
}

// New returns a queue with these limits.
func New(l Limits) *Queue {
	return &Queue{limits: l, lines: make(map[Subscriber]*line)}
}

// SetLimits changes the limits for whoever comes from now on.
func (q *Queue) SetLimits(l Limits) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits = l
	q.serve()
}

// Take waits for a turn, which [Queue.Done] gives back. The error is [ErrBusy] or that of ctx.
func (q *Queue) Take(ctx context.Context, from netip.Addr) error {
	c, wait, err := q.enter(SubscriberOf(from))
	if c == nil {
		return err
	}
	defer q.note(time.Now())
	var late <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		if !q.leave(c) {
			q.Done()
		}
		return ctx.Err()
	case <-late:
	}
	if !q.leave(c) {
		return nil // it came just now
	}
	q.busy.Add(1)
	return ErrBusy
}

// Await waits for a turn for somebody who has been let in already: before all others, and
// however many wait. The error is that of ctx.
func (q *Queue) Await(ctx context.Context) error {
	c := q.enterFirst()
	if c == nil {
		return nil
	}
	defer q.note(time.Now())
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
	}
	if !q.leave(c) {
		q.Done()
	}
	return ctx.Err()
}

// note counts a wait that is over.
func (q *Queue) note(began time.Time) {
	q.waits.Add(1)
	q.waited.Add(int64(time.Since(began)))
}

// enter takes a turn at once and returns no caller, or puts one in the line of an address.
func (q *Queue) enter(who Subscriber) (*caller, time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free() {
		q.taken++
		return nil, 0, nil
	}
	l, left := q.lines[who], q.limits.Queue-q.waiting
	if left <= 0 || l != nil && l.callers.Len() >= share*left {
		q.busy.Add(1)
		return nil, 0, ErrBusy
	}
	if l == nil {
		l = &line{who: who}
		q.lines[who] = l
		l.place = q.order.PushBack(l)
	}
	q.waiting++
	return l.join(), q.limits.Wait, nil
}

// enterFirst takes a turn at once and returns no caller, or puts one in the line that is first.
func (q *Queue) enterFirst() *caller {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free() {
		q.taken++
		return nil
	}
	return q.first.join()
}

// free reports whether there is a turn that nobody waits for. q.mu is held.
func (q *Queue) free() bool {
	return q.taken < q.limits.Parallel && q.waiting == 0 && q.first.callers.Len() == 0
}

// join puts a new caller at the end of a line. The queue's mu is held.
func (l *line) join() *caller {
	c := &caller{turn: make(chan struct{}), line: l}
	c.place = l.callers.PushBack(c)
	return c
}

// leave takes a caller out of its line. It reports false if the turn has come already.
func (q *Queue) leave(c *caller) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.place == nil {
		return false
	}
	q.remove(c)
	return true
}

// remove does it. q.mu is held.
func (q *Queue) remove(c *caller) {
	c.line.callers.Remove(c.place)
	c.place = nil
	if c.line == &q.first {
		return
	}
	q.waiting--
	if c.line.callers.Len() == 0 {
		q.order.Remove(c.line.place)
		delete(q.lines, c.line.who)
	}
}

// Done gives a turn back.
func (q *Queue) Done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken--
	q.serve()
}

// serve gives the turns there are to those who wait: from each line one, then it is the next
// one's turn. q.mu is held.
func (q *Queue) serve() {
	for q.taken < q.limits.Parallel && q.waiting+q.first.callers.Len() > 0 {
		l := &q.first
		if l.callers.Len() == 0 {
			l = q.order.Front().Value.(*line)
			q.order.MoveToBack(l.place)
		}
		c := l.callers.Front().Value.(*caller)
		q.remove(c)
		q.taken++
		close(c.turn)
	}
}

// Waiting returns how many wait.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting + q.first.callers.Len()
}

// Limit returns how many may wait.
func (q *Queue) Limit() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.limits.Queue
}

// Busy returns how many were turned away.
func (q *Queue) Busy() uint64 { return q.busy.Load() }

// Waits returns how many have waited, and how long all together.
func (q *Queue) Waits() (n uint64, all time.Duration) {
	return q.waits.Load(), time.Duration(q.waited.Load())
}
