package hub

import (
	"time"

	"monarch/internal/cluster"
	"monarch/internal/im"
	"monarch/msnp"
)

// Shards returns how many parts a snapshot has: a stripe each.
func (p *peers) Shards() int { return stripes }

// Snapshot says who of a stripe is signed in here, and which boards here are whose.
func (p *peers) Snapshot(shard int, send func([]byte)) {
	st := &p.hub.stripes[shard]
	st.mu.RLock()
	defer st.mu.RUnlock()
	for e := range p.hub.every(shard, stripes) {
		m := e.signedIn()
		m.Noted = true
		send(encode(message{SignedIn: m}))
	}
	for id, f := range st.far {
		if f.boards > 0 {
			send(encode(message{Boards: &boards{id, f.number, int(f.boards)}}))
		}
	}
}

// Begin begins a snapshot of a node.
func (p *peers) Begin(from cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(from)
	n.silent.Store(false)
	p.each(n, func(_ *stripe, f *far) { f.noted = false })
}

// End ends it: whoever was not in it has left.
func (p *peers) End(from cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(from)
	p.leave(n, func(f *far) bool { return !f.noted && !f.left })
	if n.whole {
		for _, fn := range p.hub.lapsed {
			fn()
		}
	}
	n.whole = true
}

// Silent keeps the people of a node, who may come back elsewhere, but does not call them.
func (p *peers) Silent(id cluster.NodeID) { p.node(id).silent.Store(true) }

// Gone gives up the people of a node.
func (p *peers) Gone(id cluster.NodeID) {
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(id)
	p.leave(n, func(*far) bool { return true })
	p.mu.Lock()
	delete(p.nodes, id)
	p.mu.Unlock()
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		for _, counts := range st.boards {
			delete(counts, n)
		}
		st.mu.Unlock()
	}
}

// each calls fn with everybody of a node, whose stripe is locked.
func (p *peers) each(n *node, fn func(*stripe, *far)) {
	for i := range p.hub.stripes {
		st := &p.hub.stripes[i]
		st.mu.Lock()
		for _, f := range st.far {
			if f.node == n {
				fn(st, f)
			}
		}
		st.mu.Unlock()
	}
}

// leave takes out some people of a node.
func (p *peers) leave(n *node, who func(*far) bool) {
	var out []*far
	p.each(n, func(st *stripe, f *far) {
		if who(f) {
			p.hub.removeFar(st, f)
			out = append(out, f)
		}
	})
	for _, f := range out {
		p.hub.end(im.UserID(f.user), f.number, Left)
		p.miss(known{f.person(), f.presence()})
	}
}

// lose remembers somebody whom his node has let go of, for as long as he may come back
// elsewhere. His stripe is locked.
func (p *peers) lose(f *far) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, lost{im.UserID(f.user), f.number, p.hub.clock.Elapsed()})
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
		f := st.far[l.user]
		out := f != nil && f.number == l.number && f.left
		if out {
			p.hub.removeFar(st, f)
		}
		st.mu.Unlock()
		if out {
			p.miss(known{f.person(), f.presence()})
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

// known is what people knew of somebody.
type known struct {
	im.Person
	im.Presence
}

// miss notes that people here were not told how somebody changed since they knew him as this.
// p.turn is held.
func (p *peers) miss(k known) {
	if _, ok := p.missed[k.ID]; ok {
		return // from further back
	}
	p.missed[k.ID] = k
	if len(p.missed) == 1 {
		p.hub.clock.Set(&p.collect, collectTime, p.lookAgain)
	}
}

// lookAgain has everybody here look at those of whom they were not told.
func (p *peers) lookAgain() {
	p.turn.Lock()
	defer p.turn.Unlock()
	people := make(map[im.UserID]*PresenceChanged, len(p.missed))
	for id, k := range p.missed {
		if e := p.hub.present(id); e != nil {
			p.lookAt(e, k)
			continue
		}
		ev := &PresenceChanged{Who: k.Person, Before: k.Presence, Now: im.Presence{Status: msnp.Offline}}
		if f, ok := p.hub.away(id); ok {
			ev.Who, ev.Now, ev.Renamed = f.person(), f.presence(), f.name != k.Name
		}
		people[id] = ev
	}
	clear(p.missed)
	for _, e := range p.hub.all() {
		e.session.Deliver(Missed{people})
	}
}

// lookAt does the same with somebody who is here by now, if he has come on line.
func (p *peers) lookAt(e *Entry, k known) {
	t := e.lock()
	defer t.mu.Unlock()
	if t.spoke != e.number {
		return
	}
	ev := &PresenceChanged{Who: im.Person{ID: e.User(), Handle: e.handle, Name: t.name}, Before: k.Presence, Now: t.presence(), Renamed: t.name != k.Name}
	for _, each := range p.hub.all() {
		each.session.Deliver(Missed{map[im.UserID]*PresenceChanged{ev.Who.ID: ev}})
	}
}
