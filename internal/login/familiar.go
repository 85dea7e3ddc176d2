package login

import "time"

// How much familiar remembers: each half fills to maxFamiliar, or for so long.
const (
	maxFamiliar  = 1 << 19 // of some 18 bytes
	familiarTime = 30 * 24 * time.Hour
)

// familiar is a set of keys that forgets those which were not added for one or two months, or
// earlier when there are many: when the young half is full it becomes the old one.
type familiar struct {
	most       int // in each half
	young, old map[uint64]struct{}
	since      time.Duration // young is empty no more
}

func (f *familiar) has(now time.Duration, key uint64) bool {
	f.age(now)
	if _, in := f.young[key]; in {
		return true
	}
	_, in := f.old[key]
	return in
}

func (f *familiar) add(now time.Duration, key uint64) {
	f.age(now)
	if f.young == nil {
		f.young, f.since = make(map[uint64]struct{}), now
	}
	f.young[key] = struct{}{}
}

func (f *familiar) age(now time.Duration) {
	if f.young == nil || len(f.young) < f.most && now-f.since < familiarTime {
		return
	}
	f.young, f.old, f.since = nil, f.young, now
}
