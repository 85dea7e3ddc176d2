package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"monarch/internal/figures"
	"monarch/internal/plots"
)

type plotCmd struct {
	Reports []string `arg:"" help:"Files that were saved with --json." type:"existingfile"`
	Out     string   `help:"Directory for the pictures." default:"." placeholder:"DIR"`
}

// Help gives the example.
func (*plotCmd) Help() string { return "swarm plot --out docs/plots relay.json fanout.json soak.json" }

// drawing is one picture.
type drawing struct {
	file string
	draw func(w io.Writer, reports ...figures.Report) error
}

// drawings are all there are; of what was not measured there is none.
var drawings = []drawing{
	{"ratios.svg", plots.Ratios},
	{"memory.svg", plots.Memory},
	curve("relay.svg", plots.Curve{Title: "Relaying a message", Work: "relay", Along: "pairs"}),
	curve("fanout.svg", plots.Curve{Title: "Telling somebody a change of status", Work: "fanout", Along: "watchers"}),
	curve("signin.svg", plots.Curve{Title: "Signing in", Work: "signin", Along: "contacts"}),
	curve("idle.svg", plots.Curve{Title: "Somebody who does nothing", Work: "idle", Along: "contacts"}),
}

func curve(file string, c plots.Curve) drawing {
	return drawing{file, func(w io.Writer, reports ...figures.Report) error { return plots.Cost(w, c, reports...) }}
}

// Run draws.
func (c *plotCmd) Run(a *app) error {
	var reports []figures.Report
	for _, file := range c.Reports {
		r, err := figures.Load(file)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	drawn := 0
	for _, d := range drawings {
		var b bytes.Buffer
		err := d.draw(&b, reports...)
		if errors.Is(err, plots.ErrNothing) {
			continue
		}
		if err != nil {
			return err
		}
		file := filepath.Join(c.Out, d.file)
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "Wrote", file)
		drawn++
	}
	if drawn == 0 {
		return plots.ErrNothing
	}
	return nil
}
