package clock_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"monarch/internal/clock"
)

// newClock returns a clock that ends with the test.
func newClock(t *testing.T) *clock.Clock {
	t.Helper()
	c := clock.New()
	t.Cleanup(c.Close)
	return c
}

func TestAdvanceCallsWhatIsDueInOrder(t *testing.T) {
	c := newClock(t)
	var called []int
	timers := make([]clock.Timer, 100)
	for i := range timers {
		hours := (i*37)%100 + 1 // each of 1 to 100, mixed up
		c.Set(&timers[i], time.Duration(hours)*time.Hour, func() { called = append(called, hours) })
	}
	hours := 0
	for _, more := range []int{0, 1, 0, 49, 49, 2} {
		hours += more
		c.Advance(time.Duration(more) * time.Hour)
		if len(called) != min(hours, 100) || !slices.IsSorted(called) {
			t.Fatalf("after %d hours: %v", hours, called)
		}
	}
}

func TestNowFollowsTheSystemAndAdvance(t *testing.T) {
	c := newClock(t)
	if d := time.Since(c.Now()).Abs(); d > time.Minute {
		t.Errorf("a new clock is %v off", d)
	}
	before := c.Now()
	c.Advance(time.Hour)
	if d := c.Now().Sub(before); d < time.Hour || d > time.Hour+time.Minute {
		t.Errorf("moved by %v", d)
	}
}

func TestSettingTheSystemsClockMovesNowOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(t)
		calls := 0
		var tm clock.Timer
		c.Set(&tm, time.Hour, func() { calls++ })
		start := c.Now()
		for _, jump := range []time.Duration{5 * time.Hour, -9 * time.Hour, 4*time.Hour + time.Minute} {
			now, steady, elapsed := c.Now(), c.Steady(), c.Elapsed()
			c.Jump(jump)
			if d := c.Now().Sub(now); d != jump {
				t.Errorf("a jump of %v moves Now by %v", jump, d)
			}
			if !c.Steady().Equal(steady) || c.Elapsed() != elapsed || calls != 0 {
				t.Errorf("a jump of %v moves Steady by %v, Elapsed by %v, and calls %d", jump, c.Steady().Sub(steady), c.Elapsed()-elapsed, calls)
			}
		}
		c.Advance(time.Hour)
		if d := c.Now().Sub(start); d != time.Hour+time.Minute || c.Steady().Sub(start) != time.Hour || calls != 1 {
			t.Errorf("afterwards Now has moved by %v, Steady by %v, %d calls", d, c.Steady().Sub(start), calls)
		}
	})
}

// lives are what may happen to a timer.
var lives = []struct {
	name string
	run  func(c *clock.Clock, tm *clock.Timer, call func(string))
	want []string
}{
	{"is called once", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, time.Hour, func() { call("a") })
		c.Advance(59 * time.Minute)
		call("not yet")
		c.Advance(time.Minute)
		c.Advance(24 * time.Hour)
	}, []string{"not yet", "a"}},
	{"set again is called at the later time", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, time.Hour, func() { call("first") })
		c.Set(tm, 2*time.Hour, func() { call("second") })
		c.Advance(90 * time.Minute)
		call("not yet")
		c.Advance(time.Hour)
	}, []string{"not yet", "second"}},
	{"set again is called at the earlier time", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, 2*time.Hour, func() { call("first") })
		c.Set(tm, time.Hour, func() { call("second") })
		c.Advance(90 * time.Minute)
		call("already")
		c.Advance(time.Hour)
	}, []string{"second", "already"}},
	{"may be set after it was called", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		for range 3 {
			c.Set(tm, time.Hour, func() { call("a") })
			c.Advance(time.Hour)
		}
	}, []string{"a", "a", "a"}},
	{"stopped is not called", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, time.Hour, func() { call("a") })
		c.Stop(tm)
		c.Stop(tm)
		c.Advance(2 * time.Hour)
	}, nil},
	{"stopped may be set again", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, time.Hour, func() { call("a") })
		c.Stop(tm)
		c.Set(tm, time.Hour, func() { call("b") })
		c.Advance(2 * time.Hour)
	}, []string{"b"}},
	{"never set may be stopped", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Stop(tm)
	}, nil},
	{"is dropped by Close, and Set does nothing after it", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		c.Set(tm, time.Hour, func() { call("a") })
		c.Close()
		c.Stop(tm)
		c.Set(tm, time.Minute, func() { call("b") })
		c.Advance(2 * time.Hour)
		c.Close()
	}, nil},
	{"may be set, and another stopped, by a call", func(c *clock.Clock, tm *clock.Timer, call func(string)) {
		var other clock.Timer
		c.Set(&other, 2*time.Hour, func() { call("other") })
		c.Set(tm, time.Hour, func() {
			call("a")
			c.Stop(&other)
			c.Set(tm, time.Hour, func() { call("b") })
		})
		c.Advance(time.Hour)
		call("between")
		c.Advance(time.Hour)
	}, []string{"a", "between", "b"}},
}

// sleeper is woken by any of its timers.
type sleeper struct {
	timers [2]clock.Timer
	woken  []int
}

const early, late = 0, 1

func (s *sleeper) Timer(n int) *clock.Timer { return &s.timers[n] }

func (s *sleeper) Wake(n int) { s.woken = append(s.woken, n) }

func TestASleeperKnowsWhichTimerWokeIt(t *testing.T) {
	c := newClock(t)
	s := new(sleeper)
	c.Wake(s, late, 2*time.Hour)
	c.Wake(s, early, time.Hour)
	c.Advance(time.Hour)
	c.Wake(s, early, 2*time.Hour)
	c.Advance(3 * time.Hour)
	if want := []int{early, late, early}; !slices.Equal(s.woken, want) {
		t.Errorf("woken %v, want %v", s.woken, want)
	}
	if n := testing.AllocsPerRun(100, func() { c.Wake(s, early, time.Hour) }); n != 0 {
		t.Errorf("%v allocations for a timer", n)
	}
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is midnight
		c := newClock(t)
		for _, step := range []struct{ by, want time.Duration }{
			{0, 250}, {1, 249}, {248, 1}, {1, 250}, {1000, 250}, {100, 150},
		} {
			c.Advance(step.by * time.Millisecond)
			if got := c.Until(250 * time.Millisecond); got != step.want*time.Millisecond {
				t.Errorf("%v until the next quarter, want %d ms", got, step.want)
			}
		}
	})
}

func TestElapsedFollowsTheSystemAndAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(t)
		<-time.After(time.Second)
		c.Advance(time.Hour)
		if got := c.Elapsed(); got != time.Hour+time.Second {
			t.Errorf("%v have gone by", got)
		}
	})
}

// A million sessions have two million timers.
func TestTimerIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(clock.Timer{}); n > 8 {
		t.Errorf("a timer that is not set takes %d bytes", n)
	}
}

func TestTimer(t *testing.T) {
	for _, tc := range lives {
		t.Run(tc.name, func(t *testing.T) {
			var called []string
			tc.run(newClock(t), new(clock.Timer), func(s string) { called = append(called, s) })
			if !slices.Equal(called, tc.want) {
				t.Errorf("called %q, want %q", called, tc.want)
			}
		})
	}
}

// While a call runs, others are due already: setting a timer then must not make the system
// call them at the same time.
func TestCallsThatSetTimersKeepTheOrder(t *testing.T) {
	c := newClock(t)
	const n = 2000
	var called []int // without a lock: the calls come one after the other
	timers, more := make([]clock.Timer, n), make([]clock.Timer, n)
	for i := range timers {
		c.Set(&timers[i], time.Hour+time.Duration(i)*time.Second, func() {
			called = append(called, i)
			c.Set(&more[i], -time.Second, func() {}) // due at once
		})
	}
	c.Advance(2 * time.Hour)
	if len(called) != n || !slices.IsSorted(called) {
		t.Errorf("%d of %d calls, in order: %t", len(called), n, slices.IsSorted(called))
	}
}

// Timers that are set, set again and stopped at random are called in the order of their
// times, each once.
func TestTimersAreAHeap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := newClock(t)
		timers, due := make([]clock.Timer, 200), make(map[int]time.Duration)
		var called []time.Duration
		for range 2000 {
			i, d := rng.IntN(len(timers)), time.Duration(rng.IntN(100)+1)*time.Minute
			if rng.IntN(3) == 0 {
				c.Stop(&timers[i])
				delete(due, i)
				continue
			}
			due[i] = d
			c.Set(&timers[i], d, func() { called = append(called, d) })
		}
		c.Advance(101 * time.Minute)
		if want := slices.Sorted(maps.Values(due)); !slices.Equal(called, want) {
			t.Fatalf("called %v, want %v", called, want)
		}
	}
}

func TestSystemTimeCallsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(t)
		start := time.Now()
		called := make(chan time.Duration, 4)
		call := func() { called <- time.Since(start) }
		var late, soon, now, again clock.Timer
		c.Set(&late, 2*time.Hour, call)
		c.Set(&soon, time.Minute, call)
		c.Set(&now, 0, call)
		c.Set(&again, time.Second, func() { c.Set(&again, 10*time.Minute, call) })
		for _, want := range []time.Duration{0, time.Minute, 10*time.Minute + time.Second, 2 * time.Hour} {
			if got := <-called; got != want {
				t.Errorf("called after %v, want %v", got, want)
			}
		}
	})
}

func TestSystemTimeGoesOnAfterAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(t)
		start := time.Now()
		called := make(chan time.Duration)
		var tm clock.Timer
		c.Set(&tm, time.Hour, func() { called <- time.Since(start) })
		c.Advance(50 * time.Minute)
		if got := <-called; got != 10*time.Minute {
			t.Errorf("called after %v", got)
		}
	})
}

func TestCallsComeOneAtATimeUnderRace(t *testing.T) {
	c := newClock(t)
	var (
		busy, overlaps, calls atomic.Int64
		workers               sync.WaitGroup
	)
	call := func() {
		if busy.Add(1) != 1 {
			overlaps.Add(1)
		}
		calls.Add(1)
		busy.Add(-1)
	}
	const each = 500
	shared := make([]clock.Timer, 8)
	for w := range 8 {
		workers.Go(func() {
			own := make([]clock.Timer, each)
			for i := range own {
				c.Set(&own[i], time.Duration(i%7)*time.Microsecond, call)
				c.Set(&shared[(w+i)%len(shared)], time.Duration(i%5-1)*time.Microsecond, func() {})
				if i%3 == 0 {
					c.Stop(&shared[i%len(shared)])
				}
				if i%50 == 0 {
					c.Advance(time.Millisecond)
				}
			}
		})
	}
	workers.Wait()
	c.Advance(time.Hour)
	if n := calls.Load(); n != 8*each {
		t.Errorf("%d calls of %d timers", n, 8*each)
	}
	if n := overlaps.Load(); n != 0 {
		t.Errorf("%d calls overlapped", n)
	}
}

func TestCloseWhileTimersAreSetUnderRace(t *testing.T) {
	c := clock.New()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			timers := make([]clock.Timer, 200)
			for i := range timers {
				c.Set(&timers[i], time.Duration(i%3)*time.Microsecond, func() {})
				if i == 100 {
					c.Close()
				}
				c.Stop(&timers[i/2])
			}
		})
	}
	workers.Wait()
	var calls int
	var tm clock.Timer
	c.Set(&tm, 0, func() { calls++ })
	c.Advance(time.Hour)
	if calls != 0 {
		t.Error("called after Close")
	}
}

func BenchmarkSet(b *testing.B) {
	c := clock.New()
	defer c.Close()
	timers := make([]clock.Timer, 10_000) // as many connections with a deadline each
	for i := range timers {
		c.Set(&timers[i], time.Hour+time.Duration(i)*time.Second, func() {})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Set(&timers[i%len(timers)], time.Hour, func() {})
	}
}
