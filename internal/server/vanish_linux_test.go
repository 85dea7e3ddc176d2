package server_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
	"monarch/internal/process"
)

// alone marks the process that has a network of its own.
const alone = "MONARCH_TEST_ALONE"

// TestVanishedPeer is S10 (b): a machine vanishes, its packets are dropped, and nothing is
// ever said again. It needs a network that can be broken: the test runs once more in a
// network namespace, with a loopback of its own.
func TestVanishedPeer(t *testing.T) {
	if os.Getenv(alone) != "" {
		vanish(t)
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestVanishedPeer$", "-test.v")
	cmd.Env = append(os.Environ(), alone+"=1")
	process.Alone(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestVanishedPeer") {
		t.Errorf("in a network namespace of its own, for which this must be root or user namespaces be allowed: %v\n%s", err, out)
	}
}

// vanish takes the loopback down under a signed-in client.
func vanish(t *testing.T) {
	if err := process.Loopback(true); err != nil {
		t.Fatal(err)
	}
	f := msntest.Start(t, map[string]string{"limits.dead_peer": "10s"})
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	sessions := func() int {
		s, err := f.Server.Admin().Sessions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Items)
	}
	if n := sessions(); n != 1 {
		t.Fatalf("%d sessions, want alice's", n)
	}
	if err := process.Loopback(false); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if sessions() == 0 {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal("alice is still signed in")
		}
	}
	t.Logf("noticed after %v", time.Since(began).Round(time.Second))
}
