package sb

import (
	"sync"
	"time"

	"monarch/internal/clock"
)

// usedCookies remembers the cookies that were presented, each of which is good once,
// whatever came of it. They are kept in two generations, so that forgetting costs nothing:
// one is at least as old as a cookie lives when it goes.
type usedCookies struct {
	clock *clock.Clock

	mu      sync.Mutex    // leaf
	life    time.Duration // as it is set
	ahead   time.Duration // at a time of the clock it is that and this, if not set shorter
	since   time.Duration // when the young generation began, by the clock's Elapsed
	young   map[string]struct{}
	old     map[string]struct{}
	strange int // cookies in young that did not pass
}

const (
	maxCookie  = 52     // bytes; the longest there is
	maxStrange = 50_000 // more than these a generation are not remembered: nobody issued them
)

func newUsedCookies(clk *clock.Clock, life time.Duration) *usedCookies {
	return &usedCookies{clock: clk, life: life, ahead: life, young: make(map[string]struct{})}
}

// setLife changes how long a cookie is good. One that is too old, and may be forgotten, is not
// good again for that: a longer life is reached as time passes.
func (u *usedCookies) setLife(life time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.clock.Elapsed()
	u.ahead = min(u.life, u.ahead+now) - now
	u.life = life
}

// oldest returns how old a cookie may be.
func (u *usedCookies) oldest() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return min(u.life, u.ahead+u.clock.Elapsed())
}

// present notes that a cookie was presented and reports whether it was for the first time.
func (u *usedCookies) present(cookie string) bool {
	if len(cookie) > maxCookie {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := u.clock.Elapsed(); now-u.since > u.life {
		u.old, u.young, u.since, u.strange = u.young, make(map[string]struct{}), now, 0
	}
	if _, seen := u.young[cookie]; seen {
		return false
	}
	if _, seen := u.old[cookie]; seen {
		return false
	}
	u.young[cookie] = struct{}{}
	return true
}

// refused notes that a cookie did not pass. A flood of invented ones is forgotten.
func (u *usedCookies) refused(cookie string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.strange++; u.strange > maxStrange {
		delete(u.young, cookie)
	}
}
