package figures_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/figures"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name string
		v    []int
		want int
	}{
		{"nothing", nil, 0},
		{"one", []int{7}, 7},
		{"unsorted", []int{9, 1, 5}, 5},
		{"the lower of the two in the middle", []int{4, 1, 3, 2}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := append([]int(nil), c.v...)
			if got := figures.Median(c.v); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
			if d := cmp.Diff(before, c.v); d != "" {
				t.Errorf("the argument changed: %s", d)
			}
		})
	}
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		name   string
		result figures.Result
		missed bool
	}{
		{"no goal", figures.Result{Value: 9}, false},
		{"a value that meets it", figures.Result{Value: 2.5, Goal: 2.5}, false},
		{"a value that does not", figures.Result{Value: 2.6, Goal: 2.5}, true},
		{"a ratio that meets it", figures.Result{Value: 9, Ratio: 1.2, Baseline: "bare", Goal: 1.25}, false},
		{"a ratio that does not", figures.Result{Value: 1, Ratio: 1.3, Baseline: "bare", Goal: 1.25}, true},
		{"a value beside a ratio", figures.Result{Value: 2, Ratio: 9, Baseline: "bare", Goal: 2.5, GoalOfValue: true}, false},
		{"a ratio to nothing", figures.Result{Value: 1, Baseline: "bare", Goal: 1.25}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.result.Missed(); got != c.missed {
				t.Errorf("missed: %v, want %v", got, c.missed)
			}
		})
	}
}

func report() figures.Report {
	bare := figures.Result{
		Work: "relay", Case: "100 pairs", Subject: "bare", Unit: "µs CPU/message",
		Turns: []figures.Turn{{1000, 3, 0.5, 7.5}, {1000, 3, 0.5, 7}, {1000, 3, 0.5, 6.5}},
	}
	bare.Sum()
	epoll := bare
	epoll.Subject, epoll.Turns, epoll.Goal = "epoll", []figures.Turn{{1000, 3, 0.5, 8.4}}, 1.25
	epoll.Sum()
	epoll.Against(bare)
	portable := epoll
	portable.Subject, portable.Value, portable.Lost = "portable", 14, 2
	portable.Against(bare)
	idle := figures.Result{
		Work: "idle", Subject: "epoll", Unit: "KiB/session", Value: 2.25, Goal: 2.5,
		Extra: map[string]float64{"goroutines": 31, "gc ms/cycle": 12.34567},
	}
	return figures.Report{
		Date: "2026-08-20T10:00:00Z", Machine: "2 processors", Commit: "abc",
		Results: []figures.Result{bare, epoll, portable, idle},
		Samples: []figures.Sample{{Subject: "epoll", Seconds: 1.5, RSS: 4096, People: 10}},
	}
}

func TestTable(t *testing.T) {
	var got strings.Builder
	if err := report().Table(&got); err != nil {
		t.Fatal(err)
	}
	const want = `
work   case       subject   value  unit            spread  ratio   goal
relay  100 pairs  bare          7  µs CPU/message     14%
relay  100 pairs  epoll       8.4  µs CPU/message          1.20x  1.25x  met
relay  100 pairs  portable     14  µs CPU/message          2.00x  1.25x  MISSED
idle              epoll      2.25  KiB/session                      2.5  met
idle, epoll: gc ms/cycle 12.35, goroutines 31
relay, 100 pairs, portable: 2 LOST, 0 DUPLICATED, 0 OUT OF ORDER
`
	if d := cmp.Diff(want[1:], got.String()); d != "" {
		t.Error(d)
	}
}

func TestTableSaysThatNothingWasLost(t *testing.T) {
	r := report()
	r.Results = r.Results[:2]
	var got strings.Builder
	if err := r.Table(&got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got.String(), "\nnothing lost, duplicated or out of order\n") {
		t.Error(got.String())
	}
}

func TestSaveAndLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	if err := report().Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := figures.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(report(), got); d != "" {
		t.Error(d)
	}
	if _, err := figures.Load(file + ".not"); err == nil {
		t.Error("loaded what there is not")
	}
}
