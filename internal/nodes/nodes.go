// Package nodes is how the nodes of a service share the work: which of them takes whoever comes
// next, and what they ask each other. Who is signed in is known to hub, and how messages travel
// to cluster.
package nodes

import (
	"net"
	"slices"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
)

// Nodes are all nodes as this one sees them. It must be made by [New]. Without [Nodes.Join] this
// node is alone.
type Nodes struct {
	clock   *clock.Clock
	self    func() cluster.Status
	cluster *cluster.Cluster // nil: there is no other

	answers map[string]AnswerFunc // by topic
	hears   map[string]func(body []byte)
	work    sync.WaitGroup // answers that are being given

	mu     sync.Mutex // leaf
	handed map[place]handed
	closed bool
}

// place is a server of a node.
type place struct {
	node cluster.NodeID
	what string // its address
}

// handed is how many people were sent to a server in this period and in the one before: the
// node has not counted them yet.
type handed struct {
	period      int64
	now, before int
}

// period is about as long as it takes until a node has told of somebody who was sent there.
const period = 3 * time.Second

// New returns this node alone. self is what it tells of itself.
func New(clk *clock.Clock, self func() cluster.Status) *Nodes {
	return &Nodes{
		clock: clk, self: self, handed: make(map[place]handed),
		answers: make(map[string]AnswerFunc), hears: make(map[string]func([]byte)),
	}
}

// Join makes the node one of several. It is for construction time.
func (n *Nodes) Join(c *cluster.Cluster) { n.cluster = c }

// Self returns the id of this node, which is "" where it is alone.
func (n *Nodes) Self() cluster.NodeID {
	if n.cluster == nil {
		return ""
	}
	return n.cluster.Self()
}

// All returns this node and the others that are known, by name.
func (n *Nodes) All() []cluster.Node {
	if n.cluster == nil {
		return []cluster.Node{{Status: n.self(), State: cluster.Here, Heard: n.clock.Now()}}
	}
	return n.cluster.Nodes()
}

// Alive returns those that are there, this one among them.
func (n *Nodes) Alive() []cluster.Node {
	return slices.DeleteFunc(n.All(), func(each cluster.Node) bool {
		return each.State != cluster.Here && each.State != cluster.Alive
	})
}

// Server is one that takes people.
type Server struct {
	Node  cluster.NodeID
	Here  bool
	Addr  string        // as clients are told
	Ahead time.Duration // by how much the clock of its node is ahead of ours

	load, capacity int // people that it has, and of how many that is a share
}

// Notification returns the notification server for somebody: that of a node where he has been, unless
// that is "" or takes nobody, or else the one of which the smallest share is in use.
// It reports false when there is none.
func (n *Nodes) Notification(was cluster.NodeID) (Server, bool) {
	var all []Server
	for _, each := range n.Alive() {
		if each.Notification == "" || each.Draining {
			continue
		}
		s := server(each, each.Notification, each.Sessions)
		if was != "" && each.ID == was {
			return s, true
		}
		all = append(all, s)
	}
	return n.least(all)
}

// Open reports whether there is a notification server that takes people.
func (n *Nodes) Open() bool {
	return slices.ContainsFunc(n.Alive(), func(each cluster.Node) bool { return each.Notification != "" && !each.Draining })
}

// Switchboard returns the one for the next conversation, of which the smallest share is in use.
func (n *Nodes) Switchboard() (Server, bool) {
	var all []Server
	for _, each := range n.Alive() {
		if each.Draining {
			continue
		}
		for _, board := range each.Switchboards {
			all = append(all, server(each, board.Addr, board.Seated))
		}
	}
	return n.least(all)
}

// Board returns the address of a switchboard of another node, which may be asked for by its host
// alone, and whether there is one.
func (n *Nodes) Board(addr string) (string, bool) {
	for _, each := range n.Alive() {
		for _, b := range each.Switchboards {
			host, _, err := net.SplitHostPort(b.Addr)
			if each.State != cluster.Here && (b.Addr == addr || err == nil && host == addr) {
				return b.Addr, true
			}
		}
	}
	return "", false
}

// usual is the capacity of a node that does not tell one.
const usual = 10_000

func server(node cluster.Node, addr string, load int) Server {
	capacity := node.Capacity
	if capacity <= 0 {
		capacity = usual
	}
	return Server{node.ID, node.State == cluster.Here, addr, node.Ahead, load, capacity}
}

// least returns the server of which the smallest share is in use, of several this node's, and counts
// somebody who is sent there.
func (n *Nodes) least(all []Server) (Server, bool) {
	if len(all) == 0 {
		return Server{}, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := int64(n.clock.Elapsed() / period)
	for i := range all {
		h := n.handed[place{all[i].Node, all[i].Addr}].at(now)
		all[i].load += h.now + h.before
	}
	best := slices.MinFunc(all, func(a, b Server) int {
		switch x, y := int64(a.load)*int64(b.capacity), int64(b.load)*int64(a.capacity); {
		case x != y && x < y, x == y && a.Here && !b.Here:
			return -1
		case x != y || b.Here && !a.Here:
			return 1
		}
		return 0
	})
	to := place{best.Node, best.Addr}
	h := n.handed[to].at(now)
	h.now++
	n.handed[to] = h
	for each, h := range n.handed {
		if h.period < now-1 {
			delete(n.handed, each)
		}
	}
	return best, true
}

// at returns the count as it is in a period.
func (h handed) at(period int64) handed {
	switch h.period {
	case period:
		return h
	case period - 1:
		return handed{period: period, before: h.now}
	}
	return handed{period: period}
}
