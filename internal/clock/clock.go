// Package clock tells the time and calls functions later, for every deadline of the
// server. It leaves what a deadline means to its callers.
//
// All timers of a process share one heap and one runtime timer, so a connection or a
// conversation pays for its deadline with the bytes of a [Timer] and nothing else, and a
// test moves every deadline at once with [Clock.Advance].
package clock

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is a source of time with timers on it. It must be made by [New].
type Clock struct {
	offset atomic.Int64 // nanoseconds ahead of the system

	// turn is held while a call is made: the next one waits for it, whether it is due to the
	// system or to Advance. It is taken before mu.
	turn sync.Mutex

	mu     sync.Mutex // leaf
	timers timerHeap
	wake   *time.Timer
	closed bool
}

// New returns a clock that follows the system's.
func New() *Clock {
	c := new(Clock)
	c.wake = time.AfterFunc(time.Hour, c.fire)
	return c
}

// Timer is a pending call. The zero value is ready; a Timer must not be copied once set.
type Timer struct {
	when  time.Time
	run   func()
	index int // in the heap, plus one; 0 when not pending
}

// Now returns the present time.
func (c *Clock) Now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load()))
}

// Set makes t call run once after d, in place of what it was set to before. The call is
// made on a goroutine of the clock, one after the other: run must be quick and must not wait.
func (c *Clock) Set(t *Timer, d time.Duration, run func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	t.when, t.run = c.Now().Add(d), run
	if t.index == 0 {
		heap.Push(&c.timers, t)
	} else {
		heap.Fix(&c.timers, t.index-1)
	}
	c.rearm()
}

// Stop unsets t. A call that has already begun is not waited for.
func (c *Clock) Stop(t *Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index != 0 {
		heap.Remove(&c.timers, t.index-1)
	}
}

// Advance moves the time forward by d and calls what has become due, in order. Calls of
// timers must not use it.
func (c *Clock) Advance(d time.Duration) {
	c.offset.Add(int64(d))
	c.fire()
}

// Close drops every pending timer. Later calls of Set do nothing.
func (c *Clock) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake.Stop()
	for _, t := range c.timers {
		t.index = 0
	}
	c.timers = nil
}

// fire calls what is due, earliest first.
func (c *Clock) fire() {
	c.turn.Lock()
	defer c.turn.Unlock()
	for {
		c.mu.Lock()
		if len(c.timers) == 0 || c.timers[0].when.After(c.Now()) {
			c.rearm()
			c.mu.Unlock()
			return
		}
		t := heap.Pop(&c.timers).(*Timer)
		run := t.run
		c.mu.Unlock()
		run()
	}
}

// rearm sets the runtime timer to the earliest deadline. c.mu is held.
func (c *Clock) rearm() {
	if len(c.timers) > 0 && !c.closed {
		c.wake.Reset(c.timers[0].when.Sub(c.Now()))
	}
}

// timerHeap orders timers by deadline, for container/heap.
type timerHeap []*Timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].when.Before(h[j].when) }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	*h = append(*h, t)
	t.index = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = 0
	return t
}
