package cluster

import (
	"slices"
	"sync/atomic"
	"time"
)

// peer is another node.
type peer struct {
	id  NodeID
	out *stream
	in  inbound

	asks atomic.Bool   // how the streams stand, which it is told after what is queued
	owed atomic.Uint32 // a debt, which speak pays

	// Changed with the cluster's turn only, and read without.
	state  atomic.Uint32 // a State
	status atomic.Pointer[Status]
	heard  atomic.Int64 // when it last spoke, of Clock.Elapsed
	ahead  atomic.Int64 // by how much its clock is ahead of ours
}

// debt is what a node is to be sent besides what is queued.
type debt = uint32

const (
	introduction debt = 1 << iota // so that it knows whose stream follows
	account                       // how the streams stand
	inquiry                       // the same, and that it is to tell it too
)

func (p *peer) setState(s State) { p.state.Store(uint32(s)) }

func (p *peer) is(states ...State) bool {
	return slices.Contains(states, State(p.state.Load()))
}

// alive reports whether there is a stream to and from it.
func (p *peer) alive() bool { return p.is(Alive, Joining) }

// standing returns what it is to be told of the streams to and from it.
func (p *peer) standing() standing {
	var s standing
	s.run, s.sent = p.out.standing()
	p.in.standing(&s)
	return s
}

// quiet returns for how long nothing was heard of it.
func (p *peer) quiet(now time.Duration) time.Duration {
	return now - time.Duration(p.heard.Load())
}

// peers are all other nodes that are known. The list is replaced as a whole, by whoever has the
// cluster's turn.
type peers struct {
	list atomic.Pointer[[]*peer]
}

func (ps *peers) all() []*peer {
	if l := ps.list.Load(); l != nil {
		return *l
	}
	return nil
}

func (ps *peers) find(id NodeID) *peer {
	for _, p := range ps.all() {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (ps *peers) add(p *peer) {
	list := append(slices.Clone(ps.all()), p)
	ps.list.Store(&list)
}

func (ps *peers) remove(p *peer) {
	list := slices.DeleteFunc(slices.Clone(ps.all()), func(q *peer) bool { return q == p })
	ps.list.Store(&list)
}
