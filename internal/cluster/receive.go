package cluster

import "time"

// receive takes a packet from the bus.
func (c *Cluster) receive(packet []byte) {
	kind, from, body, err := parseHeader(packet)
	if err != nil || from == c.self {
		return
	}
	c.counts.received.Add(1)
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.phase.Load() == int32(leaving) {
		return
	}
	p := c.peers.find(from)
	switch {
	case kind == beatPacket:
		c.receiveBeat(from, p, body)
	case p == nil || p.is(Left):
		// Who it is will be told by a heartbeat.
	case kind == batchPacket:
		c.hear(p)
		c.receiveBatch(p, body)
	case kind == standingPacket:
		c.hear(p)
		if s, err := parseStanding(body); err == nil {
			c.receiveStanding(p, s)
		}
	}
}

// receiveBeat takes a heartbeat. p is nil when it is the first.
func (c *Cluster) receiveBeat(from NodeID, p *peer, body cursor) {
	b, s, told, err := parseBeat(body, c.self.Run())
	if err != nil {
		c.cfg.Log.Warn("did not understand a heartbeat", "node", from, "err", err)
		return
	}
	if from.Name() == c.self.Name() {
		c.namesake(from, p, b.Phase)
	}
	switch {
	case p == nil && b.Phase != leaving:
		p = c.meet(from, b)
	case p == nil || p.is(Left):
		return
	}
	p.status.Store(&b.Status)
	if b.Clock != 0 {
		p.ahead.Store(int64(time.UnixMilli(b.Clock).Sub(c.cfg.Clock.Steady())))
	}
	c.hear(p)
	if told {
		c.receiveStanding(p, s)
	}
	switch b.Phase {
	case leaving:
		c.left(p)
	case joining:
		p.setState(Joining)
	default:
		if p.is(Joining) {
			p.setState(Alive)
			c.supersede(p)
		}
	}
}

// meet takes up a node that is heard of for the first time.
func (c *Cluster) meet(id NodeID, b beat) *peer {
	p := &peer{id: id, out: newStream(c.self)}
	p.setState(Joining)
	p.status.Store(&b.Status)
	c.hear(p)
	c.peers.add(p)
	c.cfg.Log.Info("a node is there", "node", id, "release", b.Release)
	c.owe(p, introduction)
	c.begin(p)
	return p
}

// namesake hears of another node with the name of this one.
func (c *Cluster) namesake(id NodeID, p *peer, its phase) {
	switch ours := phase(c.phase.Load()); {
	case its == leaving:
	case ours == joining && (its != joining || id < c.self):
		c.twin = id
	case ours != joining && its != joining && (p == nil || p.is(Joining)):
		c.cfg.Log.Error("another node has the name of this one: give it another (cluster.node)", "node", id)
	}
}

// supersede makes older runs of a node that serves now silent, for they have ended without a
// word.
func (c *Cluster) supersede(p *peer) {
	for _, q := range c.peers.all() {
		if q != p && q.id.Name() == p.id.Name() && q.alive() {
			c.silence(q, "it was started again")
		}
	}
}

// receiveBatch takes messages.
func (c *Cluster) receiveBatch(p *peer, body cursor) {
	run, seq := body.uvarint(), body.uvarint()
	if body.bad {
		return
	}
	switch p.in.batch(run, seq) {
	case gap:
		c.gap(p)
	case read:
		for len(body.b) > 0 {
			m, err := body.message()
			if err != nil {
				c.cfg.Log.Warn("did not understand a batch", "node", p.id)
				p.in.miss()
				c.gap(p)
				return
			}
			c.deliver(p, m)
		}
		if p.in.due() {
			c.owe(p, account)
		}
	case skip:
	}
}

func (c *Cluster) deliver(p *peer, m message) {
	switch m.kind {
	case dataMessage:
		c.cfg.Member.Receive(p.id, m.body)
	case askMessage:
		c.asked(p.id, m)
	case answerMessage:
		c.asks.answered(p.id, m)
	case beginMessage:
		c.cfg.Member.Begin(p.id)
	case endMessage:
		c.cfg.Member.End(p.id)
		p.in.complete()
	}
}

// receiveStanding takes what a node tells of the streams.
func (c *Cluster) receiveStanding(p *peer, s standing) {
	p.out.ack(s.read, s.next)
	if s.flags&missed != 0 {
		p.out.fail(s.read, "the node missed something")
		c.begin(p)
	}
	if p.in.sent(s.run, s.sent) == gap {
		c.gap(p)
	}
	if s.flags&please != 0 {
		p.asks.Store(true)
		c.pace.hurry(Soon)
	}
}

// gap has a node begin its stream anew.
func (c *Cluster) gap(p *peer) {
	c.counts.gaps.Add(1)
	c.cfg.Log.Warn("missed something that a node said, and asks for everything", "node", p.id)
	c.asks.fail(p.id)
	c.owe(p, account)
}
