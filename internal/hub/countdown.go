package hub

import (
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
)

// reminders are the minutes before the end of the service at which everybody is told again.
// docs/protocol/signin.md#system-message
var reminders = []time.Duration{10 * time.Minute, 5 * time.Minute, 3 * time.Minute, 2 * time.Minute, time.Minute}

// countdown runs to the end of the service, if that was announced. All nodes have the same: of two
// announcements, or of one and its being taken back, the later one holds, as sign-ins do by their
// numbers.
type countdown struct {
	ended  []func()                   // fixed after construction
	called []func(left time.Duration) // fixed after construction

	mu     sync.Mutex // taken before the clock's and no other
	number uint64     // of what was said last; 0: nothing was
	stops  time.Time  // zero: nothing is announced
	timer  clock.Timer
}

// OnStop registers a function that the end of an announced countdown calls. It must not wait.
// It is for construction time.
func (h *Hub) OnStop(fn func()) { h.countdown.ended = append(h.countdown.ended, fn) }

// OnCountdown registers a function to be told when another node announces the end of the service, and how
// much time is left, or 0 when that is taken back. It must not wait. It is for construction time.
func (h *Hub) OnCountdown(fn func(left time.Duration)) {
	h.countdown.called = append(h.countdown.called, fn)
}

// Announce tells everybody, at all nodes, that the service stops in some minutes, and again as the time
// comes. It replaces an earlier announcement. Nodes that cannot be told now learn of it when they are heard
// of, and those that start later, too.
func (h *Hub) Announce(minutes int) {
	left := time.Duration(minutes) * time.Minute
	if h.say(left) {
		h.DeliverAll(Notice{Minutes: minutes})
	}
}

// Announced returns in how many minutes the service stops, for those who come on line after
// that was announced.
func (h *Hub) Announced() (minutes int, ok bool) {
	c := &h.countdown
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.stops.Sub(h.clock.Steady())
	if left <= 0 {
		return 0, false
	}
	return wholeMinutes(left), true
}

// Cancel takes an announcement back, at all nodes, and reports whether there was one. Nobody is told:
// the protocol has no word for it.
func (h *Hub) Cancel() bool {
	if _, ok := h.Announced(); !ok {
		return false // and what another node announces just now holds
	}
	return h.say(0)
}

// say has a countdown begin at all nodes, or end, and reports whether it did here.
func (h *Hub) say(left time.Duration) bool {
	m := countingDown{Number: h.next(), Left: left}
	_, ok := h.countDown(m)
	if ok && h.peers != nil {
		h.peers.cluster.SendAll(encode(message{CountingDown: &m}), cluster.Soon)
	}
	return ok
}

// countDown begins a countdown, or ends it, unless something later is known. It reports whether there was
// one, and whether it did.
func (h *Hub) countDown(m countingDown) (was, ok bool) {
	c := &h.countdown
	c.mu.Lock()
	defer c.mu.Unlock()
	was = !c.stops.IsZero()
	if m.Number <= c.number {
		return was, false
	}
	c.number = m.Number
	if m.Left > 0 {
		c.stops = h.clock.Steady().Add(m.Left)
		h.remindLater()
	} else {
		c.stops = time.Time{}
		h.clock.Stop(&c.timer)
	}
	return was, true
}

// countsDown returns what another node has to know, if it is anything.
func (h *Hub) countsDown() (m countingDown, ok bool) {
	c := &h.countdown
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Number = c.number
	if !c.stops.IsZero() {
		m.Left = max(c.stops.Sub(h.clock.Steady()), 0)
	}
	return m, m.Number != 0
}

// countingDown lets what another node says of the end of the service take effect here.
func (p *peers) countingDown(m *countingDown) {
	h := p.hub
	if !h.heard(m.Number) {
		return
	}
	was, ok := h.countDown(*m)
	if !ok || !was && m.Left <= 0 {
		return
	}
	if m.Left > 0 {
		h.DeliverAll(Notice{Minutes: wholeMinutes(m.Left)})
	}
	for _, fn := range h.countdown.called {
		fn(max(m.Left, 0))
	}
}

// remindLater sets the timer to the next reminder, or to the end. h.countdown.mu is held.
func (h *Hub) remindLater() {
	c := &h.countdown
	left := c.stops.Sub(h.clock.Steady())
	next := time.Duration(0)
	for _, r := range reminders {
		if r < left {
			next = r
			break
		}
	}
	stops := c.stops
	h.clock.Set(&c.timer, left-next, func() { h.remind(stops) })
}

// remind tells everybody again how much time is left before stops, or ends the countdown.
func (h *Hub) remind(stops time.Time) {
	c := &h.countdown
	c.mu.Lock()
	left := stops.Sub(h.clock.Steady())
	switch {
	case !c.stops.Equal(stops): // it was taken back or replaced just now
		c.mu.Unlock()
		return
	case left > 0:
		h.remindLater()
	default:
		c.stops = time.Time{}
	}
	c.mu.Unlock()
	if left > 0 {
		h.DeliverAll(Notice{Minutes: wholeMinutes(left)})
		return
	}
	for _, fn := range c.ended {
		fn()
	}
}

// wholeMinutes rounds up: a reminder comes a moment after its minute has begun.
func wholeMinutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
