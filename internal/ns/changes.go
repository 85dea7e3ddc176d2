package ns

import (
	"context"
	"sync"

	"monarch/internal/im"
)

// changes has one change of somebody's lists at a time, from the database to his session, whether
// his client asked for it or he did at the website. So what a session knows has the order of what
// the database knows, and nothing changes while it reads its lists.
type changes struct {
	mu       sync.Mutex // leaf
	underway map[im.UserID]*change
}

// change is the turn at somebody's lists.
type change struct {
	turn   chan struct{} // holds an element while there is a change
	wanted int           // how many have it or wait for it
}

// begin waits for the turn at somebody's lists, which ends with end.
func (c *changes) begin(ctx context.Context, owner im.UserID) (end func(), err error) {
	c.mu.Lock()
	one := c.underway[owner]
	if one == nil {
		one = &change{turn: make(chan struct{}, 1)}
		c.underway[owner] = one
	}
	one.wanted++
	c.mu.Unlock()
	select {
	case one.turn <- struct{}{}:
		return func() {
			<-one.turn
			c.leave(owner, one)
		}, nil
	case <-ctx.Done():
		c.leave(owner, one)
		return nil, ctx.Err()
	}
}

// leave forgets the turn when nobody has it or waits for it.
func (c *changes) leave(owner im.UserID, one *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.wanted--; one.wanted == 0 {
		delete(c.underway, owner)
	}
}
