package hub

import (
	"slices"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/im"
)

// Shards returns how many parts a snapshot has: a stripe each.
func (p *peers) Shards() int { return stripes }

// Snapshot says who of a stripe is signed in here, and which boards here are whose. The first also says
// whether the service is about to end.
func (p *peers) Snapshot(shard int, send func([]byte)) {
	if m, ok := p.hub.countsDown(); ok && shard == 0 {
		send(encode(message{CountingDown: &m}))
	}
	st := &p.hub.stripes[shard]
	st.mu.RLock()
	defer st.mu.RUnlock()
	for e := range p.hub.every(im.UserID(shard), stripes) {
		send(encode(message{SignedIn: e.noted()}))
	}
	for id, r := range st.far.all() {
		if n := r.number(); st.counted[n] > 0 {
			send(encode(message{Boards: &boards{id, n, st.counted[n]}}))
		}
	}
}

// noted returns what a snapshot says of a sign-in.
func (e *Entry) noted() *signedIn {
	m := e.signedIn()
	m.Noted = true
	return m
}

// Begin begins a snapshot of a node.
func (p *peers) Begin(from cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(from)
	n.silent.Store(false)
	n.begun++
	// Before it serves it has nothing to tell to anybody. That it serves may not have been heard yet.
	n.lapsed = n.lapsed || n.begun > 1 || !p.isJoining(from)
	p.catchUpLater()
	for _, k := range n.partly { // the rest was lost
		p.miss(k)
	}
	n.partly = nil
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		for _, r := range st.far.of(n) {
			r.clear(notedBit)
		}
		st.mu.Unlock()
	}
	p.forgetBoards(n)
}

// End ends it: whoever was not in it has left.
func (p *peers) End(from cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(from)
	p.leave(n, func(r farRecord) bool { return !r.has(notedBit | leftBit) })
}

func (p *peers) isJoining(id cluster.NodeID) bool {
	return slices.ContainsFunc(p.cluster.Nodes(), func(n cluster.Node) bool { return n.ID == id && n.State == cluster.Joining })
}

// Silent keeps the people of a node, who may come back elsewhere, but does not call them.
func (p *peers) Silent(id cluster.NodeID) {
	n := p.node(id)
	n.silent.Store(true)
	p.endTurns(n)
}

// Gone gives up the people of a node.
func (p *peers) Gone(id cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(id)
	p.leave(n, func(farRecord) bool { return true })
	p.forgetBoards(n)
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		st.far.forget(n)
		st.mu.Unlock()
	}
	p.mu.Lock()
	delete(p.nodes, id)
	p.mu.Unlock()
}

// forgetBoards forgets how many switchboard connections there are at a node.
func (p *peers) forgetBoards(n *node) {
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		for _, counts := range st.boards {
			delete(counts, n)
		}
		st.mu.Unlock()
	}
}

// leave takes out some people of a node.
func (p *peers) leave(n *node, who func(farRecord) bool) {
	var out []far
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		begin := len(out)
		for id, r := range st.far.of(n) {
			if who(r) {
				f, _ := st.far.get(id)
				out = append(out, f)
			}
		}
		for _, f := range out[begin:] {
			p.hub.removeFar(st, f)
		}
		st.mu.Unlock()
	}
	users := make([]im.UserID, len(out))
	for i, f := range out {
		users[i] = f.user
		if !f.left { // else it was told when his node let go of him
			p.hub.end(users[i], f.number, Left)
		}
		p.miss(f.known())
	}
	p.seek(users...)
}

// seek asks all nodes, as soon as they answer, for people whose sign-in has ended without a word of
// its own. It may have displaced another, at a node that could not be told: only this one and some
// others could.
func (p *peers) seek(users ...im.UserID) {
	if len(users) == 0 {
		return
	}
	p.mu.Lock()
	p.sought = append(p.sought, users...)
	p.mu.Unlock()
	p.catchUpLater()
}

func (p *peers) askFor(users []im.UserID) {
	for some := range slices.Chunk(users, mostUsers) {
		p.all(message{Sought: some})
	}
}

// mostUsers is how many people there are in one message at most, so that it is not too long.
const mostUsers = 16 << 10

// found answers that.
func (p *peers) found(n *node, users []im.UserID) {
	for _, id := range users {
		st := p.hub.stripe(id)
		st.mu.RLock()
		if e := p.hub.present(id); e != nil {
			p.cluster.Send(n.id, encode(message{SignedIn: e.noted()}), cluster.Later)
		}
		st.mu.RUnlock()
	}
}

// lose remembers somebody whom his node has let go of, for as long as he may come back
// elsewhere. His stripe is locked.
func (p *peers) lose(w whereabouts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, lost{w.user, w.number, p.hub.clock.Elapsed()})
	if len(p.lost) == 1 {
		p.hub.clock.Set(&p.grace, graceTime, p.giveUp)
	}
}

// giveUp takes out those who did not come back in time.
func (p *peers) giveUp() {
	p.turn.Lock()
	defer p.turn.Unlock()
	for {
		l, wait, ok := p.longest()
		switch {
		case !ok:
			return
		case wait > 0:
			p.hub.clock.Set(&p.grace, wait, p.giveUp)
			return
		}
		st := p.hub.stripe(l.user)
		st.mu.Lock()
		f, ok := st.far.get(l.user)
		out := ok && f.number == l.number && f.left
		if out {
			p.hub.removeFar(st, f)
		}
		st.mu.Unlock()
		if out {
			p.miss(f.known())
			p.seek(l.user)
		}
	}
}

// longest returns who has been lost for longest, and takes him out if it is too long.
func (p *peers) longest() (l lost, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lost) == 0 {
		return lost{}, 0, false
	}
	l = p.lost[0]
	if wait = l.since + graceTime - p.hub.clock.Elapsed(); wait <= 0 {
		p.lost = p.lost[1:]
	}
	return l, wait, true
}
