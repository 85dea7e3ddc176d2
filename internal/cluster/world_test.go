package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/metrics"
)

// node is one of a cluster in a test. What it says of itself are facts: keys with values that only
// grow, like presence with its sign-in numbers. It keeps a picture of what the others say.
type node struct {
	*cluster.Cluster
	clock   *clock.Clock
	bus     *clustertest.Bus
	counter counter
	log     *bytes.Buffer
	deaf    bool // it does not look at what it receives; for benchmarks

	shards [4]shard

	mu      sync.Mutex
	sees    map[cluster.NodeID]*picture
	calls   []string // of Begin and the like
	faults  []string // what must not happen
	answers func(reply func([]byte))
}

// counter counts what comes over a bus, and may spoil it.
type counter struct {
	cluster.Bus
	mu    sync.Mutex
	count arrivals
	spoil int // so many batches more lose their last byte

	gate sync.RWMutex // whoever sends waits while it is locked
}

func (c *counter) SendTo(node cluster.NodeID, packet []byte) error {
	c.gate.RLock()
	defer c.gate.RUnlock()
	return c.Bus.SendTo(node, packet)
}

func (c *counter) Broadcast(packet []byte) error {
	c.gate.RLock()
	defer c.gate.RUnlock()
	return c.Bus.Broadcast(packet)
}

// arrivals are how many packets came, and at how many different times.
type arrivals struct {
	all, times int
	last       time.Time
}

func (c *counter) Start(self cluster.NodeID, r cluster.Receiver) error {
	recv := r.Packet
	r.Packet = func(packet []byte) {
		c.mu.Lock()
		c.count.all++
		if now := time.Now(); now != c.count.last {
			c.count.times++
			c.count.last = now
		}
		if c.spoil > 0 && bytes.HasPrefix(packet, []byte{1, 2}) {
			c.spoil--
			packet = packet[:len(packet)-1]
		}
		c.mu.Unlock()
		recv(packet)
	}
	return c.Bus.Start(self, r)
}

func (c *counter) packets() arrivals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func (c *counter) spoilNext() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoil = 1
}

func (a arrivals) since(before arrivals) (all, times int) {
	return a.all - before.all, a.times - before.times
}

type shard struct {
	mu    sync.Mutex
	facts map[string]int
}

// picture is what a node knows of another.
type picture struct {
	facts  map[string]int
	fresh  map[string]bool // mentioned since Begin
	newest map[string]int  // heard at any time
	whole  bool
}

// newNode returns a node that has not started.
func newNode(net *clustertest.Net, name string) *node {
	n := &node{clock: clock.New(), bus: net.Bus(), sees: make(map[cluster.NodeID]*picture), log: new(bytes.Buffer)}
	n.answers = func(reply func([]byte)) { reply([]byte("yes")) }
	for i := range n.shards {
		n.shards[i].facts = make(map[string]int)
	}
	n.counter.Bus = n.bus
	n.Cluster = cluster.New(cluster.Config{
		Name: name, Bus: &n.counter, Member: n, Clock: n.clock, Metrics: metrics.New(),
		Status: func() cluster.Status { return cluster.Status{Release: "1.2.3", Sessions: n.facts()} },
		Log:    slog.New(slog.NewTextHandler(n.log, nil)),
	})
	return n
}

func (n *node) shard(key string) *shard { return &n.shards[key[0]%4] }

func (n *node) facts() int {
	sum := 0
	for i := range n.shards {
		n.shards[i].mu.Lock()
		sum += len(n.shards[i].facts)
		n.shards[i].mu.Unlock()
	}
	return sum
}

// set changes a fact and tells the others; 0 removes it.
func (n *node) set(key string, value int, h cluster.Haste) {
	s := n.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts[key] = value
	if value == 0 {
		delete(s.facts, key)
	}
	n.SendAll(fmt.Appendf(nil, "%s=%d", key, value), h)
}

// own returns all facts.
func (n *node) own() map[string]int {
	all := make(map[string]int)
	for i := range n.shards {
		n.shards[i].mu.Lock()
		maps.Copy(all, n.shards[i].facts)
		n.shards[i].mu.Unlock()
	}
	return all
}

// knows returns what it knows of another, or nil.
func (n *node) knows(id cluster.NodeID) map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.sees[id]; p != nil && p.whole {
		return maps.Clone(p.facts)
	}
	return nil
}

func (n *node) heard() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := strings.Join(n.calls, ", ")
	n.calls = nil
	return calls
}

func (n *node) called(what string, from cluster.NodeID) *picture {
	n.calls = append(n.calls, what+" "+from.Name())
	if n.sees[from] == nil {
		n.sees[from] = &picture{newest: make(map[string]int)}
	}
	return n.sees[from]
}

func (n *node) Receive(from cluster.NodeID, msg []byte) {
	if n.deaf {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key, number, _ := strings.Cut(string(msg), "=")
	value, err := strconv.Atoi(number)
	p := n.sees[from]
	if err != nil || p == nil || p.facts == nil {
		n.faults = append(n.faults, fmt.Sprintf("%q of %s, %v", msg, from, p))
		return
	}
	if value != 0 && value < p.newest[key] {
		n.faults = append(n.faults, fmt.Sprintf("%s after %d of %s", msg, p.newest[key], from))
	}
	p.newest[key] = max(p.newest[key], value)
	p.fresh[key] = true
	p.facts[key] = value
	if value == 0 {
		delete(p.facts, key)
	}
}

func (n *node) Answer(_ cluster.NodeID, msg []byte, reply func([]byte)) { n.answers(reply) }

func (n *node) Shards() int { return len(n.shards) }

func (n *node) Snapshot(shard int, send func([]byte)) {
	s := &n.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.facts {
		send(fmt.Appendf(nil, "%s=%d", key, value))
	}
}

func (n *node) Begin(from cluster.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.called("begin", from)
	if p.facts == nil {
		p.facts = make(map[string]int)
	}
	p.fresh, p.whole = make(map[string]bool), false
}

func (n *node) End(from cluster.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.called("end", from)
	p.whole = true
	maps.DeleteFunc(p.facts, func(key string, _ int) bool { return !p.fresh[key] })
}

func (n *node) Silent(from cluster.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.called("silent", from)
}

func (n *node) Gone(from cluster.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.called("gone", from)
	n.sees[from].facts, n.sees[from].whole = nil, false
}

// start starts a node and ends it with the test's bubble.
func (n *node) start(t *testing.T) *node {
	t.Helper()
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.end() })
	return n
}

func (n *node) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.Leave(ctx)
	n.clock.Close()
}

// crash ends a node without a word.
func (n *node) crash(net *clustertest.Net) {
	net.CutOff(n.Self())
	n.end()
}

// states returns what a node says of all others.
func (n *node) states() string {
	var words []string
	for _, other := range n.Nodes() {
		if other.ID != n.Self() {
			words = append(words, other.Name+" "+other.State.String())
		}
	}
	return strings.Join(words, ", ")
}

// settle lets everything arrive that needs no time.
func settle(t *testing.T, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// agree checks that everybody knows what everybody says.
func agree(nodes ...*node) error {
	for _, a := range nodes {
		for _, b := range nodes {
			if a == b {
				continue
			}
			if got, want := a.knows(b.Self()), b.own(); got == nil || !maps.Equal(got, want) {
				return fmt.Errorf("%s knows of %s %v, which is %v; its log:\n%s", a.Self(), b.Self(), got, want, a.log)
			}
		}
		a.mu.Lock()
		faults := a.faults
		a.mu.Unlock()
		if len(faults) > 0 {
			return fmt.Errorf("at %s: %s", a.Self(), faults[0])
		}
	}
	return nil
}

func mustAgree(t *testing.T, nodes ...*node) {
	t.Helper()
	if err := agree(nodes...); err != nil {
		t.Fatal(err)
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// trio starts three nodes with some facts.
func trio(t *testing.T) (net *clustertest.Net, a, b, c *node) {
	t.Helper()
	net = clustertest.NewNet()
	var nodes []*node
	for i, name := range []string{"a", "b", "c"} {
		n := newNode(net, name)
		n.set("x", 1+i, cluster.Later)
		n.set("y", 10+i, cluster.Later)
		nodes = append(nodes, n.start(t))
	}
	a, b, c = nodes[0], nodes[1], nodes[2]
	settle(t, nodes...)
	mustAgree(t, nodes...)
	for _, n := range nodes {
		n.heard()
	}
	return net, a, b, c
}

// eventually waits until something is so.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("it never came to be")
}
