package cluster

import (
	"context"
	"fmt"
	"time"
)

// How long a node that starts waits for others.
const (
	listening = time.Second      // for all that are there to be heard of
	patience  = 10 * time.Second // for their snapshots
)

// Start joins: it makes this node known and returns when all that answered have sent a
// snapshot, or after some seconds. It fails with [ErrNameTaken] when a node of this name is
// running. The member's methods are called from the beginning of Start on.
func (c *Cluster) Start(ctx context.Context) error {
	c.looked = c.cfg.Clock.Elapsed()
	if err := c.cfg.Bus.Start(c.self, Receiver{Packet: c.receive, Absent: c.absent}); err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	c.work.Go(c.speak)
	c.work.Go(c.watch)
	if err := c.join(ctx); err != nil {
		c.stop()
		return err
	}
	c.phase.Store(int32(serving))
	c.beats.ring()
	c.cfg.Log.Info("joined the cluster", "node", c.self, "others", len(c.peers.all()))
	return nil
}

// join waits for the others.
func (c *Cluster) join(ctx context.Context) error {
	start := c.cfg.Clock.Elapsed()
	for {
		missing, err := c.missing()
		if err != nil {
			return err
		}
		waited := c.cfg.Clock.Elapsed() - start
		if waited >= listening && missing == nil {
			return nil
		}
		if waited >= patience {
			c.cfg.Log.Warn("begins without having heard everything of some nodes", "nodes", missing)
			return nil
		}
		if err := c.wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// missing returns the nodes whose snapshot is not complete.
func (c *Cluster) missing() ([]NodeID, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.twin != "" {
		return nil, fmt.Errorf("%w: %s", ErrNameTaken, c.twin)
	}
	var nodes []NodeID
	for _, p := range c.peers.all() {
		if p.alive() && !p.in.isWhole() {
			nodes = append(nodes, p.id)
		}
	}
	return nodes, nil
}

// Leave waits until the others have what was sent, or ctx is over, says goodbye and closes the
// bus. What is sent afterwards is dropped.
func (c *Cluster) Leave(ctx context.Context) {
	if c.phase.Load() != int32(serving) {
		return // Start failed and left, or it was never called
	}
	if err := c.Settle(ctx); err != nil {
		c.cfg.Log.Warn("leaves the cluster while others have not heard everything", "err", err)
	}
	c.stop()
}

// stop says goodbye and ends everything.
func (c *Cluster) stop() {
	c.turn.Lock()
	c.phase.Store(int32(leaving)) // no run begins any more
	c.turn.Unlock()
	close(c.done)
	for _, p := range c.peers.all() {
		c.abandon(p, "this node left")
	}
	c.work.Wait()
	c.beat()
	if err := c.cfg.Bus.Close(); err != nil {
		c.cfg.Log.Warn("the bus did not close well", "err", err)
	}
	for _, a := range []*alarm{&c.pace.alarm, &c.beats, &c.looks, &c.debts} {
		a.stop()
	}
}
