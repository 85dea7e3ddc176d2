package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
)

// The longest that messages wait for others.
const (
	later = 100 * time.Millisecond
	soon  = 5 * time.Millisecond
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
	at := now + later
	if h == Soon {
		at = max(now, p.last+soon)
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
