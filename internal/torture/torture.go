// Package torture does to a running server what the world does to servers: it kills it, takes
// its disk away, asks more of it than it can do and stops reading from it, and finds out
// whether anything that people were told was not so. The server is a process of its own, as
// operators start it; what a unit of its work costs is left to swarm.
package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says what is tortured and how the choices are made.
type Config struct {
	Monarch  string // the server's binary
	Self     string // the program that confines a server whose disk fails
	Data     string // a directory to use and to keep; "": a new one, removed unless there are faults
	Seed     uint64 // of everything that is chosen at random
	Progress io.Writer
}

// Report is what one run found.
type Report struct {
	Work    string   `json:"work"`
	Date    string   `json:"date"`
	Machine string   `json:"machine"`
	Commit  string   `json:"commit"`
	Seed    uint64   `json:"seed"`
	Seconds float64  `json:"seconds"`
	Figures []Figure `json:"figures"`
	Faults  []string `json:"faults"`
}

// Figure is something that was counted or measured.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// ErrFaults is the verdict on a run that found any.
var ErrFaults = errors.New("the server did not keep its promises")

// Verdict returns [ErrFaults] if there are any.
func (r Report) Verdict() error {
	if len(r.Faults) == 0 {
		return nil
	}
	return fmt.Errorf("torture %s with --seed %d: %d faults: %w", r.Work, r.Seed, len(r.Faults), ErrFaults)
}

// Table prints the report for a person to read.
func (r Report) Table(w io.Writer) error {
	var out strings.Builder
	for _, f := range r.Figures {
		text := strconv.FormatFloat(f.Value, 'f', 0, 64)
		if f.Unit != "" && f.Value < 1000 {
			text = strconv.FormatFloat(f.Value, 'g', 3, 64)
		}
		fmt.Fprintf(&out, "%8s %-4s %s\n", text, f.Unit, f.Name)
	}
	for _, f := range r.Faults {
		fmt.Fprintf(&out, "FAULT: %s\n", f)
	}
	fmt.Fprintf(&out, "%d faults in %s, seed %d\n", len(r.Faults), time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), r.Seed)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

// Save writes the report to a file, as JSON.
func (r Report) Save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	return nil
}

// run is one run of a work.
type run struct {
	Config
	dir    string
	random *rand.Rand // of the goroutine that leads the run
	began  time.Time
	report Report

	mu     sync.Mutex // leaf
	counts map[string]int
	faults []string
}

// mostFaults is how many faults are enough to stop.
const mostFaults = 20

// begin makes a run in a directory, and the function that ends it.
func begin(ctx context.Context, c Config, work string) (*run, func(error) (Report, error), error) {
	r := &run{Config: c, dir: c.Data, random: rand.New(rand.NewPCG(c.Seed, 0)), began: time.Now(), counts: make(map[string]int)}
	var err error
	if r.dir == "" {
		r.dir, err = os.MkdirTemp("", "torture")
	} else if r.dir, err = filepath.Abs(r.dir); err == nil {
		err = os.MkdirAll(r.dir, 0o700)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for the server: %w", err)
	}
	r.report = Report{Work: work, Date: r.began.Format(time.RFC3339), Machine: machine(), Commit: commit(ctx, c.Monarch), Seed: c.Seed}
	return r, r.end, nil
}

// end completes the report, and keeps the data where somebody will want to look at it.
func (r *run) end(err error) (Report, error) {
	r.report.Seconds = time.Since(r.began).Seconds()
	r.report.Faults = append([]string{}, r.faults...)
	if r.Data == "" {
		if len(r.faults) == 0 && err == nil {
			os.RemoveAll(r.dir)
		} else {
			r.say("the server's data is kept in %s", r.dir)
		}
	}
	return r.report, err
}

// say tells the person who waits how far the run has come.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Progress, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// fault notes a promise that was not kept.
func (r *run) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, text)
	fmt.Fprintf(r.Progress, "%s  FAULT: %s\n", time.Now().Format(time.TimeOnly), text)
}

// hopeless reports whether there are faults enough.
func (r *run) hopeless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.faults) >= mostFaults
}

// count counts something that is told in the end.
func (r *run) count(what string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what] += n
}

func (r *run) counted(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[what]
}

// tell puts counts into the report, in this order.
func (r *run) tell(names ...string) {
	for _, name := range names {
		r.figure(name, float64(r.counted(name)), "")
	}
}

func (r *run) figure(name string, value float64, unit string) {
	r.report.Figures = append(r.report.Figures, Figure{name, value, unit})
}

// machine describes where the report is from.
func machine() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // without one it is told less
	return fmt.Sprintf("%d processors, %s %s", runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(text)))
}

// commit is what the server's binary says it was built from.
func commit(ctx context.Context, monarch string) string {
	out, err := exec.CommandContext(ctx, monarch, "version").Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// wait returns when the time is over, or false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
