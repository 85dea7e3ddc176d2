package cluster

import (
	"encoding/json"
	"time"
)

// A node is heard of every pulse, at the same time as others whose clocks are right, and more often while
// it starts.
const (
	pulse      = 2 * time.Second
	firstPulse = 250 * time.Millisecond
)

// speak sends what is queued when its time has come, what nodes are owed, and heartbeats. Nobody else sends
// anything while it runs, since a bus may make whoever sends wait.
func (c *Cluster) speak() {
	c.beats.ring()
	for {
		select {
		case <-c.done:
			return
		case <-c.pace.rung:
			c.flush()
		case <-c.debts.rung:
			for _, p := range c.peers.all() {
				c.pay(p)
			}
		case <-c.beats.rung:
			c.beat()
			next := pulse
			if c.phase.Load() == int32(joining) {
				next = firstPulse
			}
			c.beats.set(c.cfg.Clock.Until(next))
		}
	}
}

// flush sends what is queued, and then how the streams stand to who asked: whoever has settled also
// knows what was said here before his last message was read.
func (c *Cluster) flush() {
	c.pace.sending()
	for _, p := range c.peers.all() {
		c.pay(p)
		for {
			batch, run := p.out.take()
			if batch == nil {
				break
			}
			err := c.cfg.Bus.SendTo(p.id, batch)
			p.out.took(batch, run, err == nil)
			if err != nil {
				c.cfg.Log.Debug("the bus did not take a batch", "node", p.id, "err", err)
				c.pace.hurry(Later)
				break
			}
			c.counts.sent(len(batch))
		}
		if p.asks.Swap(false) {
			c.tell(p, 0)
		}
	}
}

// owe has speak send something to a node at once, and does not wait for it.
func (c *Cluster) owe(p *peer, what debt) {
	p.owed.Or(what)
	c.debts.ring()
}

// pay sends a node what it is owed.
func (c *Cluster) pay(p *peer) {
	owed := p.owed.Swap(0)
	if owed&introduction != 0 {
		if err := c.cfg.Bus.SendTo(p.id, c.beatPacket(nil)); err != nil {
			c.cfg.Log.Debug("the bus did not take a heartbeat", "node", p.id, "err", err)
		}
	}
	switch {
	case owed&inquiry != 0:
		c.tell(p, please)
	case owed&account != 0:
		c.tell(p, 0)
	}
}

// beat tells all nodes that this one is there, how it is, and how the streams stand.
func (c *Cluster) beat() {
	if err := c.cfg.Bus.Broadcast(c.beatPacket(c.peers.all())); err != nil {
		c.cfg.Log.Debug("the bus did not take a heartbeat", "err", err)
	}
}

func (c *Cluster) beatPacket(to []*peer) []byte {
	body, err := json.Marshal(beat{c.status(), phase(c.phase.Load())})
	if err != nil {
		panic(err) // it has no fields for which that could be
	}
	all := make(streams)
	for _, p := range to {
		if p.alive() {
			all[p.id.Run()] = p.standing()
		}
	}
	return all.append(header(beatPacket, c.self), body)
}

// tell tells a node how the streams between it and this one stand.
func (c *Cluster) tell(p *peer, flags uint64) {
	s := p.standing()
	s.flags |= flags
	if err := c.cfg.Bus.SendTo(p.id, s.append(header(standingPacket, c.self))); err != nil {
		c.cfg.Log.Debug("the bus did not take a packet", "node", p.id, "err", err)
	}
}
