package hub

import (
	"context"
	"sync"
)

// errands are goroutines that wait for something because of other nodes. They end when the hub closes.
type errands struct {
	ctx    context.Context // of all; a field because it is the hub that ends it
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex // leaf
	closed bool
}

func (e *errands) init() { e.ctx, e.cancel = context.WithCancel(context.Background()) }

// begin runs fn on a goroutine, and reports false if it is too late for that.
func (e *errands) begin(fn func(ctx context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.work.Go(func() { fn(e.ctx) })
	}
	return !e.closed
}

// close breaks off those under way and waits until they have ended.
func (e *errands) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.work.Wait()
}
