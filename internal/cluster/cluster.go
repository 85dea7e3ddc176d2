// Package cluster knows the nodes of a service, and carries messages from each to each: in order,
// and with a snapshot of everything whenever some were lost. What the messages say is left to
// a [Member], and how packets travel to a [Bus].
package cluster

import (
	"context"
	"errors"
	"log/slog"

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
	MaxMessage = 256 << 10 // a longer one is not sent, and logged
	fullBatch  = 64 << 10  // a batch takes no more messages
	maxWaiting = 4 << 20   // for a node that takes nothing; beyond it they are dropped, for a snapshot later
)

// Config is what a cluster is made of. Every field must be set.
type Config struct {
	Name    string // of this node; see [CheckName]
	Bus     Bus    // the cluster starts and closes it
	Member  Member
	Status  func() Status // of this node; Name and Protocol are filled in
	Clock   *clock.Clock
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// Haste is how long a message may wait for others to share a packet with.
type Haste uint8

// The hastes. Messages stay in order whatever theirs are.
const (
	Later Haste = iota // 100 ms
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
}

// New returns a cluster in which this node is alone until Start.
func New(cfg Config) *Cluster {
	return &Cluster{cfg: cfg, self: NewID(cfg.Name)}
}

// Start joins: it makes this node known and returns when all that answered have sent a
// snapshot, or after some seconds. It fails with [ErrNameTaken] when a node of this name is
// running. The member's methods are called from the beginning of Start on.
func (c *Cluster) Start(ctx context.Context) error { return nil }

// Leave waits until the others have what was sent, says goodbye and closes the bus. What is
// sent afterwards is dropped.
func (c *Cluster) Leave(ctx context.Context) {}

// Self returns the id of this node.
func (c *Cluster) Self() NodeID { return c.self }

// Nodes returns this node and all that are known, by name. It may be called under any lock.
func (c *Cluster) Nodes() []Node { return nil }

// Send sends a message to one node. It copies it, takes leaf locks only and never waits, so it
// may be called under any lock. To a node that is not alive nothing is sent: it gets a snapshot
// when it is there again.
func (c *Cluster) Send(to NodeID, msg []byte, h Haste) {}

// SendAll does the same with all other nodes.
func (c *Cluster) SendAll(msg []byte, h Haste) {}

// Ask sends a message, soon, and waits for the answer of that node's member. It fails at once with
// [ErrUnreachable] when the node is not alive, and as soon as it turns out that question or answer may
// have been lost; and when ctx is over.
func (c *Cluster) Ask(ctx context.Context, to NodeID, msg []byte) ([]byte, error) {
	return nil, ErrUnreachable
}

// Settle waits until the members of all nodes that are alive have received everything that was
// sent so far.
func (c *Cluster) Settle(ctx context.Context) error { return nil }
