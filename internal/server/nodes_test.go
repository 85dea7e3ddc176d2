package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
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

// TestGuessesCountAtAllNodes has somebody try passwords at two nodes in turn.
func TestGuessesCountAtAllNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, map[string]string{"signin.account_failures": "4"}, map[string]string{"signin.account_failures": "4"})
	players := []*msntest.Player{msntest.NewPlayer(t, nodes[0]), msntest.NewPlayer(t, nodes[1])}
	players[0].Play(`login A`)
	for i := range 4 {
		players[i%2].Play(`login A password "wrong" refused`)
		agree(t, nodes...)
	}
	for _, p := range players {
		p.Play(`login A refused`)
		p.Play(`login B`)
	}
}

// TestANewKeySignsForAllNodes replaces the key at one node, and uses it at the other.
func TestANewKeySignsForAllNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "A.ns")
	for _, how := range []admin.Rotation{admin.Overlap, admin.AtOnce} {
		if _, err := nodes[0].Server.Admin().RotateKey(t.Context(), how); err != nil {
			t.Fatal(err)
		}
		p.Play(`login A
A.ns> VER 1 MSNP9 MSNP8 CVR0
A.ns< VER 1 MSNP9 CVR0
A.ns> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com
A.ns< CVR 2 6.0.0602 6.0.0602 6.0.0602 {url1} {url2}
A.ns> USR 3 TWN I alice@example.com
A.ns< USR 3 TWN S {*}
A.ns> USR 4 TWN S {ticket}
A.ns< USR 4 OK alice@example.com Alice 1 0
A.ns< MSG Hotmail Hotmail {n} + {profile}
A.ns> OUT
A.ns x
fresh A.ns`)
	}
}

// TestANodeIsDrained moves people who talk with each other to another node: those who watch them notice
// nothing, the conversation goes on, and whoever comes is sent on.
func TestANodeIsDrained(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "A2", "B2", "C.ns", "D2")
	p.Set("second", nodes[1].Server.Addr("notification"))
	p.Play(`mutual alice bob
mutual alice carol
signin9 A
signin9 B`)
	agree(t, nodes...)
	p.Play(`signin9 C, loud
A.ns< NLN NLN carol@example.com Carol 268435492
C.ns< ILN 6 NLN alice@example.com Alice 268435492
chat A B`)
	agree(t, nodes...)
	if err := nodes[1].Server.Admin().Drain(t.Context(), "node-1", 0); err != nil {
		t.Fatal(err)
	}
	p.Play(`A.ns< XFR 0 NS {second} 0 {addrDS}
B.ns< XFR 0 NS {second} 0 {addrDS}`)
	p.Conn("A.ns").Close()
	p.Conn("B.ns").Close()
	agree(t, nodes...)
	p.Play(`signin9 A2, loud
signin9 B2, loud
C.ns -
A.sb> MSG 20 A {n} + P-HELLO
A.sb< ACK 20
B.sb< MSG alice@example.com Alice {n} + P-HELLO
A.sb> CAL 21 carol@example.com
A.sb< CAL 21 RINGING {session}
C.ns< RNG {session} {board} CKI {call} alice@example.com Alice
C.sb> ANS 1 carol@example.com {call} {session}
C.sb< IRO 1 1 2 alice@example.com Alice
C.sb< IRO 1 2 2 bob@example.com Bob
C.sb< ANS 1 OK
A.sb< JOI carol@example.com Carol
B.sb< JOI carol@example.com Carol
D.ns> VER 1 MSNP9 MSNP8 CVR0
D.ns< VER 1 MSNP9 CVR0
D.ns> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS dave@example.com
D.ns< CVR 2 6.0.0602 6.0.0602 6.0.0602 {url1} {url2}
D.ns> USR 3 TWN I dave@example.com
D.ns< XFR 3 NS {second} 0 {addrDS}`)
	service := nodes[0].Server.Admin()
	list, err := service.Nodes(t.Context())
	if err != nil || len(list) != 2 || !list[0].Draining || list[0].State != "here" || list[1].Draining {
		t.Errorf("the nodes are %+v, %v", list, err)
	}
	sessions, err := service.Sessions(t.Context())
	if one := sessions.Items; err != nil || len(one) != 3 || one[0].Node != "node-2" || one[0].Address == "" || one[0].Since.IsZero() {
		t.Errorf("the sessions are %+v, %v", sessions, err)
	}
	if err := service.Kick(t.Context(), "carol@example.com"); err != nil {
		t.Error(err)
	}
	p.Play(`C.ns< OUT SSD
C.ns x`)
	if err := nodes[1].Server.Admin().Undrain(t.Context(), "node-1"); err != nil {
		t.Error(err)
	}
	if nodes[0].Server.Cluster().Nodes()[0].Draining {
		t.Error("node-1 still drains")
	}
}

// TestTheGatewayReachesOtherNodes has somebody come over HTTP to a node that signs nobody in.
func TestTheGatewayReachesOtherNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, map[string]string{
		"cluster.roles": "passport", "passport.gateway_advertise": "node-2.example.com",
	})
	p := msntest.NewPlayer(t, nodes[0])
	h := newOverHTTP(t, nodes[1])
	h.open("NS", "messenger.hotmail.com", "VER 1 MSNP9 MSNP8 CVR0\r\n")
	if h.host != "node-2.example.com" {
		t.Errorf("the client is to come back to %q", h.host)
	}
	h.hear("VER 1 MSNP9 CVR0")
	h.send("USR 3 TWN I alice@example.com", nil)
	h.hear("USR 3 TWN S lc=*")
	p.Play("ticket A")
	h.send("USR 4 TWN S "+p.Value("ticketA"), nil)
	h.hear("USR 4 OK alice@example.com *")
	h.hear("MSG Hotmail Hotmail *")
	if n := nodes[0].Server.Cluster().Nodes()[0].Sessions; n != 1 {
		t.Errorf("%d are signed in at the first node", n)
	}
	h.send("CHG 6 NLN 0", nil)
	h.hear("CHG 6 NLN 0")
	for !strings.HasPrefix(h.next().line, "CHL ") {
	}
	h.send("XFR 7 SB", nil)
	words := strings.Fields(h.next().line)
	sb := newOverHTTP(t, nodes[1])
	sb.open("SB", words[3], "USR 1 alice@example.com "+words[5]+"\r\n")
	sb.hear("USR 1 OK alice@example.com Alice")
	h.send("OUT", nil)
	h.hearClose()

	stale := newOverHTTP(t, nodes[0])
	stale.id, stale.host = sb.id, "gateway.messenger.hotmail.com"
	stale.write(stale.request("SessionID="+sb.id, "OUT\r\n"))
	if status, header, _ := stale.read(); !strings.Contains(status, "404") || !strings.Contains(header["X-MSN-Messenger"], "Session=close") {
		t.Errorf("a session of another node is answered %s, %v", status, header)
	}
}
