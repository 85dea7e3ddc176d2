// Package jstest tests the browser's client, which is JavaScript, in node: alone, and against a
// real server with people on msnclient at the other side. What the modules do is theirs; here
// is only what they are tried with.
package jstest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// longest is how long node may take for a file of tests on a machine that is busy.
const longest = 5 * time.Minute

// need fails without node, and tells how to get it.
func need(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing, in which the browser's client is tested; install the Debian package nodejs: apt-get install nodejs")
	}
	return program
}

// node runs files of tests and complains with what they say. WebSockets are an experiment in older
// releases.
func node(t *testing.T, program, control string, files ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--test", "--experimental-websocket"}, files...)...)
	cmd.Env = append(os.Environ(), "MONARCH_CONTROL="+control)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", files, err, out)
	}
}

// files returns the files of tests whose names begin so, or do not.
func files(t *testing.T, live bool) []string {
	t.Helper()
	all, err := filepath.Glob("*.test.mjs")
	if err != nil || len(all) == 0 {
		t.Fatalf("no tests here: %v", err)
	}
	return slices.DeleteFunc(all, func(f string) bool { return strings.HasPrefix(f, "live_") != live })
}

func TestModules(t *testing.T) { node(t, need(t), "", files(t, false)...) }

// TestClient runs each file against a server of its own.
func TestClient(t *testing.T) {
	program := need(t)
	for _, file := range files(t, true) {
		t.Run(strings.TrimSuffix(file, ".test.mjs"), func(t *testing.T) {
			w := newWorld(t)
			done := make(chan struct{})
			go func() { // the test waits for it in serve
				defer close(done)
				node(t, program, w.url, file)
			}()
			w.serve(done)
		})
	}
}
