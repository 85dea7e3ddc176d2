package history

import "time"

// ring keeps the last points, each with the number of its step since 1970: what was not measured,
// and what was overtaken by a clock that was set, is simply not there.
type ring struct {
	step   time.Duration
	points []point
}

// point has less than half the size of a Reading.
type point struct {
	slot   int64 // 0: nothing
	values [Figures]float32
}

func newRing(step time.Duration, n int) ring { return ring{step, make([]point, n)} }

// slot returns the number of the step that has last begun at a time.
func (r *ring) slot(t time.Time) int64 { return t.Unix() / int64(r.step/time.Second) }

// time returns when a step was.
func (r *ring) time(slot int64) time.Time {
	return time.Unix(slot*int64(r.step/time.Second), 0).UTC()
}

func (r *ring) put(slot int64, values Reading) {
	p := &r.points[slot%int64(len(r.points))]
	p.slot = slot
	for f, v := range values {
		p.values[f] = float32(v)
	}
}

func (r *ring) at(slot int64) (values Reading, ok bool) {
	p := &r.points[slot%int64(len(r.points))]
	if p.slot != slot {
		return Reading{}, false
	}
	for f, v := range p.values {
		values[f] = float64(v)
	}
	return values, true
}

// mean is that of the points of one step so far.
type mean struct {
	slot int64
	n    float64
	sum  Reading
}

// add takes one more, of this step or the first of another, and returns what it is then.
func (m *mean) add(slot int64, point Reading) (mean Reading) {
	if m.slot != slot {
		m.slot, m.n, m.sum = slot, 0, Reading{}
	}
	m.n++
	for f := range m.sum {
		m.sum[f] += point[f]
		mean[f] = m.sum[f] / m.n
	}
	return mean
}
