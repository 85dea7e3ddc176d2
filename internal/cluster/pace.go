package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
)

// How long messages wait for others.
//
// A packet costs what it takes to wake everybody on its way, so where there are many messages nodes send
// what is not urgent in each quarter of a second that their clocks tell, as they do with heartbeats in
// every other second: whoever is woken finds what all of them say.
const (
	later = 250 * time.Millisecond
	soon  = 5 * time.Millisecond // for the ones made at the same time; and urgent ones, after others
)

// pace says when it is time to send what is queued.
type pace struct {
	alarm
	due atomic.Int64 // of Clock.Elapsed; 0 when nothing is queued. Set under mu

	mu   sync.Mutex // taken before the clock's
	last time.Duration
}

// hurry makes it time at the latest when h says.
func (p *pace) hurry(h Haste) {
	if h == Later && p.due.Load() != 0 {
		return // whatever is due is due in time
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Elapsed()
	var at time.Duration
	switch {
	case h == Soon:
		at = max(now, p.last+soon)
	case now-p.last > later: // there are few
		at = now + soon
	default:
		at = now + p.clock.Until(later)
	}
	if due := p.due.Load(); due != 0 && time.Duration(due) <= at {
		return
	}
	p.due.Store(int64(at))
	p.set(at - now)
}

// sending notes that everything that is queued now is being sent.
func (p *pace) sending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due.Store(0)
	p.last = p.clock.Elapsed()
}

// alarm is a timer that is waited for.
type alarm struct {
	clock *clock.Clock
	timer clock.Timer
	rung  chan struct{}
}

func (a *alarm) init(c *clock.Clock) { a.clock, a.rung = c, make(chan struct{}, 1) }

// set makes the alarm ring after d, in place of when it was to ring before.
func (a *alarm) set(d time.Duration) {
	if d <= 0 {
		a.ring()
		return
	}
	a.clock.Set(&a.timer, d, a.ring)
}

func (a *alarm) stop() { a.clock.Stop(&a.timer) }

func (a *alarm) ring() {
	select {
	case a.rung <- struct{}{}:
	default: // it is ringing
	}
}
