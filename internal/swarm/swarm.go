// Package swarm loads a server with people and works out what a unit of their work cost it:
// it makes accounts, starts the server and the bare baseline as processes of their own,
// drives them in turn from further processes, and counts what was lost, came twice or out of
// order. Reading what a process used and printing reports is left to figures, the baseline
// itself to bare.
//
// The parent holds no connections of the load. For each subject (the baseline, the server
// with each of its engines) there is a process under test and a driver process, which does
// one step of the work at a time when the parent tells it to. Only one subject is active at
// a time, and all have their turn within the same minute.
package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"monarch/internal/figures"
)

// Config says what is measured and with what.
type Config struct {
	Monarch  string        // the server's binary
	Self     string        // the program that becomes a baseline or a driver: "bare", "drive"
	Data     string        // where accounts are kept for the next run; "": nowhere
	Engines  []string      // of the server; [DefaultEngine] leaves the choice to it
	Turns    int           // of each case
	Turn     time.Duration // how long one lasts, where it is not given by the work
	Profile  string        // where CPU profiles of the server go; "": none are taken
	Progress io.Writer
}

// DefaultEngine stands for whatever engine the server chooses.
const DefaultEngine = "default"

// ErrNotIntact is the verdict on results of which something was lost, duplicated or out of
// order, or went wrong otherwise.
var ErrNotIntact = errors.New("something was lost, came twice or out of order, or failed")

// Verdict returns [ErrNotIntact] if it applies to any of the results.
func Verdict(results []figures.Result) error {
	for _, r := range results {
		if !r.Intact() || r.Extra[extraFailures] > 0 {
			return fmt.Errorf("%s: %w", commaList(r.Work, r.Case, r.Subject), ErrNotIntact)
		}
	}
	return nil
}

// run is one run of a work.
type run struct {
	Config
	dir     string // of accounts and of the servers' data
	results []figures.Result
	samples []figures.Sample
}

// begin makes a run and, if it has none, its directory, which the returned function removes.
func begin(c Config) (*run, func(), error) {
	if c.Data != "" {
		dir, err := filepath.Abs(c.Data)
		return &run{Config: c, dir: dir}, func() {}, err
	}
	dir, err := os.MkdirTemp("", "swarm")
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for accounts: %w", err)
	}
	return &run{Config: c, dir: dir}, func() { os.RemoveAll(dir) }, nil
}

// measure runs a work that consists of cases, and reports also what was found before an
// error.
func measure[C any](ctx context.Context, c Config, cases []C, one func(*run, context.Context, C) error) (figures.Report, error) {
	r, end, err := begin(c)
	if err != nil {
		return figures.Report{}, err
	}
	defer end()
	report := figures.Report{Date: time.Now().Format(time.RFC3339), Machine: machine(), Commit: commit(ctx, c.Monarch)}
	for _, each := range cases {
		if err = one(r, ctx, each); err != nil {
			break
		}
	}
	report.Results, report.Samples = r.results, r.samples
	return report, err
}

// say tells the person who waits how far the run has come.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Progress, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// commaList joins what is told in one line.
func commaList(words ...string) string { return strings.Join(words, ", ") }
