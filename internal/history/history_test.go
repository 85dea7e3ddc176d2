package history_test

import (
	"errors"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/clock"
	"monarch/internal/history"
)

// node is a history whose readings the test chooses.
type node struct {
	*history.History
	clock *clock.Clock
	log   *slog.Logger
	text  strings.Builder

	mu  sync.Mutex
	now history.Reading
}

// is has the next readings have so many people, and sign-ins so far.
func (n *node) is(sessions, signIns float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now[history.Sessions], n.now[history.SignIns] = sessions, signIns
}

func (n *node) reading() history.Reading {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// start starts one, at a whole second that is no step's: it is 2000-01-01 00:00:00 in such a bubble.
func start(t *testing.T) *node {
	t.Helper()
	<-time.After(3 * time.Second)
	n := &node{clock: clock.New()}
	lines := new(history.Lines)
	n.History = history.New(n.clock, lines, n.reading)
	n.log = slog.New(lines.Beside(slog.NewTextHandler(&n.text, &slog.HandlerOptions{Level: slog.LevelError})))
	n.Start()
	t.Cleanup(n.clock.Close)
	return n
}

// after waits, and until the clock's calls are over.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestPointsAreOfTheSameMomentsEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.is(3, 7)
		after(7 * time.Second)
		n.is(5, 27)
		after(25 * time.Second)
		got := n.Span(history.Hour)
		last := len(got.Points[history.Sessions]) - 1
		if got.Step != 10*time.Second || last != 359 {
			t.Errorf("%d points, one each %v", last+1, got.Step)
		}
		if at := got.Start.Add(time.Duration(last) * got.Step); at.Format("15:04:05") != "00:00:30" {
			t.Errorf("the last point is of %v", at)
		}
		for i, want := range []float64{math.NaN(), 3, 5, 5} {
			if g := got.Points[history.Sessions][last-3+i]; g != want && !(math.IsNaN(g) && math.IsNaN(want)) {
				t.Errorf("sessions at %d: %v, want %v", i, g, want)
			}
		}
		for i, want := range []float64{60, 120, 0} { // 7 in seven seconds, 20 in ten
			if g := got.Points[history.SignIns][last-2+i]; g != want {
				t.Errorf("sign-ins a minute at %d: %v, want %v", i, g, want)
			}
		}
	})
}

// TestNowIsOfTheLastMinute asks also while there was no whole minute yet: then nothing happened before.
func TestNowIsOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		now := func(when string, want float64) {
			t.Helper()
			if got := n.Now()[history.SignIns]; got != want {
				t.Errorf("%s: %v a minute, want %v", when, got, want)
			}
		}
		now("at once", 0)
		n.is(1, 2)
		now("after two", 2)
		after(7 * time.Second) // it is 00:00:10, of which there is a point
		n.is(1, 5)
		now("after five", 5)
		after(40 * time.Second)
		now("while nothing happens", 5)
		n.is(1, 9)
		after(32 * time.Second) // it is 00:01:22, and the first five are over a minute away
		now("when those of before are over", 4)
		after(time.Minute)
		now("at last", 0)
	})
}

func TestADayIsOfMeans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.is(10, 0)
		after(2*time.Minute + 30*time.Second)
		n.is(20, 0)
		after(2*time.Minute + 28*time.Second) // it is 00:05:01
		n.is(40, 0)
		after(time.Minute)
		got := n.Span(history.Day)
		p := got.Points[history.Sessions]
		if len(p) != 288 || got.Start.Add(287*got.Step).Format("15:04") != "00:10" {
			t.Errorf("%d points from %v", len(p), got.Start)
		}
		if p[287] != 40 || p[286] != 15 || !math.IsNaN(p[285]) {
			t.Errorf("the last points are %v", p[285:])
		}
	})
}

// TestAClockThatIsSet moves the wall's clock over an hour that nobody has measured, and back over one that
// somebody has.
func TestAClockThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.is(1, 0)
		after(2 * time.Minute)
		n.clock.Jump(30 * time.Minute)
		n.is(2, 0)
		after(time.Minute)
		p := n.Span(history.Hour).Points[history.Sessions]
		if p[359] != 2 || !math.IsNaN(p[300]) || p[359-190] != 1 {
			t.Errorf("%v", p)
		}
		n.clock.Jump(-time.Minute)
		n.is(3, 0)
		after(30 * time.Second)
		if p := n.Span(history.Hour).Points[history.Sessions]; p[359] != 3 {
			t.Errorf("after the clock was set back: %v", p[350:])
		}
	})
}

func TestTheLastLinesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.log.Info("nothing of interest")
		for i := range history.MaxLines {
			n.log.Warn("warning", "n", i)
		}
		after(time.Second)
		long := strings.Repeat("ü", 4000)
		n.log.With("node", "a").WithGroup("g").Error("went wrong", "err", errors.New("boom"), "text", long, slog.Group("in", "n", 1))
		last := n.Lines.Last()
		if len(last) != history.MaxLines || last[1].Attributes["n"] != "199" || last[199].Attributes["n"] != "1" {
			t.Fatalf("%d lines, the first %+v", len(last), last[:2])
		}
		at := last[0].Attributes
		if last[0].Level != slog.LevelError || at["node"] != "a" || at["g.err"] != "boom" || at["g.in.n"] != "1" || len(at["g.text"]) > 510 || !strings.HasSuffix(at["g.text"], "ü…") {
			t.Errorf("%+v", last[0])
		}
		if text := n.text.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "g.err=boom") {
			t.Errorf("what the log wants itself: %q", text)
		}
		if w, e := n.Lines.Hour(time.Now()); w != history.MaxLines || e != 1 {
			t.Errorf("%d warnings, %d errors", w, e)
		}
		if w, e := n.Lines.Hour(time.Now().Add(time.Hour)); w+e != 0 {
			t.Errorf("an hour later: %d warnings, %d errors", w, e)
		}
	})
}

// TestMemory counts what a history takes that is full.
func TestMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	clk := clock.New()
	defer clk.Close()
	before := heap()
	lines := new(history.Lines)
	h := history.New(clk, lines, func() (r history.Reading) { return r })
	figures := heap() - before
	log := slog.New(lines.Beside(slog.DiscardHandler))
	for range 2 * history.MaxLines {
		log.Error("long", "x", strings.Repeat("x", 4000), "a", strings.Repeat("y", 4000), "b", strings.Repeat("z", 4000), "c", strings.Repeat("z", 4000), "d", "z")
	}
	all := heap() - before
	t.Logf("figures take %d KiB, the longest lines %d KiB more", figures>>10, (all-figures)>>10)
	if figures > 64<<10 || all > 512<<10 {
		t.Errorf("%d bytes of figures, %d with lines", figures, all)
	}
	runtime.KeepAlive(h)
}

func BenchmarkSample(b *testing.B) {
	clk := clock.New()
	defer clk.Close()
	h := history.New(clk, new(history.Lines), func() (r history.Reading) { return r })
	b.ReportAllocs()
	for b.Loop() {
		h.Now()
	}
}
