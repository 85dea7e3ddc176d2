package nodes

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/metrics"
)

// nobody is a member of a cluster that says nothing.
type nobody struct{}

func (nobody) Receive(cluster.NodeID, []byte)                        {}
func (nobody) Answer(_ cluster.NodeID, _ []byte, reply func([]byte)) { reply(nil) }
func (nobody) Shards() int                                           { return 0 }
func (nobody) Snapshot(int, func([]byte))                            {}
func (nobody) Begin(cluster.NodeID)                                  {}
func (nobody) End(cluster.NodeID)                                    {}
func (nobody) Silent(cluster.NodeID)                                 {}
func (nobody) Gone(cluster.NodeID)                                   {}

// start starts a node that tells this of itself.
func start(t *testing.T, net *clustertest.Net, name string, status cluster.Status) *Nodes {
	t.Helper()
	clk := clock.New()
	n := New(clk, func() cluster.Status { return status })
	n.Join(cluster.New(cluster.Config{
		Name: name, Bus: net.Bus(), Member: nobody{}, Status: n.self, Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(),
	}))
	if err := n.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n.cluster.Leave(ctx)
		clk.Close()
	})
	return n
}

// TestNobodyIsSentToANodeThatIsNotHeardOf cuts two nodes off from each other. Where there is nowhere else
// to go, people are sent there nevertheless, until it is known to be silent.
func TestNobodyIsSentToANodeThatIsNotHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := clustertest.NewNet()
		a := start(t, net, "a", cluster.Status{Notification: "a:1864", Sessions: 10})
		b := start(t, net, "b", cluster.Status{Notification: "b:1864", Switchboards: []cluster.Board{{Addr: "b:1865"}}})
		<-time.After(3 * time.Second)
		goes := func(when, notification, switchboard string) {
			t.Helper()
			for _, was := range []cluster.NodeID{"", b.Self()} {
				if s, _ := a.Notification(was); s.Addr != notification {
					t.Errorf("%s: whoever was at %q goes to %q", when, was, s.Addr)
				}
			}
			if s, _ := a.Switchboard(); s.Addr != switchboard {
				t.Errorf("%s: a conversation goes to %q", when, s.Addr)
			}
		}
		goes("at first", "b:1864", "b:1865")
		net.CutOff(b.Self())
		goes("right after the cut", "b:1864", "b:1865")
		<-time.After(5 * time.Second)
		goes("some seconds later", "a:1864", "b:1865")
		<-time.After(10 * time.Second)
		goes("when it is silent", "a:1864", "")
	})
}
