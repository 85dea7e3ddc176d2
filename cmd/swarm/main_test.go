package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/figures"
	"monarch/internal/msntest"
)

// patience is how long any of the runs here may take.
const patience = 2 * time.Minute

var programs msntest.Programs

func TestMain(m *testing.M) { os.Exit(programs.Main(m, ".", "../monarch")) }

// swarm runs the program and returns what it says and its exit code.
func swarm(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return programs.Run(t, patience, "swarm", args...)
}

func TestWorks(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		results []string // work and subject of each
	}{
		{
			"relay",
			[]string{"--turns=2", "--seconds=0.2", "--case=pairs=3,inflight=4", "--case=pairs=2,ack=A", "--case=pairs=2,ack=D"},
			[]string{"bare", "epoll", "portable", "bare", "epoll", "portable", "bare", "epoll", "portable"},
		},
		{"fanout", []string{"--turns=1", "--seconds=0.2", "--watchers=1,5"}, []string{"bare", "epoll", "portable", "bare", "epoll", "portable"}},
		{"signin", []string{"--turns=2", "--accounts=6", "--contacts=4"}, []string{"epoll", "portable", "epoll", "portable"}},
		{
			"idle",
			[]string{"--turns=1", "--sessions=8", "--contacts=4", "--settle=0s"},
			[]string{"bare", "epoll", "epoll", "epoll", "portable", "portable", "portable"},
		},
		{
			"cluster",
			[]string{"--turns=1", "--seconds=0.5", "--nodes=1,3", "--sessions=8", "--contacts=4", "--rate=20", "--pairs=2", "--settle=0s"},
			[]string{
				"1 node", "1 node", "1 node", "1 node", "1 node",
				"3 nodes", "3 nodes", "1 node", "3 nodes", "1 node", "3 nodes", "1 node", "3 nodes",
			},
		},
		{
			"soak",
			[]string{"--people=12", "--contacts=4", "--minutes=0.08", "--pace=200ms", "--engines=default"},
			[]string{"default", "default"},
		},
		{
			"soak",
			[]string{"--people=12", "--contacts=4", "--minutes=0.2", "--pace=200ms", "--engines=default", "--nodes=3", "--roll=1s"},
			[]string{"3 nodes"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.json")
			out, errout, code := swarm(t, append([]string{c.name, "--json=" + file}, c.args...)...)
			if code != 0 || !strings.Contains(out, "nothing lost") {
				t.Fatalf("exit code %d\n%s\n%s", code, out, errout)
			}
			report, err := figures.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			var subjects []string
			for _, r := range report.Results {
				subjects = append(subjects, r.Subject)
				if restarts, ok := r.Extra["restarts of a node"]; ok && restarts == 0 {
					t.Error("no node was restarted")
				}
				if r.Work != c.name || r.Value < 0 && r.Work != "cluster" || len(r.Turns) > 0 && r.Turns[0].Work == 0 {
					t.Errorf("%+v", r)
				}
			}
			if fmt.Sprint(subjects) != fmt.Sprint(c.results) {
				t.Errorf("results of %s, want %s", subjects, c.results)
			}
		})
	}
}

func TestAccountsAreUsedAgain(t *testing.T) {
	data := t.TempDir()
	args := []string{"signin", "--turns=1", "--accounts=3", "--contacts=2", "--engines=default", "--data=" + data}
	if _, errout, code := swarm(t, args...); code != 0 || strings.Count(errout, "making 6 accounts") != 1 {
		t.Fatalf("exit code %d\n%s", code, errout)
	}
	if _, errout, code := swarm(t, args...); code != 0 || strings.Contains(errout, "making") {
		t.Errorf("exit code %d\n%s", code, errout)
	}
}

func TestPlotsOfWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	if _, errout, code := swarm(t, "fanout", "--turns=1", "--seconds=0.1", "--watchers=1", "--engines=default", "--json="+file); code != 0 {
		t.Fatalf("exit code %d\n%s", code, errout)
	}
	out, errout, code := swarm(t, "plot", file, "--out="+dir)
	if code != 0 || !strings.Contains(out, "ratios.svg") || !strings.Contains(out, "fanout.svg") || strings.Contains(out, "memory.svg") {
		t.Errorf("exit code %d\n%s%s", code, out, errout)
	}
	if _, err := os.Stat(filepath.Join(dir, "fanout.svg")); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"a server that does not start", []string{"relay", "--monarch=/bin/false", "--case=pairs=1"}, "start the server", 1},
		{"a server there is not", []string{"relay", "--monarch=nowhere"}, "make build", 1},
		{"an engine there is not", []string{"fanout", "--watchers=1", "--engines=steam"}, "conn.engine", 1},
		{"a case that makes no sense", []string{"relay", "--case=pairs=none"}, "pairs=none", 1},
		{"nobody", []string{"fanout", "--watchers=0"}, "at least one", 1},
		{"no nodes", []string{"cluster", "--nodes=0"}, "at least one", 1},
		{"no nodes to soak", []string{"soak", "--nodes=0"}, "at least one", 1},
		{"nodes that are restarted before", []string{"soak", "--nodes=3", "--roll=-1s"}, "1m", 1},
		{"a database for two", []string{"cluster", "--postgres=postgres://localhost/x"}, "--postgres", 1},
		{"a ring too small", []string{"idle", "--sessions=10", "--contacts=10"}, "too many", 1},
		{"a flag there is not", []string{"idle", "--turbo"}, "--help", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errout, code := swarm(t, c.args...)
			if code != c.code || !strings.Contains(errout, c.want) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", code, c.code, c.want, errout)
			}
		})
	}
}
