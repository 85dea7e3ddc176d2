// Package clock tells the time and calls functions later, for every deadline of the
// server. It leaves what a deadline means to its callers.
//
// All timers of a process share one heap and one runtime timer, so a connection or a
// conversation pays for its deadline with the bytes of a [Timer], and of a place in the heap
// while it is set, and nothing else; and a test moves every deadline at once with
// [Clock.Advance].
package clock

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is a source of time with timers on it. It must be made by [New].
type Clock struct {
	start  time.Time
	offset atomic.Int64 // nanoseconds ahead of the system
	jump   atomic.Int64 // nanoseconds that Now is ahead of the rest

	// turn is held while a call is made: the next one waits for it, whether it is due to the
	// system or to Advance. It is taken before mu.
	turn sync.Mutex

	mu     sync.Mutex // leaf
	timers timers
	wake   *time.Timer
	armed  time.Duration // when wake is due, since the clock was made
	closed bool
}

// New returns a clock that follows the system's.
func New() *Clock {
	c := &Clock{start: time.Now(), armed: time.Hour}
	c.wake = time.AfterFunc(c.armed, c.fire)
	return c
}

// Timer is a pending call. The zero value is ready; a Timer must not be copied once set.
type Timer struct {
	place int32 // in the heap, plus one; 0 when not pending
}

// Sleeper is somebody with timers of his own, which have numbers. [Clock.Wake] spares him the
// closure that [Clock.Set] would keep.
type Sleeper interface {
	Timer(n int) *Timer // always the same one

	// Wake is called when the time of timer n has come.
	Wake(n int)
}

// Now returns the present time as people have it, to be told and to be kept. The system's clock
// may be set at any moment, so it is not for measuring: see [Clock.Steady].
func (c *Clock) Now() time.Time {
	now := time.Now().Add(time.Duration(c.offset.Load()))
	if jump := c.jump.Load(); jump != 0 {
		now = now.Round(0).Add(time.Duration(jump)) // it cannot be compared with those of before
	}
	return now
}

// Steady returns what Now would if nobody had set the system's clock since this one was made.
// What is signed now and must be young when it is shown again has this time.
func (c *Clock) Steady() time.Time { return c.start.Add(c.Elapsed()) }

// Elapsed returns the time since the clock was made. It is the cheaper one to ask for, and to
// keep.
func (c *Clock) Elapsed() time.Duration {
	return time.Since(c.start) + time.Duration(c.offset.Load())
}

// Until returns for how long it is not yet the next multiple of d, by the time that [Clock.Now] tells: where
// the clocks are right it comes at the same moment everywhere.
func (c *Clock) Until(d time.Duration) time.Duration {
	return d - time.Duration(c.Now().UnixNano())%d
}

// Set makes t call run once after d, in place of what it was set to before. The call is
// made on a goroutine of the clock, one after the other: run must be quick and must not wait.
func (c *Clock) Set(t *Timer, d time.Duration, run func()) { c.Wake(&call{t, run}, 0, d) }

// call is a Sleeper with one timer.
type call struct {
	timer *Timer
	run   func()
}

func (c *call) Timer(int) *Timer { return c.timer }

func (c *call) Wake(int) { c.run() }

// Wake does the same with timer n of a sleeper.
func (c *Clock) Wake(who Sleeper, n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	now := c.Elapsed()
	c.timers.set(alarm{now + d, who, n})
	if c.timers[0].when < c.armed { // else the runtime's timer comes early enough
		c.rearm(now)
	}
}

// Stop unsets t. A call that has already begun is not waited for.
func (c *Clock) Stop(t *Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers.remove(t)
}

// Advance moves the time forward by d and calls what has become due, in order. Calls of
// timers must not use it.
func (c *Clock) Advance(d time.Duration) {
	c.offset.Add(int64(d))
	c.fire()
}

// Jump does what somebody does who sets the system's clock forward or, with a negative d, back:
// [Clock.Now] says another time, and nothing becomes due.
func (c *Clock) Jump(d time.Duration) { c.jump.Add(int64(d)) }

// Close drops every pending timer. Later calls of Set and Wake do nothing.
func (c *Clock) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake.Stop()
	for _, a := range c.timers {
		a.timer().place = 0
	}
	c.timers = nil
}

// fire calls what is due, earliest first.
func (c *Clock) fire() {
	c.turn.Lock()
	defer c.turn.Unlock()
	for {
		c.mu.Lock()
		if now := c.Elapsed(); len(c.timers) == 0 || c.timers[0].when > now {
			c.rearm(now)
			c.mu.Unlock()
			return
		}
		due := c.timers[0]
		c.timers.remove(due.timer())
		c.mu.Unlock()
		due.who.Wake(due.n)
	}
}

// rearm sets the runtime's timer to the earliest deadline. c.mu is held.
func (c *Clock) rearm(now time.Duration) {
	c.armed = math.MaxInt64
	if len(c.timers) > 0 && !c.closed {
		c.armed = c.timers[0].when
		c.wake.Reset(c.armed - now)
	}
}
