package hub

import (
	"sync"
	"time"

	"monarch/internal/clock"
)

// reminders are the minutes before the end of the service at which everybody is told again.
// docs/protocol/signin.md#system-message
var reminders = []time.Duration{10 * time.Minute, 5 * time.Minute, 3 * time.Minute, 2 * time.Minute, time.Minute}

// countdown runs to the end of the service, if that was announced.
type countdown struct {
	ended []func() // fixed after construction

	mu    sync.Mutex // taken before the clock's and no other
	stops time.Time  // zero: nothing is announced
	timer clock.Timer
}

// OnStop registers a function that the end of an announced countdown calls. It must not wait.
// It is for construction time.
func (h *Hub) OnStop(fn func()) { h.countdown.ended = append(h.countdown.ended, fn) }

// Announce tells everybody that the service stops in some minutes, and again as the time
// comes. It replaces an earlier announcement.
func (h *Hub) Announce(minutes int) {
	c := &h.countdown
	c.mu.Lock()
	c.stops = h.clock.Steady().Add(time.Duration(minutes) * time.Minute)
	h.remindLater()
	c.mu.Unlock()
	h.DeliverAll(Notice{Minutes: minutes})
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

// Cancel takes an announcement back, and reports whether there was one. Nobody is told: the
// protocol has no word for it.
func (h *Hub) Cancel() bool {
	c := &h.countdown
	c.mu.Lock()
	defer c.mu.Unlock()
	was := !c.stops.IsZero()
	c.stops = time.Time{}
	h.clock.Stop(&c.timer)
	return was
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
