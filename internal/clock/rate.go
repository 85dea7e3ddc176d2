package clock

import (
	"math"
	"time"
)

// Rate is how often something may happen: Burst times at once, and from then on Burst times
// in each stretch of Per, which is at most a day. The zero value is no limit.
type Rate struct {
	Burst int
	Per   time.Duration
}

// Allow takes one out of b, if it is there. now is what [Clock.Elapsed] says.
func (r Rate) Allow(b *Bucket, now time.Duration) bool {
	return r.Burst == 0 || b.Allow(now, r.cost(1), r.Per)
}

// Take takes one out of b in any case and returns how long it takes until it is there.
func (r Rate) Take(b *Bucket, now time.Duration) time.Duration {
	if r.Burst == 0 {
		return 0
	}
	return b.Take(now, r.cost(1), r.Per)
}

// Spend does the same with n out of a meter.
func (r Rate) Spend(m *Meter, now time.Duration, n int) time.Duration {
	if r.Burst == 0 {
		return 0
	}
	return m.take(now, r.cost(n), r.Per)
}

// Each returns the time in which one more may happen.
func (r Rate) Each() time.Duration {
	if r.Burst == 0 {
		return 0
	}
	return r.cost(1)
}

// cost returns the time in which n more may happen.
func (r Rate) cost(n int) time.Duration { return time.Duration(n) * r.Per / time.Duration(r.Burst) }

// Meter is a [Bucket] that goes into debt, in the four bytes that every connection can spare.
// It counts time in ticks that come round again after 19 hours, so it must not be asked for
// more before it has what it owes; one that seems to owe something is full. For the same reason
// its rate is one of minutes, not of hours. The zero value is full. It has no lock.
type Meter uint32

// tick is the least a meter can tell apart. Whatever is taken costs at least one.
const tick = 16 * time.Microsecond

func (m *Meter) take(now, cost, burst time.Duration) time.Duration {
	n, most := uint32(now/tick), ticks(burst)
	ahead := uint32(*m) - n
	if *m == 0 || ahead > most {
		ahead = 0
	}
	ahead += ticks(cost)
	*m = Meter(n + ahead)
	return time.Duration(max(ahead, most)-most) * tick
}

// ticks returns d in ticks, rounded up. Half of what a meter can count is a debt of hours.
func ticks(d time.Duration) uint32 { return uint32(min((d+tick-1)/tick, math.MaxInt32)) }
