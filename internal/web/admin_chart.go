package web

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The place of a chart, in the units of its drawing: text is as large in it as elsewhere on a page
// when it is about as wide as on a telephone.
const (
	chartWidth, chartHeight = 340, 148
	plotLeft, plotRight     = 42, 332
	plotTop, plotBottom     = 8, 124
)

// chart is a drawing of one or two figures over time.
type chart struct {
	ID       string
	Key      string // of what it shows
	Unit     string // key of what its numbers are
	Lines    []chartLine
	Grid     []chartMark // from below
	Times    []chartMark
	Width    int
	Height   int
	Left     int
	Right    int
	Top      int
	Bottom   int
	Nothing  bool    // nothing is known
	Now, Max float64 // of the first line
}

// chartLine is one figure.
type chartLine struct {
	Key  string // of what it is
	Path string // of the line
	Area string // of what is under it
}

// chartMark is a line of the grid, or a moment.
type chartMark struct {
	At    string // where it is
	Value float64
	Unix  int64
	Label string
}

// figure is what a chart shows: series of numbers, evenly spaced.
type figure struct {
	id, key, unit string
	lines         []string // keys of what they are
	series        [][]float64
	divide        float64 // what a number of a series is to be divided by; 0: nothing
	whole         bool    // parts of one make no sense
	rate          bool    // how often something happens: some points together are one of a minute
}

// draw makes a chart of what happened from start on.
func draw(f figure, start time.Time, step time.Duration) chart {
	c := chart{
		ID: f.id, Key: f.key, Unit: f.unit, Nothing: true,
		Width: chartWidth, Height: chartHeight, Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom,
	}
	most := 0.0
	each := int(max(1, time.Minute/step))
	for i, all := range f.series {
		f.series[i] = scaled(all, f.divide)
		if f.rate {
			f.series[i] = meanOf(f.series[i], each)
		}
		for _, v := range f.series[i] {
			if !math.IsNaN(v) {
				c.Nothing = false
				most = max(most, v)
			}
		}
	}
	top := roundUp(most, f.whole)
	for i, all := range f.series {
		line, area := paths(all, top)
		c.Lines = append(c.Lines, chartLine{f.lines[i], line, area})
	}
	if len(f.series) > 0 {
		c.Now, c.Max = lastOf(f.series[0])
	}
	for i := range 3 {
		v := top * float64(i) / 2
		c.Grid = append(c.Grid, chartMark{At: height(v, top), Value: v})
	}
	n := 0
	if len(f.series) > 0 {
		n = len(f.series[0])
	}
	if f.rate {
		step *= time.Duration(each)
	}
	c.Times = moments(start, step, n)
	return c
}

// meanOf returns the means of so many points each, of those that are known.
func meanOf(all []float64, each int) []float64 {
	some := make([]float64, 0, len(all)/each+1)
	for i := len(all) % each; i < len(all); i += each {
		sum, n := 0.0, 0.0
		for _, v := range all[i : i+each] {
			if !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		some = append(some, sum/n) // NaN where there is none
	}
	return some
}

// scaled returns numbers divided by something.
func scaled(all []float64, by float64) []float64 {
	if by == 0 {
		return all
	}
	some := make([]float64, len(all))
	for i, v := range all {
		some[i] = v / by
	}
	return some
}

// lastOf returns the last number that is known, and the greatest.
func lastOf(all []float64) (last, most float64) {
	for _, v := range all {
		if !math.IsNaN(v) {
			last, most = v, max(most, v)
		}
	}
	return last, most
}

// roundUp returns where an axis ends that has a number on it: half of it is a round number, too.
func roundUp(v float64, whole bool) float64 {
	if v <= 0 {
		if whole {
			return 2
		}
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, round := range []float64{1, 2, 3, 4, 5, 6, 8, 10} {
		if top := round * unit; v <= top*1.0001 && (!whole || math.Mod(top, 2) == 0) {
			return top
		}
	}
	return 20 * unit
}

// height returns where a number is in the drawing.
func height(v, top float64) string {
	return fmt.Sprintf("%.1f", plotBottom-(plotBottom-plotTop)*v/top)
}

// mostPoints is how many points of a line are drawn: more could not be told apart.
const mostPoints = 145

// paths draws a line, with gaps where nothing is known, and what is under it.
func paths(all []float64, top float64) (line, area string) {
	var l, a strings.Builder
	each := max(1, (len(all)+mostPoints-1)/mostPoints)
	open := false
	last := ""
	end := func() {
		if open {
			fmt.Fprintf(&a, "L%s %dZ", last, plotBottom)
		}
		open = false
	}
	for i := 0; i < len(all); i += each {
		v := greatest(all[i:min(i+each, len(all))])
		if math.IsNaN(v) {
			end()
			continue
		}
		x, y := fmt.Sprintf("%.1f", plotLeft+(plotRight-plotLeft)*float64(i)/float64(max(1, len(all)-each))), height(v, top)
		if !open {
			fmt.Fprintf(&l, "M%s %s", x, y)
			fmt.Fprintf(&a, "M%s %dL%s %s", x, plotBottom, x, y)
			open = true
		} else {
			fmt.Fprintf(&l, "L%s %s", x, y)
			fmt.Fprintf(&a, "L%s %s", x, y)
		}
		last = x
	}
	end()
	return l.String(), a.String()
}

// greatest returns the greatest number that is known, or NaN.
func greatest(some []float64) float64 {
	most := math.NaN()
	for _, v := range some {
		if !math.IsNaN(v) && (math.IsNaN(most) || v > most) {
			most = v
		}
	}
	return most
}

// moments marks round times on an axis with n points.
func moments(start time.Time, step time.Duration, n int) []chartMark {
	long := step * time.Duration(n)
	between := 15 * time.Minute
	if long > 2*time.Hour {
		between = 6 * time.Hour
	}
	var marks []chartMark
	for at := start.Truncate(between).Add(between); n > 1 && at.Before(start.Add(long)); at = at.Add(between) {
		x := plotLeft + (plotRight-plotLeft)*float64(at.Sub(start))/float64(step*time.Duration(n-1))
		if x > plotRight-16 { // its label would not fit
			break
		}
		marks = append(marks, chartMark{At: fmt.Sprintf("%.1f", x), Unix: at.Unix(), Label: at.UTC().Format("15:04")})
	}
	return marks
}
