package plots

import (
	"fmt"
	"image/color"
	"io"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"monarch/internal/figures"
)

// bar is one bar of the plot of ratios.
type bar struct {
	label, subject string
	ratio, goal    float64
}

const thickness vg.Length = 14 // of a bar, whose slot has a third more

var goalStyle = draw.LineStyle{Color: ink, Width: 2}

// Ratios draws what each subject needs as a multiple of its baseline, with a line at each
// goal. Of the same case in several reports it draws the median.
func Ratios(w io.Writer, reports ...figures.Report) error {
	bars := ratios(reports)
	if len(bars) == 0 {
		return fmt.Errorf("plot ratios: %w", ErrNothing)
	}
	p := blank("Cost, as a multiple of the baseline", "", "")
	subjects := subjectsOf(bars)
	slots, widest, err := addBars(p, bars, subjects)
	if err != nil {
		return fmt.Errorf("plot ratios: %w", err)
	}
	base, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -1}, {X: 1, Y: slots}})
	if err != nil {
		return fmt.Errorf("plot ratios: %w", err)
	}
	base.Color, base.Width, base.Dashes = color.Gray{0x88}, 1, []vg.Length{3, 3}
	p.Add(base)
	if slices.ContainsFunc(bars, func(b bar) bool { return b.goal > 0 }) {
		p.Legend.Add("goal", &plotter.Line{LineStyle: goalStyle})
	}
	p.X.Min, p.X.Max = 0, widest*1.3 // room for the legend
	p.Y.Min, p.Y.Max = -1, slots
	p.Y.Width, p.Y.Tick.Length = 0, 0
	return write(w, p, 90+vg.Length(slots+1)*thickness*4/3)
}

// ratios collects what has a ratio, in the order of the reports.
func ratios(reports []figures.Report) []bar {
	var bars []bar
	all := make(map[bar][]float64)
	for _, r := range reports {
		for _, res := range r.Results {
			if res.Ratio == 0 {
				continue
			}
			b := bar{label: res.Work, subject: res.Subject}
			if res.Case != "" {
				b.label += ", " + res.Case
			}
			if !res.GoalOfValue {
				b.goal = res.Goal
			}
			if all[b] == nil {
				bars = append(bars, b)
			}
			all[b] = append(all[b], res.Ratio)
		}
	}
	for i, b := range bars {
		bars[i].ratio = figures.Median(all[b])
	}
	// Those of one case belong together, the case that came first at the top.
	order := make(map[string]int)
	for i, b := range bars {
		if _, ok := order[b.label]; !ok {
			order[b.label] = i
		}
	}
	slices.SortStableFunc(bars, func(a, b bar) int { return order[a.label] - order[b.label] })
	return bars
}

func subjectsOf(bars []bar) []string {
	var subjects []string
	for _, b := range bars {
		if !slices.Contains(subjects, b.subject) {
			subjects = append(subjects, b.subject)
		}
	}
	slices.Sort(subjects)
	return subjects
}

// addBars draws the bars from the top down, with a gap between cases. It returns how many
// slots they take and how far the longest reaches.
func addBars(p *plot.Plot, bars []bar, subjects []string) (slots, widest float64, err error) {
	groups := 1
	for i := 1; i < len(bars); i++ {
		if bars[i].label != bars[i-1].label {
			groups++
		}
	}
	slots = float64(len(bars) + groups - 1)
	shown := make(map[string]bool)
	var ticks plot.ConstantTicks
	y := slots - 1
	for first := 0; first < len(bars); y-- {
		past := first
		top := y
		for ; past < len(bars) && bars[past].label == bars[first].label; past++ {
			b := bars[past]
			drawn, err := addBar(p, b, y, colour(slices.Index(subjects, b.subject)))
			if err != nil {
				return 0, 0, err
			}
			if !shown[b.subject] {
				shown[b.subject] = true
				p.Legend.Add(b.subject, drawn)
			}
			widest = max(widest, b.ratio, b.goal)
			y--
		}
		ticks = append(ticks, plot.Tick{Value: (top + y + 1) / 2, Label: bars[first].label})
		first = past
	}
	p.Y.Tick.Marker = ticks
	return slots, widest, nil
}

func addBar(p *plot.Plot, b bar, y float64, c color.Color) (*plotter.BarChart, error) {
	drawn, err := plotter.NewBarChart(plotter.Values{b.ratio}, thickness)
	if err != nil {
		return nil, err
	}
	drawn.Horizontal, drawn.XMin, drawn.Color, drawn.LineStyle.Width = true, y, c, 0
	p.Add(drawn)
	end := max(b.ratio, b.goal)
	text, err := plotter.NewLabels(plotter.XYLabels{
		XYs: plotter.XYs{{X: end, Y: y}}, Labels: []string{strconv.FormatFloat(b.ratio, 'f', 2, 64)},
	})
	if err != nil {
		return nil, err
	}
	text.TextStyle[0].Font = p.X.Tick.Label.Font
	text.TextStyle[0].Color = ink
	text.TextStyle[0].YAlign = -0.4
	text.Offset.X = 4
	p.Add(text)
	if b.goal == 0 {
		return drawn, nil
	}
	mark, err := plotter.NewLine(plotter.XYs{{X: b.goal, Y: y - 0.5}, {X: b.goal, Y: y + 0.5}})
	if err != nil {
		return nil, err
	}
	mark.LineStyle = goalStyle
	p.Add(mark)
	return drawn, nil
}
