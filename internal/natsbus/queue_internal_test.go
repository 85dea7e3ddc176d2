package natsbus

import (
	"testing"

	"github.com/nats-io/nats.go"

	"monarch/internal/cluster"
)

func TestWhatWaitsIsBoundedInBytes(t *testing.T) {
	for _, size := range []int{0, 1000, cluster.MaxPacket} {
		q := newQueue()
		packet := func(n int) *nats.Msg { return &nats.Msg{Data: make([]byte, size), Subject: string(rune('a' + n%26))} }
		n := 0
		for ; !q.put(packet(n)); n++ {
			if n*(size+overhead) > waiting {
				t.Fatalf("%d packets of %d bytes wait", n, size)
			}
		}
		if q.put(packet(0)) {
			t.Error("it is told again that something is lost")
		}
		for i := range n {
			if got := q.take().Subject; got != packet(i).Subject {
				t.Fatalf("packet %d is %s", i, got)
			}
			if i == 0 && (q.put(packet(n)) || len(q.list) != n) {
				t.Error("there is no room when something was read")
			}
		}
		if last := q.take(); last.Subject != packet(n).Subject || q.size != 0 {
			t.Errorf("last came %s, and %d bytes are left", last.Subject, q.size)
		}
		q.close()
		if m := q.take(); m != nil {
			t.Errorf("when it was closed, it has %v", m)
		}
	}
}
