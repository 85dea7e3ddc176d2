// Package clustertest is a network of nodes in memory, for tests: a [cluster.Bus] for each node,
// between which packets can be lost, delayed and cut off. What nodes say to each other is no business
// of it.
package clustertest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"monarch/internal/cluster"
)

// Net is what the buses of one cluster are plugged into. Packets of one node to another keep
// their order. In a bubble of testing/synctest its time is the bubble's.
type Net struct {
	mu    sync.Mutex
	buses map[cluster.NodeID]*Bus
	links map[link]*fault
	tells bool // who is not there
}

// link is a way, in one direction.
type link struct{ from, to cluster.NodeID }

// fault is what is wrong with one.
type fault struct {
	cut   bool
	lose  int // so many packets more
	delay time.Duration
}

// NewNet returns a network without nodes and without faults.
func NewNet() *Net {
	return &Net{buses: make(map[cluster.NodeID]*Bus), links: make(map[link]*fault)}
}

// TellAbsent makes it a network that tells whoever sends something to a node that is not there any
// more.
func (n *Net) TellAbsent() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tells = true
}

// Bus returns a bus for one more node.
func (n *Net) Bus() *Bus {
	b := &Bus{net: n}
	b.more.L = &b.mu
	return b
}

// Cut loses everything between a and b from now on, and what is on its way.
func (n *Net) Cut(a, b cluster.NodeID) {
	n.both(a, b, func(f *fault) { f.cut = true })
}

// Mend ends what Cut began.
func (n *Net) Mend(a, b cluster.NodeID) {
	n.both(a, b, func(f *fault) { f.cut = false })
}

// CutOff cuts a node off from all others that are there now.
func (n *Net) CutOff(node cluster.NodeID) { n.each(node, n.Cut) }

// MendAll ends every cut.
func (n *Net) MendAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.links {
		f.cut = false
	}
}

// Lose loses the next packets from one node to another.
func (n *Net) Lose(from, to cluster.NodeID, packets int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault(from, to).lose = packets
}

// Delay makes packets from one node to another take as long from now on.
func (n *Net) Delay(from, to cluster.NodeID, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault(from, to).delay = d
}

func (n *Net) each(node cluster.NodeID, do func(a, b cluster.NodeID)) {
	n.mu.Lock()
	var others []cluster.NodeID
	for id := range n.buses {
		if id != node {
			others = append(others, id)
		}
	}
	n.mu.Unlock()
	for _, id := range others {
		do(node, id)
	}
}

func (n *Net) both(a, b cluster.NodeID, do func(*fault)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do(n.fault(a, b))
	do(n.fault(b, a))
}

// fault returns what is wrong with a link. n.mu is held.
func (n *Net) fault(from, to cluster.NodeID) *fault {
	l := link{from, to}
	if n.links[l] == nil {
		n.links[l] = new(fault)
	}
	return n.links[l]
}

// isCut reports whether what is on its way is lost.
func (n *Net) isCut(from, to cluster.NodeID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fault(from, to).cut
}

// send puts a packet on its way.
func (n *Net) send(from, to cluster.NodeID, packet []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.fault(from, to)
	switch b := n.buses[to]; {
	case b == nil && n.tells && n.buses[from] != nil:
		n.buses[from].put(parcel{from: to, due: time.Now()})
	case f.cut, b == nil:
	case f.lose > 0:
		f.lose--
	default:
		b.put(parcel{from, slices.Clone(packet), time.Now().Add(f.delay)})
	}
}

// Bus is one node's. The zero value is of no use; see [Net.Bus].
type Bus struct {
	net  *Net
	self cluster.NodeID
	recv cluster.Receiver
	done sync.WaitGroup

	mu     sync.Mutex // taken after that of the net
	more   sync.Cond
	queue  []parcel
	closed bool
	broken bool
}

// parcel is a packet on its way, or without one tells that its sender is not there.
type parcel struct {
	from   cluster.NodeID
	packet []byte
	due    time.Time
}

var (
	errClosed = errors.New("the bus is closed")
	errBroken = errors.New("the bus is broken")
)

// Start implements cluster.Bus.
func (b *Bus) Start(self cluster.NodeID, recv cluster.Receiver) error {
	b.self, b.recv = self, recv
	b.net.mu.Lock()
	b.net.buses[self] = b
	b.net.mu.Unlock()
	b.done.Go(b.deliver)
	return nil
}

// Broadcast implements cluster.Bus.
func (b *Bus) Broadcast(packet []byte) error {
	if err := b.state(); err != nil {
		return err
	}
	b.net.each(b.self, func(_, to cluster.NodeID) { b.net.send(b.self, to, packet) })
	return nil
}

// SendTo implements cluster.Bus.
func (b *Bus) SendTo(node cluster.NodeID, packet []byte) error {
	if err := b.state(); err != nil {
		return err
	}
	b.net.send(b.self, node, packet)
	return nil
}

// Miss tells the node that another is not there, which may be wrong.
func (b *Bus) Miss(node cluster.NodeID) { b.put(parcel{from: node, due: time.Now()}) }

// Break makes sending fail until Repair.
func (b *Bus) Break() { b.setBroken(true) }

// Repair ends what Break began.
func (b *Bus) Repair() { b.setBroken(false) }

// Close implements cluster.Bus.
func (b *Bus) Close() error {
	b.net.mu.Lock()
	delete(b.net.buses, b.self)
	b.net.mu.Unlock()
	b.mu.Lock()
	b.closed = true
	b.more.Signal()
	b.mu.Unlock()
	b.done.Wait()
	return nil
}

func (b *Bus) setBroken(broken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = broken
}

func (b *Bus) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return errClosed
	case b.broken:
		return errBroken
	}
	return nil
}

func (b *Bus) put(p parcel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, p)
	b.more.Signal()
}

// deliver hands over what arrives, in the order in which it was sent.
func (b *Bus) deliver() {
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.more.Wait()
		}
		if b.closed {
			b.mu.Unlock()
			return
		}
		p := b.queue[0]
		b.queue = b.queue[1:]
		b.mu.Unlock()
		if wait := time.Until(p.due); wait > 0 {
			<-time.After(wait)
		}
		switch {
		case p.packet == nil:
			b.recv.Absent(p.from.Run())
		case !b.net.isCut(p.from, b.self):
			b.recv.Packet(p.packet)
			clear(p.packet) // whoever kept a packet that was lent finds out
		}
	}
}
