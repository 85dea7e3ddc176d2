// Package history is what a node remembers of itself, in memory and for a while: its figures over
// the last hour and the last day, and the last lines of its log that tell of trouble. What is shown
// of it, and how that of several nodes becomes one, is left to admin.
package history

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
)

// Steps are the times between the points of the hour and of the day.
const (
	HourStep = 10 * time.Second
	DayStep  = 5 * time.Minute

	minutePoints = int(time.Minute / HourStep)
	hourPoints   = int(time.Hour / HourStep)
	dayPoints    = int(24 * time.Hour / DayStep)
)

// History keeps the figures of a node. It must be made by [New].
type History struct {
	Lines *Lines // the log's; immutable
	clock *clock.Clock
	read  func() Reading
	timer clock.Timer
	due   int64 // the step for which it is set; touched by Start, and then by the clock's calls
	began time.Time
	ended atomic.Bool

	mu     sync.Mutex               // leaf
	lately [minutePoints + 1]moment // what was read at the last points, the latest first
	hour   ring
	day    ring
	mean   mean // of the day's point that is not over
}

// moment is a reading, and when it was taken, by the clock's Elapsed.
type moment struct {
	Reading
	at time.Duration
}

// New returns a history of what read returns, which is called every ten seconds on the clock's
// goroutine and must not wait. What lines count is in it, too.
func New(clk *clock.Clock, lines *Lines, read func() Reading) *History {
	h := &History{
		Lines: lines, clock: clk, read: read, began: clk.Now(),
		hour: newRing(HourStep, hourPoints), day: newRing(DayStep, dayPoints),
	}
	began := moment{at: clk.Elapsed()}
	began.Reading[CPU] = processors()
	for i := range h.lately {
		h.lately[i] = began
	}
	return h
}

// Began returns when the history did.
func (h *History) Began() time.Time { return h.began }

// Start begins to measure, until Stop. The first point is of half a step at least, lest little seem much.
func (h *History) Start() { h.next(HourStep / 2) }

// Stop ends that. What is kept stays.
func (h *History) Stop() {
	h.ended.Store(true)
	h.clock.Stop(&h.timer)
}

// next has the next point be taken, but not sooner than that: points of all nodes are of the same moments.
func (h *History) next(least time.Duration) {
	now := h.clock.Now()
	h.due = h.hour.slot(now) + 1
	if h.hour.time(h.due).Sub(now) < least {
		h.due++
	}
	h.clock.Set(&h.timer, h.hour.time(h.due).Sub(now), h.sample)
}

// sample takes a point.
func (h *History) sample() {
	slot := h.hour.slot(h.clock.Now())
	if slot == h.due-1 {
		slot = h.due // by the clock of the wall, the timer was a little early
	}
	h.add(h.reading(), h.clock.Elapsed(), slot)
	if !h.ended.Load() {
		h.next(time.Second)
	}
}

// reading measures, here and elsewhere.
func (h *History) reading() Reading {
	r := h.read()
	warnings, errors := h.Lines.Counts()
	r[Warnings], r[Errors] = float64(warnings), float64(errors)
	r[CPU], r[Memory] = processors(), resident()
	return r
}

func (h *History) add(r Reading, elapsed time.Duration, slot int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	point := r.since(h.lately[0].Reading, (elapsed - h.lately[0].at).Seconds())
	copy(h.lately[1:], h.lately[:])
	h.lately[0] = moment{r, elapsed}
	h.hour.put(slot, point)
	slot = ofDay(slot)
	h.day.put(slot, h.mean.add(slot, point))
}

// ofDay returns the step of the day to which one of the hour belongs: a point is of the time before it,
// so that of ten o'clock is of the five minutes that end then.
func ofDay(slot int64) int64 {
	const each = int64(DayStep / HourStep)
	return (slot + each - 1) / each
}

// Now returns the figures of the moment: what is counted, over the minute before the last point. While there
// was no whole one it is what happened so far, and nothing in what is missing, lest little seem much.
func (h *History) Now() Reading {
	now := moment{h.reading(), h.clock.Elapsed()}
	h.mu.Lock()
	defer h.mu.Unlock()
	before, last := h.lately[minutePoints], h.lately[0]
	if now.at-before.at < time.Minute {
		last = now
	}
	seconds := (last.at - before.at).Seconds()
	minute := last.since(before.Reading, max(seconds, time.Minute.Seconds()))
	for f := range counted {
		now.Reading[f] = minute[f]
	}
	now.Reading[CPU] = last.since(before.Reading, max(seconds, 1))[CPU] // cores are those of the time there was
	return now.Reading
}

// Span is a stretch of time that is kept.
type Span uint8

// The spans.
const (
	Hour Span = iota
	Day
)

// Series is what there is of a span: points of all figures, evenly spaced.
type Series struct {
	Start  time.Time // of the first point
	Step   time.Duration
	Points [Figures][]float64 // NaN: nothing is known
}

// Span returns what there is of a span, up to now.
func (h *History) Span(of Span) Series {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &h.hour
	last := r.slot(h.clock.Now())
	if of == Day {
		r, last = &h.day, ofDay(last)
	}
	first := last - int64(len(r.points)) + 1
	s := Series{Start: r.time(first), Step: r.step}
	for f := range s.Points {
		s.Points[f] = make([]float64, len(r.points))
	}
	for slot := first; slot <= last; slot++ {
		p, ok := r.at(slot)
		for f := range s.Points {
			s.Points[f][slot-first] = math.NaN()
			if ok {
				s.Points[f][slot-first] = p[f]
			}
		}
	}
	return s
}
