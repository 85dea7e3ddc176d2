package server_test

import (
	"context"
	"fmt"
	"slices"
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
signin9 A`)
	agree(t, nodes...)
	p.Play(`signin9 B, loud
A.ns< NLN NLN bob@example.com Bob 268435492
B.ns> ADD 20 FL alice@example.com Alice 0
B.ns< ADD 20 FL {v+1} alice@example.com Alice 0
B.ns< BPR {v} alice@example.com PHH
B.ns< BPR {v} alice@example.com PHW
B.ns< BPR {v} alice@example.com PHM
B.ns< BPR {v} alice@example.com MOB N
B.ns< ILN 20 NLN alice@example.com Alice 268435492
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

// TestPeopleGoWhereThereIsRoom has a dispatch server send people to two nodes, and the switchboard of a
// third take their conversation.
func TestPeopleGoWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t,
		map[string]string{"cluster.roles": "dispatch, notification"},
		map[string]string{"cluster.roles": "notification, passport"},
		map[string]string{"cluster.roles": "switchboard"})
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.ns", "C.ns")
	p.At(nodes[2], "A.sb", "B.sb")
	p.Set("first", nodes[0].Server.Addr("notification"))
	p.Set("second", nodes[1].Server.Addr("notification"))
	p.Set("board", nodes[2].Server.Addr("switchboard"))
	asked := 0
	refer := func(who, to string) {
		t.Helper()
		asked++
		conn := fmt.Sprint(strings.ToUpper(who[:1]), ".ds", asked)
		p.Play(strings.NewReplacer("WHO.ds", conn, "HANDLE", who, "TO", to).Replace(`WHO.ds> VER 1 MSNP9 MSNP8 CVR0
WHO.ds< VER 1 MSNP9 CVR0
WHO.ds> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS HANDLE@example.com
WHO.ds< CVR 2 6.0.0602 6.0.0602 6.0.0602 {url1} {url2}
WHO.ds> USR 3 TWN I HANDLE@example.com
WHO.ds< XFR 3 NS {TO} 0 {addrDS}`))
	}
	refer("alice", "first")
	p.Play(`mutual alice bob
signin9 A`)
	refer("bob", "second")
	p.Play(`signin9 B, loud
A.ns< NLN NLN bob@example.com Bob 268435492
signin9 C`)
	agree(t, nodes...)
	refer("alice", "first") // where she is, although there are more people by now
	refer("bob", "second")
	p.Play(`A.ns> XFR 20 SB
A.ns< XFR 20 SB {board} CKI {cookie}
A.sb> USR 1 alice@example.com {cookie}
A.sb< USR 1 OK alice@example.com Alice
A.sb> CAL 2 bob@example.com
A.sb< CAL 2 RINGING {session}
B.ns< RNG {session} {board} CKI {call} alice@example.com Alice
B.sb> ANS 1 bob@example.com {call} {session}
B.sb< IRO 1 1 1 alice@example.com Alice
B.sb< ANS 1 OK
A.sb< JOI bob@example.com Bob
A.sb> MSG 3 A {n} + P-HELLO
A.sb< ACK 3
B.sb< MSG alice@example.com Alice {n} + P-HELLO`)
}

// TestAClockThatIsOff has the switchboard at a node whose clock is five minutes ahead: a cookie is good
// for two.
func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t,
		map[string]string{"cluster.roles": "dispatch, notification, passport"},
		map[string]string{"cluster.roles": "switchboard"})
	nodes[1].Clock.Advance(5 * time.Minute)
	await(t, "the clock is not seen to be off", func() bool {
		return slices.ContainsFunc(nodes[0].Server.Cluster().Nodes(), func(n cluster.Node) bool {
			return n.State == cluster.Alive && n.Ahead > 4*time.Minute && n.Ahead < 6*time.Minute
		})
	})
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "A.sb")
	p.Play(`signin9 A
A.ns> XFR 20 SB
A.ns< XFR 20 SB {*} CKI {cookie}
A.sb> USR 1 alice@example.com {cookie}
A.sb< USR 1 OK alice@example.com Alice`)
}
