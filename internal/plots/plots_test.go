package plots_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/figures"
	"monarch/internal/plots"
)

// reports are two runs with everything in them that can be drawn.
func reports() []figures.Report {
	var all []figures.Report
	for run := range 2 {
		r := figures.Report{Date: fmt.Sprintf("2026-08-2%d", run)}
		for _, pairs := range []float64{10, 100, 1000} {
			for _, inFlight := range []float64{1, 16} {
				base := result("bare", pairs, inFlight, 7/inFlight)
				r.Results = append(r.Results, base)
				for i, subject := range []string{"epoll", "portable"} {
					res := result(subject, pairs, inFlight, (8+3*float64(i)+float64(run)/10+pairs/500)/inFlight)
					res.Goal = 1.25
					res.Against(base)
					r.Results = append(r.Results, res)
				}
			}
		}
		for i := range 1800 {
			at := float64(i)
			r.Samples = append(r.Samples, figures.Sample{
				Subject: "epoll", Seconds: at, RSS: 64<<20 + int64(1000*min(at, 60)*60+at*100), People: 5000,
			})
		}
		all = append(all, r)
	}
	return all
}

func result(subject string, pairs, inFlight, value float64) figures.Result {
	return figures.Result{
		Work: "relay", Case: fmt.Sprintf("%v pairs, %v in flight", pairs, inFlight), Subject: subject,
		Unit: "µs CPU/message", Value: value, Scale: map[string]float64{"pairs": pairs, "in flight": inFlight, "bytes": 300},
	}
}

var drawings = map[string]func(w io.Writer, reports ...figures.Report) error{
	"memory": plots.Memory,
	"ratios": plots.Ratios,
	"cost": func(w io.Writer, reports ...figures.Report) error {
		return plots.Cost(w, plots.Curve{Title: "Relaying a message", Work: "relay", Along: "pairs"}, reports...)
	},
}

// TestDrawings looks at what a reader of the picture sees. With PLOTS set to a directory the
// pictures stay there.
func TestDrawings(t *testing.T) {
	for name, words := range map[string][]string{
		"memory": {"Memory over time", "minutes", "resident memory, MiB", "epoll, 2026-08-20", "epoll, 2026-08-21"},
		"ratios": {"Cost, as a multiple of the baseline", "relay, 100 pairs, 16 in flight", "epoll", "portable", "goal", "1.43"},
		"cost":   {"Relaying a message", "pairs", "µs CPU/message", "epoll, 1 in flight", "portable, 16 in flight", "1000"},
	} {
		t.Run(name, func(t *testing.T) {
			var first, again bytes.Buffer
			for _, b := range []*bytes.Buffer{&first, &again} {
				if err := drawings[name](b, reports()...); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(first.Bytes(), again.Bytes()) {
				t.Error("the same reports make different pictures")
			}
			if first.Len() > 30_000 {
				t.Errorf("the picture has %d bytes", first.Len())
			}
			texts := textsOf(t, first.Bytes())
			for _, w := range words {
				if !texts[w] {
					t.Errorf("%q is not in the picture, which has %v", w, texts)
				}
			}
			if !bytes.Contains(first.Bytes(), []byte("Arial")) {
				t.Error("a machine without Liberation Sans has no second choice")
			}
			if dir := os.Getenv("PLOTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".svg"), first.Bytes(), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// textsOf parses a picture and returns its texts.
func textsOf(t *testing.T, svg []byte) map[string]bool {
	t.Helper()
	texts := make(map[string]bool)
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		switch token, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return texts
		case err != nil:
			t.Fatal(err)
		default:
			if text, ok := token.(xml.CharData); ok {
				texts[strings.TrimSpace(string(text))] = true
			}
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, draw := range drawings {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := draw(&b, figures.Report{}); !errors.Is(err, plots.ErrNothing) || b.Len() > 0 {
				t.Errorf("%v, and %d bytes", err, b.Len())
			}
		})
	}
}

func TestOnePointIsACurveToo(t *testing.T) {
	r := figures.Report{
		Results: []figures.Result{result("epoll", 100, 1, 0)},
		Samples: []figures.Sample{{Subject: "epoll", RSS: 1 << 20}},
	}
	for _, name := range []string{"memory", "cost"} {
		if err := drawings[name](io.Discard, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
