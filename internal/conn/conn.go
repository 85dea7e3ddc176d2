// Package conn is the connection engine: it accepts, reads, cuts the stream into frames,
// queues and flushes output, and keeps deadlines. What frames mean, and who may connect,
// is left to the handlers.
//
// The engine here is the portable one: it drives any net.Conn with one goroutine for
// reading and, only while there is output, one for writing. Nothing outside this package
// can tell.
package conn

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/msnp"
)

// Handler is what a server does with one connection. The engine calls its methods one at a
// time; they must not block.
type Handler interface {
	// Frame handles one command. Its memory is the engine's again on return, or when the
	// function given to [Conn.Go] during the call returns.
	Frame(f msnp.Frame)
	// Closed is called exactly once, last.
	Closed(why Reason)
}

// Conn is one connection. Its exported methods may be called from any goroutine, also under
// a lock, except where they say otherwise.
type Conn struct {
	engine *Engine
	nc     net.Conn
	id     uint64
	writer func() // c.write; starting this one costs no memory

	// Touched only by the goroutine that reads, and by the handler, which it runs.
	grammar *msnp.Grammar
	slow    func(context.Context) // what the handler gave to Go
	pause   time.Duration         // what the handler gave to Pause

	deadline clock.Timer  // guarded by the engine's clock
	finished atomic.Int32 // the Reason once closing, 0 before

	mu      sync.Mutex // leaf
	wake    sync.Cond  // on mu: the queue shrank, a pause ended, or the connection closes
	queue   []byte     // output no writer has taken yet
	pending int        // bytes a writer holds
	writing bool       // a writer runs
	resting bool       // a pause is on
}

// ID numbers the connections of an engine, for logs.
func (c *Conn) ID() uint64 { return c.id }

// Peer returns the address of the other side; it is zero for connections without one.
func (c *Conn) Peer() netip.AddrPort {
	if a, ok := c.nc.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// SetGrammar changes how the frames after the present one are read. Only the handler may
// call it.
func (c *Conn) SetGrammar(g *msnp.Grammar) { c.grammar = g }

// Go makes fn, which may wait, run after the present call of the handler: nothing more is
// read before it has returned. Only the handler may call it, once per frame.
//
// The context ends when the engine can wait no longer for its shutdown.
func (c *Conn) Go(fn func(context.Context)) { c.slow = fn }

// Pause makes the engine leave the connection unread for d. Only the handler may call it.
func (c *Conn) Pause(d time.Duration) { c.pause = d }

// Expect closes the connection with [Timeout] unless it is called again within d, whatever
// arrives meanwhile. Zero takes the deadline away.
func (c *Conn) Expect(d time.Duration) {
	if d <= 0 {
		c.engine.clock.Stop(&c.deadline)
		return
	}
	c.engine.clock.Set(&c.deadline, d, func() { c.Close(Timeout) })
}

// Send queues the slices for writing, as one piece and in the order of the calls. It never
// blocks and keeps none of the slices. It reports false when the peer will not get them:
// the connection is closing, or the queue would exceed its limit, which closes it with
// [Slow].
func (c *Conn) Send(b ...[]byte) bool {
	size := 0
	for _, p := range b {
		size += len(p)
	}
	c.mu.Lock()
	if c.closing() {
		c.mu.Unlock()
		return false
	}
	if len(c.queue)+c.pending+size > c.engine.limits.QueueBytes {
		c.mu.Unlock()
		c.Close(Slow)
		return false
	}
	c.queue = slices.Grow(c.queue, size)
	for _, p := range b {
		c.queue = append(c.queue, p...)
	}
	if !c.writing {
		c.writing = true
		go c.writer()
	}
	c.mu.Unlock()
	return true
}

// Close ends the connection: what is queued is flushed, and the handler is told why. The
// first call decides the reason. After [Slow] and [Broken] nothing is flushed.
func (c *Conn) Close(why Reason) {
	flush := why != Slow && why != Broken
	c.mu.Lock()
	first := c.finished.CompareAndSwap(0, int32(why))
	if first && flush { // a writer must not meet the deadline of an earlier write in between
		now := time.Now()
		c.nc.SetWriteDeadline(now.Add(c.engine.limits.CloseFlush))
		c.nc.SetReadDeadline(now)
	}
	c.wake.Broadcast()
	c.mu.Unlock()
	if first && !flush {
		c.nc.Close()
	}
}

func (c *Conn) closing() bool { return c.finished.Load() != 0 }

func (c *Conn) reason() Reason { return Reason(c.finished.Load()) }
