package clock

import "time"

// alarm is a timer that is set. It refers to its sleeper once and not to the timer as well:
// with a million of them, the garbage collector follows each.
type alarm struct {
	when time.Duration // since the clock was made
	who  Sleeper
	n    int
}

func (a *alarm) timer() *Timer { return a.who.Timer(a.n) }

// timers is a heap of alarms, the earliest first. Each timer knows its place. It is written
// out, rather than on container/heap, so that comparing touches nothing but the slice, of
// which there are a million elements with a million sessions.
type timers []alarm

// set puts an alarm in, or in the place of the one its timer has.
func (h *timers) set(a alarm) {
	i := int(a.timer().place) - 1
	if i < 0 {
		i = len(*h)
		*h = append(*h, alarm{})
	}
	h.settle(i, a)
}

// remove takes a timer out, if it is set.
func (h *timers) remove(t *Timer) {
	i := int(t.place) - 1
	if i < 0 {
		return
	}
	t.place = 0
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[last] = alarm{}
	*h = (*h)[:last]
	if i < last {
		h.settle(i, moved)
	}
}

// settle finds the place of an alarm, beginning at the free element i.
func (h *timers) settle(i int, a alarm) {
	for i > 0 {
		above := (i - 1) / 2
		if (*h)[above].when <= a.when {
			break
		}
		h.put(i, (*h)[above])
		i = above
	}
	for {
		below := 2*i + 1
		if below+1 < len(*h) && (*h)[below+1].when < (*h)[below].when {
			below++
		}
		if below >= len(*h) || a.when <= (*h)[below].when {
			break
		}
		h.put(i, (*h)[below])
		i = below
	}
	h.put(i, a)
}

func (h *timers) put(i int, a alarm) {
	(*h)[i] = a
	a.timer().place = int32(i + 1)
}
