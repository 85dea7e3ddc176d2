package clock_test

import (
	"testing"
	"time"

	"monarch/internal/clock"
)

func TestBucketGivesItsBurstAndThenItsRate(t *testing.T) {
	var b clock.Bucket
	now := 5 * time.Hour
	allow := func(want int) {
		t.Helper()
		n := 0
		for b.Allow(now, time.Second, 30*time.Second) {
			n++
		}
		if n != want {
			t.Errorf("at %v: allowed %d, want %d", now, n, want)
		}
	}
	allow(30)
	allow(0)
	now += 999 * time.Millisecond
	allow(0)
	now += time.Millisecond
	allow(1)
	now += 10 * time.Second
	allow(10)
	now += time.Hour // it does not hold more than its burst
	allow(30)
}

func TestBucketInDebt(t *testing.T) {
	var b clock.Bucket
	now := time.Duration(0)
	for i, step := range []struct{ after, cost, want time.Duration }{
		{0, 8 * time.Second, 0},
		{0, 2 * time.Second, 0},
		{0, 3 * time.Second, 3 * time.Second},
		{time.Second, time.Second, 3 * time.Second},
		{4 * time.Second, 0, 0},
		{0, time.Second, 0},
		{0, time.Second, time.Second},
	} {
		now += step.after
		if got := b.Take(now, step.cost, 10*time.Second); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
