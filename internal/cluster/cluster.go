// Package cluster knows the nodes of a service, and carries messages from each to each: in order,
// and with a snapshot of everything whenever some were lost. What the messages say is left to
// a [Member], and how packets travel to a [Bus].
package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/metrics"
)

// Protocol is the number of what nodes say to each other. Nodes of different numbers may be in
// one cluster: kinds of packets and messages that one does not know it leaves unread, and
// whatever is read may have more at its end than the reader knows of. A change for which that
// is not enough raises the number.
const Protocol = 1

// Sizes in bytes.
const (
	MaxMessage = 256 << 10 // a longer one is not sent, which is logged, and followed by a snapshot
	fullBatch  = 64 << 10  // a batch takes no more messages
	maxWaiting = 4 << 20   // for a node that takes nothing; beyond it they are dropped, for a snapshot later
)

// Config is what a cluster is made of. Every field must be set.
type Config struct {
	Name    string // of this node; see [CheckName]
	Bus     Bus    // the cluster starts and closes it
	Member  Member
	Status  func() Status // of this node; Name, Protocol and Clock are filled in
	Clock   *clock.Clock
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// Haste is how long a message may wait for others to share a packet with.
type Haste uint8

// The hastes. Messages stay in order whatever theirs are.
const (
	Later Haste = iota // 5 ms, or to the next quarter of a second if something was sent in the last one
	Soon               // not at all, unless something was sent in the last 5 ms
)

// Errors of those who wait for other nodes.
var (
	ErrNameTaken   = errors.New("another node of this name is running: give each node a name of its own (cluster.node)")
	ErrUnreachable = errors.New("the node cannot be reached")
)

// Cluster is this node's place among the others. It must be made by [New].
type Cluster struct {
	cfg  Config
	self NodeID

	peers peers
	phase atomic.Int32 // a phase
	runs  atomic.Uint64
	asks  asks
	pace  pace  // of messages
	beats alarm // of heartbeats
	looks alarm // at who is silent
	debts alarm // see peer.owed
	done  chan struct{}
	work  sync.WaitGroup // the goroutines of this node

	// turn is held while a packet is read and while time takes its effect, and so while the
	// member is called, except for snapshots. It guards who the peers are, their states, and:
	turn   sync.Mutex
	looked time.Duration
	twin   NodeID // a node with our name that was there first

	counts counts
}

// New returns a cluster in which this node is alone until Start.
func New(cfg Config) *Cluster {
	c := &Cluster{cfg: cfg, self: NewID(cfg.Name), done: make(chan struct{})}
	c.asks.waiting = make(map[uint64]question)
	for _, a := range []*alarm{&c.pace.alarm, &c.beats, &c.looks, &c.debts} {
		a.init(cfg.Clock)
	}
	c.publish()
	return c
}

// Self returns the id of this node.
func (c *Cluster) Self() NodeID { return c.self }

// Nodes returns this node and all that are known, by name. It may be called under any lock,
// except one that Config.Status takes.
func (c *Cluster) Nodes() []Node {
	now, elapsed := c.cfg.Clock.Now(), c.cfg.Clock.Elapsed()
	nodes := []Node{{ID: c.self, Status: c.status(), State: Here, Heard: now}}
	for _, p := range c.peers.all() {
		nodes = append(nodes, Node{p.id, *p.status.Load(), State(p.state.Load()), now.Add(-p.quiet(elapsed)), time.Duration(p.ahead.Load())})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return nodes
}

// Announce tells the others now how this node is, as it does every two seconds.
func (c *Cluster) Announce() { c.beats.ring() }

func (c *Cluster) status() Status {
	s := c.cfg.Status()
	s.Name, s.Protocol, s.Clock = c.cfg.Name, Protocol, c.cfg.Clock.Steady().UnixMilli()
	return s
}

// Send sends a message to one node. It copies it, takes leaf locks only and never waits, so it
// may be called under any lock. To a node that is not alive nothing is sent: it gets a snapshot
// when it is there again.
func (c *Cluster) Send(to NodeID, msg []byte, h Haste) {
	c.send(to, message{kind: dataMessage, body: msg}, h)
}

// SendAll does the same with all other nodes.
func (c *Cluster) SendAll(msg []byte, h Haste) {
	for _, p := range c.peers.all() {
		c.sendTo(p, message{kind: dataMessage, body: msg}, h)
	}
}

// SendEach sends every other node what fn returns for it; nil is nothing. fn must not send.
func (c *Cluster) SendEach(fn func(to NodeID) (msg []byte, h Haste)) {
	for _, p := range c.peers.all() {
		if msg, h := fn(p.id); msg != nil {
			c.sendTo(p, message{kind: dataMessage, body: msg}, h)
		}
	}
}

func (c *Cluster) send(to NodeID, m message, h Haste) {
	if p := c.peers.find(to); p != nil {
		c.sendTo(p, m, h)
	}
}

func (c *Cluster) sendTo(p *peer, m message, h Haste) bool {
	if !c.fits(m) {
		if m.kind == dataMessage {
			p.out.close("something was too long") // the snapshot mends what is not told
		}
		return false
	}
	full, ok := p.out.add(m)
	if !ok {
		return false
	}
	if full {
		h = Soon
	}
	c.pace.hurry(h)
	return true
}

// fits reports whether a message can be sent.
func (c *Cluster) fits(m message) bool {
	if len(m.body) <= MaxMessage {
		return true
	}
	c.cfg.Log.Error("a message is too long for the cluster and was dropped", "bytes", len(m.body))
	return false
}

// Settle waits until the members of all nodes have received everything that was sent so far, without
// those that are not heard of any more.
func (c *Cluster) Settle(ctx context.Context) error {
	marks := make(map[*peer]mark)
	for _, p := range c.peers.all() {
		marks[p] = p.out.mark()
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		c.pace.hurry(Soon)
		for p, m := range marks {
			if !c.answers(p) || p.out.passed(m) {
				delete(marks, p)
			} else if p.out.curious(m, c.cfg.Clock.Elapsed()) {
				c.owe(p, inquiry)
			}
		}
		if len(marks) == 0 {
			return nil
		}
		if err := c.wait(ctx, wait); err != nil {
			return err
		}
	}
}

// wait waits for d.
func (c *Cluster) wait(ctx context.Context, d time.Duration) error {
	var a alarm
	a.init(c.cfg.Clock)
	a.set(d)
	defer a.stop()
	select {
	case <-a.rung:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
