package plots

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"monarch/internal/figures"
)

// Memory draws the memory of each subject over the time of a long work.
func Memory(w io.Writer, reports ...figures.Report) error {
	lines := make(map[string]plotter.XYs)
	unit, per := "seconds", 1.0
	for _, r := range reports {
		for _, s := range r.Samples {
			if s.Seconds >= 300 {
				unit, per = "minutes", 60
			}
		}
	}
	for _, r := range reports {
		for _, s := range r.Samples {
			name := s.Subject
			if len(reports) > 1 {
				name += ", " + r.Date
			}
			lines[name] = append(lines[name], plotter.XY{X: s.Seconds / per, Y: float64(s.RSS) / (1 << 20)})
		}
	}
	for name, points := range lines {
		lines[name] = peaks(points)
	}
	p := blank("Memory over time", unit, "resident memory, MiB")
	if err := addLines(p, lines, 0); err != nil {
		return fmt.Errorf("plot memory (made by swarm soak --json): %w", err)
	}
	return write(w, p, height)
}

// mostPoints of a line can be told apart.
const mostPoints = 400

// peaks thins points out so that the highest stay.
func peaks(points plotter.XYs) plotter.XYs {
	if len(points) <= mostPoints {
		return points
	}
	thin := make(plotter.XYs, 0, mostPoints)
	for i := range mostPoints {
		some := points[i*len(points)/mostPoints : (i+1)*len(points)/mostPoints]
		thin = append(thin, slices.MaxFunc(some, func(a, b plotter.XY) int { return cmp.Compare(a.Y, b.Y) }))
	}
	return thin
}

// Curve says what is drawn against what.
type Curve struct {
	Title string
	Work  string // whose results, such as "relay"
	Along string // the scale to go along, such as "pairs"
}

// Cost draws how the value of a work's results grows with one of their scales. Results with
// the same scales, as of several runs, make one point, their median; what they do not share
// besides makes lines of their own.
func Cost(w io.Writer, c Curve, reports ...figures.Report) error {
	var found []figures.Result
	for _, r := range reports {
		for _, res := range r.Results {
			if _, ok := res.Scale[c.Along]; ok && res.Work == c.Work {
				found = append(found, res)
			}
		}
	}
	values := make(map[string]map[float64][]float64)
	differ := varying(found, c.Along)
	for _, res := range found {
		name := lineName(res, differ)
		if values[name] == nil {
			values[name] = make(map[float64][]float64)
		}
		x := res.Scale[c.Along]
		values[name][x] = append(values[name][x], res.Value)
	}
	lines := make(map[string]plotter.XYs)
	stops := make(map[float64]bool)
	for name, points := range values {
		for x, all := range points {
			stops[x] = true
			lines[name] = append(lines[name], plotter.XY{X: x, Y: figures.Median(all)})
		}
	}
	y := ""
	if len(found) > 0 {
		y = found[0].Unit
	}
	p := blank(c.Title, c.Along, y)
	if err := addLines(p, lines, 3); err != nil {
		return fmt.Errorf("plot the cost of %s along %s: %w", c.Work, c.Along, err)
	}
	goAlong(&p.X, slices.Sorted(maps.Keys(stops)))
	return write(w, p, height)
}

// varying lists the scales, other than one, in which results differ.
func varying(results []figures.Result, along string) []string {
	seen := make(map[string]map[float64]bool)
	for _, r := range results {
		for scale := range r.Scale {
			seen[scale] = make(map[float64]bool)
		}
	}
	delete(seen, along)
	for _, r := range results {
		for scale := range seen {
			seen[scale][r.Scale[scale]] = true
		}
	}
	maps.DeleteFunc(seen, func(_ string, values map[float64]bool) bool { return len(values) < 2 })
	return slices.Sorted(maps.Keys(seen))
}

func lineName(r figures.Result, differ []string) string {
	name := r.Subject
	for _, scale := range differ {
		name += ", " + strconv.FormatFloat(r.Scale[scale], 'f', -1, 64) + " " + scale
	}
	return name
}

// addLines draws lines with their names in the legend, from zero up, with dots of some radius
// at their points.
func addLines(p *plot.Plot, lines map[string]plotter.XYs, radius vg.Length) error {
	if len(lines) == 0 {
		return ErrNothing
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, nil
	p.Add(grid)
	for i, name := range slices.SortedFunc(maps.Keys(lines), natural) {
		points := lines[name]
		slices.SortStableFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		line.Color, line.Width = colour(i), 2
		p.Add(line)
		if radius > 0 {
			dots.GlyphStyle = draw.GlyphStyle{Color: colour(i), Radius: radius, Shape: draw.CircleGlyph{}}
			p.Add(dots)
		}
		p.Legend.Add(name, line)
	}
	p.Y.Min = 0
	p.Y.Max *= 1 + 0.07*float64(len(lines)+1) // room for the legend
	if p.X.Min > 0 && radius == 0 {
		p.X.Min = 0
	}
	return nil
}

// goAlong puts ticks at the points of a curve, and spaces those by their order of magnitude
// if they span more than one.
func goAlong(a *plot.Axis, stops []float64) {
	first, last := stops[0], stops[len(stops)-1]
	if first > 0 && last/first > 10 {
		a.Scale = plot.LogScale{}
	}
	if len(stops) > 12 {
		return
	}
	ticks := make(plot.ConstantTicks, len(stops))
	for i, x := range stops {
		ticks[i] = plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'f', -1, 64)}
	}
	a.Tick.Marker = ticks
}

// natural orders names as people do: what has smaller numbers in it comes first.
func natural(a, b string) int {
	for a != "" && b != "" {
		m, restA := leading(a)
		n, restB := leading(b)
		switch {
		case restA != a && restB != b && m != n:
			return cmp.Compare(m, n)
		case restA != a && restB != b:
			a, b = restA, restB
		case a[0] != b[0]:
			return cmp.Compare(a[0], b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return strings.Compare(a, b)
}

// leading splits off the number that a name begins with.
func leading(s string) (uint64, string) {
	rest := strings.TrimLeft(s, "0123456789")
	n, err := strconv.ParseUint(s[:len(s)-len(rest)], 10, 64)
	if err != nil {
		return 0, s
	}
	return n, rest
}
