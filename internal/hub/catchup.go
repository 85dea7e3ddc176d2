package hub

import (
	"context"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/im"
)

// This file is about other nodes that do not know who is signed in here, because they were started,
// or cut off, or lost something. They send what is for these people to where they were before, or
// nowhere; so when they know, whoever was concerned looks again.

// settle waits until nothing is left of the sign-in before, where that was elsewhere, and every node
// knows of this one. From then on the session is told what happens there, and what happened before
// is known here. Where a node does not answer, it is told later that it missed something. With their
// answers the nodes tell what the user owes there.
func (p *peers) settle(ctx context.Context, e *Entry) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	st := p.hub.stripe(e.User())
	st.mu.RLock()
	prior, displaces := st.prior[e.number]
	st.mu.RUnlock()
	if displaces && p.ask(ctx, prior.node, question{Ended: &signedOut{User: e.User(), Number: prior.number}}) {
		st.mu.Lock()
		delete(st.prior, e.number)
		st.mu.Unlock()
	}
	answers, err := p.cluster.AskAll(ctx, encode(question{Debts: e.User()}))
	for _, answer := range answers {
		if p.hub.debts.Take != nil && len(answer) > 1 { // else it is yes or no
			p.hub.debts.Take(e.User(), answer)
		}
	}
	if err != nil {
		p.mu.Lock()
		p.unsettled = append(p.unsettled, e.session)
		p.mu.Unlock()
		p.catchUpLater()
	}
}

// unheard reports whether the node may not know everybody who is here. p.turn is held.
func (n *node) unheard() bool { return n.caught != n.begun }

// catchUpTime is how long other nodes have before they are asked, and between two times.
const catchUpTime = 200 * time.Millisecond

func (p *peers) catchUpLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.catching {
		p.catching = true
		p.hub.clock.Set(&p.catch, catchUpTime, func() { p.errands.begin(p.catchUp) })
	}
}

// catchUp waits until all nodes that can be reached know who is here, and has people look again.
func (p *peers) catchUp(ctx context.Context) {
	begun := p.begun()
	p.mu.Lock()
	unsettled, sought := p.unsettled, p.sought
	p.unsettled, p.sought = nil, nil
	p.mu.Unlock()
	known := p.isKnown(ctx)
	if known {
		p.caughtUp(begun, unsettled)
		p.askFor(sought)
	}
	p.mu.Lock()
	if !known {
		p.unsettled, p.sought = append(p.unsettled, unsettled...), append(p.sought, sought...)
	}
	p.catching = false
	again := len(p.unsettled)+len(p.sought) > 0
	p.mu.Unlock()
	for n := range p.begun() {
		again = again || begun[n] != n.begun || !known
	}
	if again {
		p.catchUpLater()
	}
}

// begun returns the nodes that may not know who is here, with their numbers.
func (p *peers) begun() map[*node]int {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	begun := make(map[*node]int)
	for _, n := range p.nodes {
		if n.unheard() {
			begun[n] = n.begun
		}
	}
	return begun
}

// CaughtUp reports whether all other nodes are known to know who is signed in here. Until then, people
// here may be told twice how somebody there is.
func (h *Hub) CaughtUp() bool { return h.peers == nil || len(h.peers.begun()) == 0 }

// isKnown reports whether all nodes that can be reached have answered that they know who is here.
func (p *peers) isKnown(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	// What is asked while everything is being said again may be answered before all of it is read; a
	// node that is not heard of at present is waited for by Ask alone.
	return p.askEach(ctx) && p.cluster.Settle(ctx) == nil && p.askEach(ctx)
}

func (p *peers) askEach(ctx context.Context) bool {
	for _, n := range p.cluster.Nodes() {
		if n.State != cluster.Alive && n.State != cluster.Joining {
			continue
		}
		if _, err := p.cluster.Ask(ctx, n.ID, encode(question{})); err != nil {
			return false
		}
	}
	return true
}

// caughtUp has those look again who may have missed something.
func (p *peers) caughtUp(begun map[*node]int, unsettled []Session) {
	lapse := Lapse{Presence: unsettled}
	p.turn.Lock()
	for n, number := range begun {
		n.caught = number
		if n.lapsed {
			n.lapsed, lapse.Changes = false, p.hub.Sessions()
		}
	}
	p.turn.Unlock()
	for _, fn := range p.hub.lapsed {
		fn(lapse)
	}
}

// miss notes that people here were not told how somebody changed since they knew him as this.
// p.turn is held.
func (p *peers) miss(k Known) {
	if _, ok := p.missed[k.Who.ID]; ok {
		return // from further back
	}
	p.missed[k.Who.ID] = k
	p.lookSoon()
}

// lookSoon has everybody here look, with more of whom they are to, when the first is noted. p.turn is held.
func (p *peers) lookSoon() {
	if len(p.missed)+len(p.doubted) == 1 {
		p.hub.clock.Set(&p.collect, collectTime, p.lookAgain)
	}
}

// lookAgain has everybody here look at those of whom they were not told, and at those doubted who have
// still not come on line.
func (p *peers) lookAgain() {
	p.turn.Lock()
	defer p.turn.Unlock()
	for _, k := range p.doubted {
		if l, _ := p.hub.ByID(k.Who.ID); l.Presence == (im.Presence{}) {
			p.miss(k)
		}
	}
	ev := Missed{p.missed}
	p.missed, p.doubted = make(map[im.UserID]Known), nil
	if len(ev.People) > 0 {
		p.hub.DeliverAll(ev)
	}
}
