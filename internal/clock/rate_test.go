package clock_test

import (
	"testing"
	"time"

	"monarch/internal/clock"
)

func TestRateGivesItsBurstAndThenSoManyInEachStretch(t *testing.T) {
	for _, r := range []clock.Rate{{30, 30 * time.Second}, {7, time.Minute}, {100, time.Minute}, {1, 24 * time.Hour}, {999_983, 24 * time.Hour}} {
		var b clock.Bucket
		now := 5 * time.Hour
		allow := func(want int) {
			t.Helper()
			n := 0
			for r.Allow(&b, now) {
				n++
			}
			if n != want {
				t.Errorf("%v at %v: allowed %d, want %d", r, now, n, want)
			}
		}
		allow(r.Burst)
		now += r.Each()
		allow(1)
		now += r.Per
		allow(r.Burst)
	}
}

func TestRateThatWaits(t *testing.T) {
	r := clock.Rate{Burst: 400, Per: 2 * time.Second}
	var b clock.Bucket
	for i := range 401 {
		want := time.Duration(0)
		if i == 400 {
			want = 5 * time.Millisecond
		}
		if got := r.Take(&b, time.Hour); got != want {
			t.Errorf("after %d: %v, want %v", i, got, want)
		}
	}
}

func TestNoRateIsNoLimit(t *testing.T) {
	var (
		r clock.Rate
		b clock.Bucket
		m clock.Meter
	)
	for range 1000 {
		if !r.Allow(&b, 0) || r.Take(&b, 0) != 0 || r.Spend(&m, 0, 1<<30) != 0 || r.Each() != 0 {
			t.Fatal("limited")
		}
	}
}

// A meter is as good as a bucket, but for the ticks, and for what it forgets.
func TestMeter(t *testing.T) {
	r := clock.Rate{Burst: 1 << 20, Per: 4 * time.Second}
	const tick = 16 * time.Microsecond
	var m clock.Meter
	now := 40 * time.Hour // it has come round more than twice
	for i, step := range []struct {
		after time.Duration
		n     int
		want  time.Duration
	}{
		{0, 1 << 19, 0},
		{0, 1 << 19, 0},
		{0, 1 << 18, time.Second},
		{time.Second, 1 << 18, time.Second},
		{3 * time.Second, 1 << 18, 0},
		{time.Hour, 1 << 20, 0},
		{0, 1, tick},
		{tick, 1, tick},
		{20 * time.Hour, 1 << 20, 0},
		{1<<32*tick - time.Second, 1 << 18, 0}, // once round, but for a second
		{0, 3 << 18, 0},                        // and yet it was full before
		{0, 1 << 18, time.Second},
	} {
		now += step.after
		if got := r.Spend(&m, now, step.n); got < step.want || got > step.want+tick {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

// Whoever always waits for as long as he was told gets the rate and no more.
func TestMeterHoldsTheRate(t *testing.T) {
	r := clock.Rate{Burst: 1 << 20, Per: 4 * time.Second}
	var m clock.Meter
	start := 19 * time.Hour // it comes round on the way
	now, sent := start, 0
	for now-start < 10*time.Minute {
		wait := r.Spend(&m, now, 1000)
		sent += 1000
		if wait > 0 {
			now += wait + time.Microsecond
		}
	}
	most := r.Burst + int((now-start)/r.Each()) + 1000
	if sent > most || sent < most*9/10 {
		t.Errorf("%d bytes, want at most %d and not much less", sent, most)
	}
}
