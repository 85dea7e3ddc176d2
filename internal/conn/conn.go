// Package conn is the connection engine: it accepts, reads, cuts the stream into frames,
// queues and flushes output, and keeps deadlines. What frames mean, and who may connect,
// is left to the handlers.
//
// Two engines do this, and nothing outside this package can tell which. The portable one
// drives any net.Conn with one goroutine for reading and, only while there is output, one for
// writing. The epoll one drives TCP on Linux with one goroutine per core for everybody, and an
// idle connection costs it nothing but the memory of its [Conn].
package conn

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Handler is what a server does with one connection. The engine calls its methods one at a
// time; they must not block.
type Handler interface {
	// Frame handles one command. Its memory is the engine's again on return.
	Frame(f msnp.Frame)
	// Closed is called exactly once, last.
	Closed(why Reason)
}

// Conn is one connection. Its exported methods may be called from any goroutine, also under
// a lock, except where they say otherwise.
type Conn struct {
	engine *Engine
	role   *Role
	link   link

	// Touched only by the handler, and by whoever runs it.
	handler Handler
	grammar *msnp.Grammar
	slow    func(context.Context) // what the handler gave to Go
	pause   pause                 // what the handler gave to Pause, or the meter asks for
	meter   clock.Meter           // of the bytes that the peer has sent

	id       uint32
	deadline clock.Timer  // guarded by the engine's clock
	whole    clock.Timer  // the same, of a frame that has begun
	finished atomic.Int32 // the Reason once closing, 0 before

	mu       sync.Mutex // leaf but for the poller's and the clock's
	out      *buffer    // output that nobody writes yet; nil when there is none
	held     int32      // bytes that a writer of the link has taken
	takenIn  int32      // bytes of what strangers may take; 0 once signed in
	takenOut int32
	standing Standing
	moving   bool // the link sees to it that out is written

	begun bool // a frame has, and its time runs; touched only by whoever runs the handler
}

// link is what the engines do in different ways for a connection.
type link interface {
	flush()   // out has become more than nothing
	press()   // out has become large
	finish()  // the reason to close is known; Conn.mu is held
	cut()     // nothing is flushed any more
	welcome() // somebody has signed in
	retire()  // it is over: the door is to be told, now or later
	peer() netip.AddrPort
}

// ID numbers the connections of an engine, for logs. After four billion it begins anew.
func (c *Conn) ID() uint64 { return uint64(c.id) }

// Peer returns the address of the other side; it is zero for connections without one.
func (c *Conn) Peer() netip.AddrPort { return c.link.peer() }

// SetGrammar changes how the frames after the present one are read. Only the handler may
// call it.
func (c *Conn) SetGrammar(g *msnp.Grammar) { c.grammar = g }

// Go makes fn, which may wait, run after the present call of the handler: nothing more is
// read before it has returned. A frame that fn needs must be cloned. Only the handler may call
// it, once per frame.
//
// The context ends when the engine can wait no longer for its shutdown.
func (c *Conn) Go(fn func(context.Context)) { c.slow = fn }

// Pause makes the engine leave the connection unread for d, or for longer if the peer has sent
// too much. Only the handler may call it.
func (c *Conn) Pause(d time.Duration) { c.pause = max(c.pause, pauseOf(d)) }

// pause is a time in microseconds, so that it takes four bytes. It is an hour at most.
type pause uint32

func pauseOf(d time.Duration) pause {
	return pause(min(max(d+time.Microsecond-1, 0)/time.Microsecond, 3600e6))
}

func (p pause) duration() time.Duration { return time.Duration(p) * time.Microsecond }

// Expect closes the connection with [Timeout] unless it is called again within d, whatever
// arrives meanwhile. Zero takes the deadline away.
func (c *Conn) Expect(d time.Duration) {
	if d <= 0 || c.closing() {
		c.engine.clock.Stop(&c.deadline)
		return
	}
	c.engine.clock.Wake((*overdue)(c), expected, d)
}

// overdue is a connection as its deadlines know it.
type overdue Conn

// The deadlines of a connection.
const (
	expected  = iota // what [Conn.Expect] says
	beginning        // until a frame that has begun is whole
)

// Timer returns one of them.
func (o *overdue) Timer(n int) *clock.Timer {
	if n == beginning {
		return &o.whole
	}
	return &o.deadline
}

// Wake closes the connection.
func (o *overdue) Wake(int) { (*Conn)(o).Close(Timeout) }

// begin limits the time in which the frame that has begun must become whole. What comes of it
// meanwhile wins none.
func (c *Conn) begin() {
	if d := c.engine.limits.Load().Frame; !c.begun && d > 0 {
		c.begun = true
		c.engine.clock.Wake((*overdue)(c), beginning, d)
	}
}

// excuse ends that: the frame is whole, or it is not the peer who keeps it from becoming so.
func (c *Conn) excuse() {
	if c.begun {
		c.begun = false
		c.engine.clock.Stop(&c.whole)
	}
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
	if c.owed()+size > c.most() {
		c.mu.Unlock()
		c.Close(Slow)
		return false
	}
	if size == 0 {
		c.mu.Unlock()
		return true
	}
	c.out = withRoom(c.out, size)
	if !c.hold(&c.takenOut, int(c.held)+c.out.size()) {
		c.mu.Unlock()
		c.Close(Flood)
		return false
	}
	for _, p := range b {
		c.out.b = append(c.out.b, p...)
	}
	first := !c.moving
	c.moving = true
	much := c.owed() > min(enough, c.engine.limits.Load().QueueBytes/4)
	c.mu.Unlock()
	switch {
	case first:
		c.link.flush()
	case much:
		c.link.press()
	}
	return true
}

// enough is how many bytes are worth a write of their own before the batch is over.
const enough = 64 << 10

// owed returns how many bytes the peer has not taken. c.mu is held.
func (c *Conn) owed() int {
	if c.out == nil {
		return int(c.held)
	}
	return int(c.held) + len(c.out.rest())
}

// Close ends the connection: what is queued is flushed, and the handler is told why. The
// first call decides the reason. After [Slow] and [Broken] nothing is flushed.
func (c *Conn) Close(why Reason) {
	c.mu.Lock()
	first := c.finished.CompareAndSwap(0, int32(why))
	if first {
		c.link.finish()
	}
	c.mu.Unlock()
	if first && !why.flushes() {
		c.link.cut()
	}
}

func (c *Conn) closing() bool { return c.finished.Load() != 0 }

func (c *Conn) reason() Reason { return Reason(c.finished.Load()) }

// next hands the frame at the beginning of b to the handler and returns how many bytes it
// took: none when there is no whole frame, or when the connection is closing.
func (c *Conn) next(b []byte, scratch [][]byte) int {
	if c.closing() {
		return 0
	}
	f, n, err := c.grammar.Next(b, scratch)
	if err != nil {
		c.Close(Malformed)
		return 0
	}
	if n == 0 {
		c.begin()
		return 0
	}
	c.excuse()
	switch f.Verb {
	case "":
	case "PROXY", "\x00": // how the two forms of that header read
		c.Close(ProxyHeader)
	default:
		c.frame(f)
	}
	c.sent(n)
	return n
}

// sent notes how many bytes were handled, and has the peer wait when there were too many.
func (c *Conn) sent(n int) {
	rate := c.engine.bytes.Load()
	if rate.Burst == 0 || n == 0 {
		return
	}
	if wait := rate.Spend(&c.meter, c.engine.clock.Elapsed(), n); wait > 0 {
		c.engine.metrics.Limited(metrics.Bytes)
		c.Pause(wait)
	}
}

func (c *Conn) frame(f msnp.Frame) {
	defer c.recovered()
	c.handler.Frame(f)
}

// guard runs fn and turns a panic into the end of this one connection.
func (c *Conn) guard(fn func()) {
	defer c.recovered()
	fn()
}

// recovered is for defer.
func (c *Conn) recovered() {
	if what := recover(); what != nil {
		c.engine.panicked(c, what)
		c.Close(Panicked)
	}
}
