package login

import "time"

// How much familiar remembers: each half fills to maxFamiliar, or for so long. Of one account no
// more than maxHomes come into a half: with the addresses of IPv6 that one person can have, he
// could else make it forget everybody's.
const (
	maxFamiliar  = 1 << 19 // of some 18 bytes, and as many for each account
	familiarTime = 30 * 24 * time.Hour
	maxHomes     = 64
)

// familiar is a set of keys that forgets those which were not added for one or two months, or
// earlier when there are many: when the young half is full it becomes the old one.
type familiar struct {
	most       int // in each half
	young, old map[uint64]struct{}
	homes      map[uint64]uint8 // how many of the young ones an account has
	since      time.Duration    // young is empty no more
}

func (f *familiar) has(now time.Duration, key uint64) bool {
	f.age(now)
	if _, in := f.young[key]; in {
		return true
	}
	_, in := f.old[key]
	return in
}

// add remembers the key of an account at an address, unless the account has too many.
func (f *familiar) add(now time.Duration, key, account uint64) {
	f.age(now)
	if f.young == nil {
		f.young, f.homes, f.since = make(map[uint64]struct{}), make(map[uint64]uint8), now
	}
	if _, in := f.young[key]; in || f.homes[account] >= maxHomes {
		return
	}
	f.young[key] = struct{}{}
	f.homes[account]++
}

func (f *familiar) age(now time.Duration) {
	if f.young == nil || len(f.young) < f.most && now-f.since < familiarTime {
		return
	}
	f.young, f.homes, f.old, f.since = nil, nil, f.young, now
}
