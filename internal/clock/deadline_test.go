package clock_test

import (
	"sync"
	"testing"
	"time"

	"monarch/internal/clock"
)

func TestPassed(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Time
		want bool
	}{
		"none": {time.Time{}, false}, "before": {time.Now().Add(-time.Nanosecond), true}, "later": {time.Now().Add(time.Hour), false},
	} {
		if got := clock.Passed(c.at); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAwaitingAChange(t *testing.T) {
	var mu sync.Mutex
	for name, by := range map[string]time.Time{"without a deadline": {}, "long before it": time.Now().Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			changed, done := sync.NewCond(&mu), false
			mu.Lock()
			defer mu.Unlock()
			go func() {
				mu.Lock()
				defer mu.Unlock()
				done = true
				changed.Broadcast()
			}()
			for !done {
				clock.Await(changed, by)
			}
		})
	}
}

func TestAwaitingADeadline(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	defer mu.Unlock()
	changed, by := sync.NewCond(&mu), time.Now().Add(20*time.Millisecond)
	for !clock.Passed(by) {
		clock.Await(changed, by)
	}
}
