package natsbus_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/loopback"
	"monarch/internal/metrics"
)

// node is one of a real cluster. It says one word, and knows the words of the others by name.
type node struct {
	*cluster.Cluster
	end   *end
	clock *clock.Clock

	mu    sync.Mutex
	word  string
	heard map[string]string
}

func newNode(name string, e *end) *node {
	n := &node{end: e, clock: clock.New(), word: "first", heard: make(map[string]string)}
	n.Cluster = cluster.New(cluster.Config{
		Name: name, Bus: e.Bus, Member: n, Clock: n.clock, Log: e.log.logger(), Metrics: metrics.New(),
		Status: func() cluster.Status { return cluster.Status{} },
	})
	return n
}

func (n *node) start(t *testing.T) *node {
	t.Helper()
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.leave)
	return n
}

func (n *node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.Leave(ctx)
	n.clock.Close()
}

func (n *node) say(word string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.word = word
	n.SendAll([]byte(word), cluster.Later)
}

// sees waits until a node knows another's word.
func (n *node) sees(t *testing.T, name, word string) {
	t.Helper()
	eventually(t, n.end.log.String()+name+" says "+word, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.heard[name] == word
	})
}

func (n *node) Receive(from cluster.NodeID, msg []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard[from.Name()] = string(msg)
}

func (n *node) Answer(_ cluster.NodeID, msg []byte, reply func([]byte)) { reply(append(msg, '!')) }

func (n *node) Shards() int { return 1 }

func (n *node) Snapshot(_ int, send func([]byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	send([]byte(n.word))
}

func (n *node) Begin(cluster.NodeID)  {}
func (n *node) End(cluster.NodeID)    {}
func (n *node) Silent(cluster.NodeID) {}
func (n *node) Gone(cluster.NodeID)   {}

func TestAClusterOfServersInItsNodes(t *testing.T) {
	a := newNode("a", embedded(t, anyPort, secret)).start(t)
	peer := a.end.Address()
	b, c := newNode("b", embedded(t, anyPort, secret, peer)).start(t), newNode("c", embedded(t, anyPort, secret, peer)).start(t)
	for _, n := range []*node{a, b, c} {
		for _, other := range []string{"a", "b", "c"} {
			if other != n.Self().Name() {
				n.sees(t, other, "first")
			}
		}
	}
	c.say("second")
	a.sees(t, "c", "second")
	b.sees(t, "c", "second")
	if got, err := b.Ask(t.Context(), c.Self(), []byte("well")); string(got) != "well!" || err != nil {
		t.Errorf("asked, c said %q, %v", got, err)
	}

	c.end.close(t) // a crash: the others are told nothing
	again := newNode("c", embedded(t, anyPort, secret, peer))
	again.word = "third"
	again.start(t)
	a.sees(t, "c", "third")
	b.sees(t, "c", "third")
	again.sees(t, "b", "first")
}

func TestAClusterOverNATSThatIsStartedAgain(t *testing.T) {
	address := loopback.Address(t)
	srv := runNATS(t, address, nil)
	a, b := newNode("a", external(address, "monarch:sesame")).start(t), newNode("b", external(address, "monarch:sesame")).start(t)
	a.sees(t, "b", "first")
	srv.Shutdown()
	srv.WaitForShutdown()
	a.say("said into the void")
	b.say("second")
	runNATS(t, address, func(o *server.Options) { o.MaxPayload = 2 << 20 })
	a.sees(t, "b", "second")
	b.sees(t, "a", "said into the void")
}
