package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
	"monarch/internal/torture"
)

// patience is how long any of the runs here may take.
const patience = 5 * time.Minute

var programs msntest.Programs

func TestMain(m *testing.M) { os.Exit(programs.Main(m, ".", "../monarch")) }

// run runs the program and returns what it says and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return programs.Run(t, patience, "torture", args...)
}

// TestTheServerKeepsItsPromises is the short version of what `make torture` does for longer.
func TestTheServerKeepsItsPromises(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		some []string // figures that must not be zero
	}{
		{
			"crash",
			[]string{"--kills=12", "--people=5"},
			[]string{
				"kills while it started for the first time", "kills while everybody changed things", "changes acknowledged",
				"lists that a client had kept and that were right", "examinations of the database",
			},
		},
		{
			"disk",
			[]string{"--failures=8", "--people=4"},
			[]string{
				"failures: full disk", "failures: read-only disk", "failures: flushes that fail", "failures: limit of the size of files",
				"system calls that failed", "changes acknowledged", "changes refused for trouble with the disk",
			},
		},
		{
			// Whether it is quick enough is not for a test to say that shares its machine. That may be several
			// times as quick in the overload as it was before, and then still has too much to do.
			"overload",
			[]string{"--length=3s", "--pairs=2", "--queue=4", "--times=50", "--slowest=1m", "--least=0.01"},
			[]string{"sign-ins in the overload that succeeded", "sign-ins in the overload that were told to come again later"},
		},
		{
			"readers",
			[]string{"--slow=3", "--length=1s", "--vanished=3"},
			[]string{"  who were cut off, and counted as slow", "machines that vanished"},
		},
		{
			"cluster",
			[]string{
				"kill", "partition", "database", "rolling", "--people=6", "--changers=3", "--rounds=1", "--length=1s", "--no-grace", "--within=1m",
			},
			[]string{
				"kill: nodes killed", "kill: changes acknowledged", "kill: comparisons of everybody's lists with what all were told",
				"partition: times that a node was cut off", "partition: sign-ins that a later one displaced",
				"database: clear answers without a database", "rolling: restarts of a node", "rolling: texts acknowledged",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.json")
			out, errout, code := run(t, append([]string{c.name, "--json=" + file}, c.args...)...)
			if code != 0 || !strings.Contains(out, "0 faults in ") {
				t.Fatalf("exit code %d\n%s\n%s", code, out, errout)
			}
			figures := load(t, file)
			for _, name := range c.some {
				if figures[name] == 0 {
					t.Errorf("no %s:\n%s", name, out)
				}
			}
		})
	}
}

// load reads the figures of a report.
func load(t *testing.T, file string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report torture.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	figures := make(map[string]float64)
	for _, f := range report.Figures {
		figures[f.Name] = f.Value
	}
	return figures
}

func TestWhatCannotBeTortured(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"a server that does not start", []string{"crash", "--monarch=/bin/false", "--kills=1"}, "start the server: the server has ended", 1},
		{"a server there is not", []string{"disk", "--monarch=nowhere"}, "make build", 1},
		{"a scenario there is not", []string{"cluster", "flood"}, "kill, partition", 2},
		{"an upgrade from nothing", []string{"cluster", "upgrade"}, "--old", 2},
		{"a flag there is not", []string{"readers", "--fast"}, "--help", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errout, code := run(t, c.args...)
			if code != c.code || !strings.Contains(errout, c.want) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", code, c.code, c.want, errout)
			}
		})
	}
}
