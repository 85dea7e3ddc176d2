package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/msntest"
)

// agree waits until every node has heard what the others have said so far.
func agree(t *testing.T, nodes ...*msntest.Fixture) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, f := range nodes {
		if err := f.Server.Cluster().Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoNodesAreOneService has people at two nodes sign in, see each other, put each other on
// their lists, talk, and sign in at the other node.
func TestTwoNodesAreOneService(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.ns", "A2")
	p.Play(`list alice FL bob 0
list alice AL bob
list bob AL alice
signin9 A
signin9 B, loud
A.ns< NLN NLN bob@example.com Bob 268435492
B.ns> ADD 20 FL alice@example.com Alice 0
B.ns< ADD 20 FL {v+1} alice@example.com Alice 0
B.ns< BPR {v} alice@example.com PHH
B.ns< BPR {v} alice@example.com PHW
B.ns< BPR {v} alice@example.com PHM
B.ns< BPR {v} alice@example.com MOB N
B.ns< NLN NLN alice@example.com Alice 268435492
A.ns< ADD 0 RL {*} bob@example.com Bob
chat A B
A.sb> MSG 30 A {n} + P-HELLO
A.sb< ACK 30
B.sb< MSG alice@example.com Alice {n} + P-HELLO
B.sb> MSG 31 A {n} + P-HELLO
B.sb< ACK 31
A.sb< MSG bob@example.com Bob {n} + P-HELLO
signin9 A2, loud
A.ns< OUT OTH
A.ns x
A.sb x
B.sb< BYE alice@example.com`)
	for i, f := range nodes {
		alive := 0
		for _, n := range f.Server.Cluster().Nodes() {
			if n.State == cluster.Here || n.State == cluster.Alive {
				alive++
			}
		}
		if alive != 2 {
			t.Errorf("node %d knows of %d nodes", i+1, alive)
		}
	}
}

// TestRolesOnSeveralNodes has nodes that do a part each, and looks where they listen.
func TestRolesOnSeveralNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t,
		map[string]string{"cluster.roles": "dispatch, notification"},
		map[string]string{"cluster.roles": "passport"},
		map[string]string{"cluster.roles": "switchboard, web"})
	for i, roles := range []string{"dispatch notification", "https http", "switchboard web"} {
		for _, name := range []string{"dispatch", "notification", "https", "http", "switchboard", "web"} {
			if has := nodes[i].Server.Addr(name) != ""; has != strings.Contains(roles, name) {
				t.Errorf("node %d listens for %s: %v", i+1, name, has)
			}
		}
		if nodes[i].Server.Addr("ops") == "" {
			t.Errorf("node %d has nothing for its operator", i+1)
		}
	}
}
