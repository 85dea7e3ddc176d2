package clock

import "time"

// Bucket limits how often something may happen: so much at once, and then at a rate. It is a
// bucket of tokens in the eight bytes of the time at which it will be full again. The zero
// value is full. It has no lock.
//
// What costs cost may happen when the bucket, which holds burst, has that much; it fills by a
// nanosecond each nanosecond. So an event a second, thirty at once, costs a second of thirty.
type Bucket time.Duration

// Allow takes cost, if it is there. now is what [Clock.Elapsed] says.
func (b *Bucket) Allow(now, cost, burst time.Duration) bool {
	full := max(time.Duration(*b), now) + cost
	if full-now > burst {
		return false
	}
	*b = Bucket(full)
	return true
}

// Take takes cost in any case and returns how long it takes until the bucket has it.
func (b *Bucket) Take(now, cost, burst time.Duration) time.Duration {
	full := max(time.Duration(*b), now) + cost
	*b = Bucket(full)
	return max(full-now-burst, 0)
}
