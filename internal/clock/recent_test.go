package clock_test

import (
	"testing"
	"time"

	"monarch/internal/clock"
)

func TestRecentForgetsWhatNobodyAsksFor(t *testing.T) {
	c := newClock(t)
	r := clock.NewRecent[string, int](c, time.Minute)
	use := func(k string) (n int) {
		r.Use(k, func(v *int) {
			*v++
			n = *v
		})
		return n
	}
	for i, step := range []struct {
		after int // seconds
		key   string
		want  int
	}{
		{0, "a", 1},
		{0, "b", 1},
		{59, "a", 2},
		{2, "a", 3},
		{57, "a", 4},
		{4, "b", 1}, // nobody asked for it during the second minute
		{50, "b", 2},
		{600, "b", 1},
		{59, "b", 2},
		{59, "b", 3},
		{59, "b", 4},
		{59, "a", 1},
	} {
		for range step.after {
			c.Advance(time.Second)
		}
		if got := use(step.key); got != step.want {
			t.Errorf("step %d: %s was used %d times, want %d", i, step.key, got, step.want)
		}
	}
	r.Reset(time.Hour)
	if got := use("a"); got != 1 {
		t.Errorf("used %d times after a reset", got)
	}
	c.Advance(59 * time.Minute)
	if got := use("a"); got != 2 {
		t.Errorf("used %d times within its new life", got)
	}
}

func TestRecentMakesGarbageForNewKeysOnly(t *testing.T) {
	r := clock.NewRecent[int, clock.Bucket](newClock(t), time.Minute)
	now, rate := time.Duration(0), clock.Rate{Burst: 10, Per: time.Second}
	if n := testing.AllocsPerRun(100, func() {
		now += time.Second
		r.Use(7, func(b *clock.Bucket) { rate.Allow(b, now) })
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
