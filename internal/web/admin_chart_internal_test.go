package web

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestAxesEndInRoundNumbers(t *testing.T) {
	for _, c := range []struct {
		most  float64
		whole bool
		want  float64
	}{
		{0, false, 1},
		{0, true, 2},
		{1, true, 2},
		{0.03, false, 0.03},
		{0.031, false, 0.04},
		{2, true, 2},
		{3, true, 4},
		{7, true, 8},
		{9, true, 10},
		{25, true, 30},
		{25, false, 30},
		{99, true, 100},
		{1001, true, 2000},
		{123456, false, 200000},
	} {
		if got := roundUp(c.most, c.whole); math.Abs(got-c.want) > c.want/1e6 {
			t.Errorf("%v (whole: %v): %v, want %v", c.most, c.whole, got, c.want)
		}
	}
}

func TestLinesHaveGaps(t *testing.T) {
	line, area := paths([]float64{1, 2, math.NaN(), 3, 4}, 4)
	if strings.Count(line, "M") != 2 || strings.Count(line, "L") != 2 || strings.Count(area, "Z") != 2 || strings.Contains(line+area, "NaN") {
		t.Errorf("line %s, area %s", line, area)
	}
	long := make([]float64, 1000)
	if line, _ := paths(long, 1); strings.Count(line, "L") >= mostPoints {
		t.Errorf("%d points", strings.Count(line, "L")+1)
	}
	if line, area := paths(nil, 1); line+area != "" {
		t.Error("something is drawn of nothing")
	}
}

func TestACentralPeakIsNotLost(t *testing.T) {
	series := make([]float64, 360)
	series[181] = 50
	c := draw(figure{series: [][]float64{series}, lines: []string{""}}, time.Unix(0, 0), 10*time.Second)
	if c.Max != 50 || !strings.Contains(c.Lines[0].Path, " 8.0") {
		t.Errorf("at most %v in %s", c.Max, c.Lines[0].Path)
	}
}

func TestChartsOfNothing(t *testing.T) {
	none := []float64{math.NaN(), math.NaN()}
	for _, series := range [][]float64{nil, none} {
		if c := draw(figure{series: [][]float64{series}, lines: []string{""}}, time.Unix(0, 0), time.Second); !c.Nothing || c.Lines[0].Path != "" {
			t.Errorf("%v is drawn as %+v", series, c)
		}
	}
}

func TestMomentsOfAnHourAndADay(t *testing.T) {
	begin := time.Date(2003, time.October, 18, 20, 7, 0, 0, time.UTC)
	for _, c := range []struct {
		step time.Duration
		n    int
		want string
	}{{10 * time.Second, 360, "20:15 20:30 20:45 21:00"}, {5 * time.Minute, 288, "00:00 06:00 12:00 18:00"}, {time.Second, 0, ""}} {
		var got []string
		for _, m := range moments(begin, c.step, c.n) {
			got = append(got, m.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: %q, want %s", c.step, got, c.want)
		}
	}
}
