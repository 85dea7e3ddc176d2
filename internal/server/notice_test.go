package server_test

import (
	"fmt"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// notice is how somebody hears that the service stops.
func notice(who string, minutes int) string {
	return fmt.Sprintf("%s.ns< MSG Hotmail Hotmail {n} + "+
		`"MIME-Version: 1.0\r\nContent-Type: application/x-msmsgssystemmessage\r\n\r\nType: 1\r\nArg1: %d\r\n"`+"\n", who, minutes)
}

// TestTheEndOfTheServiceIsAnnouncedAtAllNodes announces it at one of two nodes, with people at both, and
// starts a third; at the end all have stopped. Before that it is taken back once, at the other.
func TestTheEndOfTheServiceIsAnnouncedAtAllNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B")
	p.Play(`signin9 A
signin9 B`)
	agree(t, nodes...)
	announce := func(at *msntest.Fixture, minutes int) {
		t.Helper()
		if n, err := at.Server.Admin().Notify(t.Context(), minutes); err != nil || n != 2 {
			t.Errorf("told %d people, %v", n, err)
		}
		p.Play(notice("A", minutes) + notice("B", minutes))
	}
	announce(nodes[0], 30)
	if err := nodes[1].Server.Admin().CancelNotice(t.Context()); err != nil {
		t.Error(err)
	}
	agree(t, nodes...)
	if err := nodes[0].Server.Admin().CancelNotice(t.Context()); err == nil {
		t.Error("it was taken back twice")
	}
	announce(nodes[1], 1)

	third := nodes[0].Join(t, map[string]string{"cluster.node": "node-3"})
	p.At(third, "C")
	p.Play(`signin9 C, until SYN
C.ns> CHG 6 NLN 0
C.ns< CHG 6 NLN 0
` + notice("C", 1))
	for _, f := range append(nodes, third) {
		f.Clock.Advance(time.Minute)
	}
	for _, f := range append(nodes, third) {
		f.Ended(t)
	}
}
