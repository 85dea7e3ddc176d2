package msntest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Programs are programs under test, as people run them.
type Programs struct{ dir string }

// Main is for TestMain: it builds commands, by their packages, runs the tests and returns the
// exit code.
func (p *Programs) Main(m *testing.M, packages ...string) int {
	var err error
	if p.dir, err = os.MkdirTemp("", "programs"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(p.dir)
	build := append([]string{"build", "-o", p.dir}, packages...)
	if out, err := exec.Command("go", build...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Path is where a program is.
func (p *Programs) Path(name string) string { return filepath.Join(p.dir, name) }

// Run runs a program in a directory of its own, and returns what it says and its exit code.
func (p *Programs) Run(t *testing.T, patience time.Duration, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errout strings.Builder
	cmd := exec.CommandContext(ctx, p.Path(name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errout, t.TempDir()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errout.String(), cmd.ProcessState.ExitCode()
}
