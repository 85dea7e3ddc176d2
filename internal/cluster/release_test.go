package cluster_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
)

// Packets as a later release might send them: with kinds that this one does not know, and with
// more at the end than it expects.
func TestWhatALaterReleaseSaysIsLeftUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		bus, id := net.Bus(), cluster.NodeID("later/aaaaaaaaaaaaa")
		if err := bus.Start(id, cluster.Receiver{Packet: func([]byte) {}}); err != nil {
			t.Fatal(err)
		}
		beat := `{"Name":"later","Protocol":2,"Zone":"moon","Phase":1}`
		packet := func(kind byte, body ...byte) []byte {
			return slices.Concat([]byte{1, kind, byte(len(id))}, []byte(id), body)
		}
		for _, p := range [][]byte{
			packet(9, 1, 2, 3),
			{2, 1, 1, 1},
			packet(1, slices.Concat([]byte{byte(len(beat))}, []byte(beat), []byte{2, 0, 5}, []byte{21, 13}, []byte(a.Self().Run()), []byte{0, 0, 0, 0, 0, 55, 66})...),
			packet(3, 0, 0, 0, 0, 0, 55, 66),
			packet(2, 1, 0,
				2, 4, 0, // begin
				5, 1, 0, 'x', '=', '7', // a message
				4, 99, 0, 1, 2, // of an unknown kind
				4, 5, 0, 1, 2), // end, and more
		} {
			if err := bus.Broadcast(p); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		if got := a.states(); got != "b alive, c alive, later alive" {
			t.Errorf("a sees %s", got)
		}
		if got := a.knows(id); got["x"] != 7 || a.Nodes()[3].Protocol != 2 {
			t.Errorf("a knows %v of %+v", got, a.Nodes()[3])
		}
		mustAgree(t, a, b, c)
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNonsenseIsLeftUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := clustertest.NewNet()
		a := newNode(net, "a").start(t)
		bus := net.Bus()
		const id = "b/aaaaaaaaaaaaa"
		if err := bus.Start(id, cluster.Receiver{Packet: func([]byte) {}}); err != nil {
			t.Fatal(err)
		}
		from := string(rune(len(id))) + id
		for _, p := range []string{
			"", "\x01", "\x01\x01\xff", "\x01\x01\x03b/x\x02{}", "\x01\x01" + from + "\x01{", "\x01\x01" + from + "\x02{}",
			"\x01\x01" + from + "\x02{}\x05", "\x01\x01" + from + "{}", "\x01\x02" + from, "\x01\x02" + from + "\x01\x00\x05",
			"\x01\x03" + from + "\x01",
		} {
			if err := bus.Broadcast([]byte(p)); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		mustAgree(t, a)
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
}
