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
	all := n.servers(func(each cluster.Node) []Server {
		if each.Notification == "" {
			return nil
		}
		return []Server{server(each, each.Notification, each.Sessions)}
	})
	for _, s := range all {
		if was != "" && s.Node == was {
			return s, true
		}
	}
	return n.choose(all, least)
}

// Open reports whether there is a notification server that takes people.
func (n *Nodes) Open() bool {
	return slices.ContainsFunc(n.Alive(), func(each cluster.Node) bool { return each.Notification != "" && !each.Draining })
}

// Switchboard returns the one for the next conversation of somebody here: this node's, so that nodes
// that are cut off from each other without knowing it yet keep theirs, unless it is used much more
// than another.
func (n *Nodes) Switchboard() (Server, bool) {
	all := n.servers(func(each cluster.Node) (boards []Server) {
		for _, b := range each.Switchboards {
			boards = append(boards, server(each, b.Addr, b.Seated))
		}
		return boards
	})
	return n.choose(all, nearest)
}

// late is how long nothing was heard of a node to which nobody is sent any more: two heartbeats, and
// a little.
const late = 4500 * time.Millisecond

// servers returns those of the nodes that take people: of nodes not heard of lately only where there are
// no others.
func (n *Nodes) servers(of func(cluster.Node) []Server) []Server {
	var heard, others []Server
	now := n.clock.Now()
	for _, each := range n.Alive() {
		switch {
		case each.Draining:
		case each.State == cluster.Here || now.Sub(each.Heard) <= late:
			heard = append(heard, of(each)...)
		default:
			others = append(others, of(each)...)
		}
	}
	if len(heard) == 0 {
		return others
	}
	return heard
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

// choose picks one of several servers, and counts somebody who is sent there.
func (n *Nodes) choose(all []Server, pick func([]Server) Server) (Server, bool) {
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
	picked := pick(all)
	to := place{picked.Node, picked.Addr}
	h := n.handed[to].at(now)
	h.now++
	n.handed[to] = h
	for each, h := range n.handed {
		if h.period < now-1 {
			delete(n.handed, each)
		}
	}
	return picked, true
}

// least returns the server of which the smallest share is in use, of several this node's.
func least(all []Server) Server {
	return slices.MinFunc(all, func(a, b Server) int {
		switch x, y := int64(a.load)*int64(b.capacity), int64(b.load)*int64(a.capacity); {
		case x != y && x < y, x == y && a.Here && !b.Here:
			return -1
		case x != y || b.Here && !a.Here:
			return 1
		}
		return 0
	})
}

// few is the part of its capacity up to which a server is as good as empty.
const few = 100

// nearest returns that one of this node's, unless one of another's is used less than half as much, and
// it is used at all.
func nearest(all []Server) Server {
	own := slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return !s.Here })
	best := least(all)
	if len(own) == 0 {
		return best
	}
	here := least(own)
	half := 2*int64(best.load)*int64(here.capacity) < int64(here.load)*int64(best.capacity)
	if half && here.load*few > here.capacity {
		return best
	}
	return here
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
