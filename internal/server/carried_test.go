package server_test

import (
	"bytes"
	"strings"
	"testing"

	"monarch/internal/fleet"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

// unplugged returns settings of a server that is reached over a cable, and what plugs that in and pulls it.
func unplugged(t *testing.T, name string) (settings map[string]string, pull func()) {
	t.Helper()
	addr := loopback.Address(t)
	cable, err := fleet.NewSlow("127.0.0.1:0", addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	pull = func() {
		_ = cable.Close() // what is on it has perhaps ended
	}
	t.Cleanup(pull)
	return map[string]string{name + ".listen": addr, name + ".advertise": cable.Addr()}, pull
}

// TestSomebodyOverHTTPTalksAtOtherNodes has her come to a node that does nothing else, be signed in at a
// second, and talk at a third, until one after the other fails.
func TestSomebodyOverHTTPTalksAtOtherNodes(t *testing.T) {
	t.Parallel()
	home, pullHome := unplugged(t, "notification")
	board, pullBoard := unplugged(t, "switchboard")
	home["cluster.roles"], board["cluster.roles"] = "dispatch, notification", "switchboard"
	nodes := msntest.StartNodes(t, home, board, map[string]string{"cluster.roles": "passport"})
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.sb")
	p.Play(`mutual alice bob
signin9 B`)
	h := newOverHTTP(t, nodes[2])
	h.open("NS", "messenger.hotmail.com", "VER 1 MSNP9 MSNP8 CVR0\r\n")
	h.hear("VER 1 MSNP9 CVR0")
	h.send("USR 3 TWN I alice@example.com", nil)
	h.hear("USR 3 TWN S lc=*")
	token, err := nodes[0].Ticket(p.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	h.send("USR 4 TWN S "+token, nil)
	h.hear("USR 4 OK alice@example.com *")
	h.hear("MSG Hotmail Hotmail *")
	h.send("CHG 6 NLN 0", nil)
	h.hear("CHG 6 NLN 0")
	for !strings.HasPrefix(h.next().line, "CHL ") {
	}
	h.send("XFR 7 SB", nil)
	words := strings.Fields(h.next().line)
	if words[3] != board["switchboard.advertise"] {
		t.Fatalf("she is sent to %s", words)
	}
	sb := newOverHTTP(t, nodes[2])
	sb.open("SB", words[3], "USR 1 alice@example.com "+words[5]+"\r\n")
	sb.hear("USR 1 OK alice@example.com Alice")
	sb.send("CAL 2 bob@example.com", nil)
	sb.hear("CAL 2 RINGING *")
	p.Play(`B.ns< NLN NLN alice@example.com Alice 0
B.ns< RNG {session} {board} CKI {call} alice@example.com Alice
B.sb> ANS 1 bob@example.com {call} {session}
B.sb< IRO 1 1 1 alice@example.com Alice
B.sb< ANS 1 OK`)
	sb.hear("JOI bob@example.com Bob")
	hello, _ := msntest.Payload("P-HELLO")
	sb.send("MSG 3 A {n}", hello)
	sb.hear("ACK 3")
	p.Play(`B.sb< MSG alice@example.com Alice {n} + P-HELLO
B.sb> MSG 2 A {n} + P-HELLO
B.sb< ACK 2`)
	if got := sb.hear("MSG bob@example.com Bob *"); !bytes.Equal(got.payload, hello) {
		t.Errorf("she hears %q", got.payload)
	}
	p.Play(`B.sb> OUT
B.sb x`)
	sb.hear("BYE bob@example.com")

	pullBoard()
	sb.hearClose()
	h.send("PNG", nil)
	h.hear("QNG *")
	pullHome()
	h.hearClose()
	p.Play(`B.ns< FLN alice@example.com`)
}
