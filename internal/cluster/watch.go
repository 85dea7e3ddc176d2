package cluster

import "time"

// When a node is unheard of.
const (
	glance    = 500 * time.Millisecond // how often this node looks
	silent    = 10 * time.Second
	givenUp   = 50 * time.Second
	tolerance = time.Second // a look that is later means that this node itself stood still
)

// watch sees that time takes its effect on the other nodes.
func (c *Cluster) watch() {
	for {
		c.looks.set(c.cfg.Clock.Until(glance))
		select {
		case <-c.done:
			return
		case <-c.looks.rung:
			c.look()
		}
	}
}

func (c *Cluster) look() {
	c.turn.Lock()
	defer c.turn.Unlock()
	now := c.cfg.Clock.Elapsed()
	if still := now - c.looked - glance; still > tolerance {
		c.excuse(still, now)
	}
	c.looked = now
	for _, p := range c.peers.all() {
		switch quiet := p.quiet(now); {
		case p.alive() && quiet > silent:
			c.silence(p, "nothing was heard of it")
		case p.alive():
			c.begin(p)
		case quiet > givenUp:
			c.peers.remove(p)
			c.cfg.Log.Info("a node is gone", "node", p.id)
			c.cfg.Member.Gone(p.id)
		}
	}
}

// excuse overlooks the time in which this node stood still: in it nobody could be heard.
func (c *Cluster) excuse(still, now time.Duration) {
	for _, p := range c.peers.all() {
		heard := time.Duration(p.heard.Load())
		p.heard.Store(int64(min(heard+still, now)))
	}
}

// hear notes that a node spoke.
func (c *Cluster) hear(p *peer) {
	p.heard.Store(int64(c.cfg.Clock.Elapsed()))
	if p.is(Silent) {
		c.cfg.Log.Info("a node is there again", "node", p.id)
		p.setState(Alive)
		c.begin(p)
		c.owe(p, account)
	}
}

// begin begins a run of the stream to a node, if one is needed.
func (c *Cluster) begin(p *peer) {
	if !p.alive() || c.phase.Load() == int32(leaving) {
		return
	}
	run := c.runs.Add(1)
	why, ok := p.out.begin(run, c.cfg.Clock.Elapsed())
	if !ok {
		return
	}
	c.asks.fail(p.id) // of the run before
	c.counts.snapshots.Add(1)
	c.cfg.Log.Info("sends everything to a node", "node", p.id, "why", why)
	c.work.Go(func() { c.snapshot(p, run) })
}

// snapshot sends everything that the member says, no faster than the other node reads.
func (c *Cluster) snapshot(p *peer, run uint64) {
	add := func(m message) {
		if !c.fits(m) {
			return
		}
		h := Later
		if p.out.addTo(run, m) || m.kind == endMessage {
			h = Soon
		}
		c.pace.hurry(h)
	}
	for shard := range c.cfg.Member.Shards() {
		if !p.out.room(run) {
			return
		}
		c.cfg.Member.Snapshot(shard, func(msg []byte) { add(message{kind: dataMessage, body: msg}) })
	}
	add(message{kind: endMessage})
}

// silence takes a node for one that may not come back.
func (c *Cluster) silence(p *peer, why string) {
	c.cfg.Log.Warn("a node is silent", "node", p.id, "why", why)
	p.setState(Silent)
	c.abandon(p, "the node was silent")
	c.cfg.Member.Silent(p.id)
}

// absent hears from the bus that a node is not there, such as one that was killed: nobody waits until it
// has been silent for long. If it is heard of again, it is one that was cut off.
func (c *Cluster) absent(run string) {
	c.turn.Lock()
	defer c.turn.Unlock()
	for _, p := range c.peers.all() {
		if p.id.Run() == run && p.alive() {
			c.silence(p, "the bus does not reach it")
		}
	}
}

// left takes a node's goodbye.
func (c *Cluster) left(p *peer) {
	c.cfg.Log.Info("a node left", "node", p.id)
	p.setState(Left)
	c.abandon(p, "the node left")
	c.cfg.Member.Silent(p.id)
}

// abandon ends the streams to and from a node.
func (c *Cluster) abandon(p *peer, why string) {
	p.out.close(why)
	p.in.miss()
	c.asks.fail(p.id)
}
