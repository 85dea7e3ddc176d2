package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/fleet"
	"monarch/internal/msntest"
)

// TestNodesThatDoNotAnswerAreNamed cuts one of two nodes off and lists who is signed in, and what was recorded:
// what is missing is said, and the rest is there.
func TestNodesThatDoNotAnswerAreNamed(t *testing.T) {
	nodes := msntest.StartNodes(t, nil)
	cable, err := fleet.NewSlow("127.0.0.1:0", nodes[0].Server.Addr("cluster"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cable.Close() }) // which it is by then
	nodes = append(nodes, nodes[0].Join(t, map[string]string{"cluster.node": "node-2", "cluster.peers": cable.Addr()}))
	players := []*msntest.Player{msntest.NewPlayer(t, nodes[0]), msntest.NewPlayer(t, nodes[1])}
	players[0].Play("signin9 A")
	players[1].Play("signin9 B")

	made, err := admin.Local(nodes[0].Server.Admin()).CreateToken(t.Context(), admin.NewToken{Name: "remote", Role: "administrator"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(made.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) result {
		t.Helper()
		r := run("", append([]string{"--api", "http://" + nodes[0].Server.Addr("ops"), "--token-file", file}, args...)...)
		if r.code != 0 {
			t.Fatalf("%q: %+v", args, r)
		}
		return r
	}
	for began := time.Now(); strings.Count(ask("session", "list").out, "@example.com") != 2; <-time.After(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the nodes do not meet")
		}
	}
	if r := ask("audit"); strings.Contains(r.errout, "answer") || !strings.Contains(r.out, "bob@example.com") {
		t.Errorf("together: %+v", r)
	}
	_ = cable.Close() // some connections on it are closed already
	for _, c := range []struct{ command, missing string }{
		{"session list", "who is signed in there"},
		{"session list --json", "who is signed in there"},
		{"audit", "what was recorded there"},
		{"audit --json", "what was recorded there"},
	} {
		r := ask(strings.Fields(c.command)...)
		if !strings.Contains(r.errout, "warning: node-2 does not answer: "+c.missing+" is missing. See: ") ||
			!strings.Contains(r.out, "alice@example.com") || strings.Contains(r.out, "bob@example.com") || strings.Contains(r.out, "warning") {
			t.Errorf("%s: %+v", c.command, r)
		}
	}
}
