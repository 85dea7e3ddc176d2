package conn

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"monarch/internal/clock"
	"monarch/msnp"
)

// scratches holds room for the parameters of a frame, lent out while one is handled.
var scratches = sync.Pool{New: func() any { return new([msnp.MaxArgs][]byte) }}

const (
	smallBuffer = 2048    // what an idle connection keeps for reading and for writing
	lingerBytes = 1 << 20 // most that is thrown away while closing
)

// run is the life of a connection, on the goroutine that reads from it.
func (c *Conn) run(h Handler) {
	c.read(h)
	c.engine.clock.Stop(&c.deadline)
	c.guard(func() { h.Closed(c.reason()) })
	c.hangUp()
}

// read feeds the handler until the connection is closing.
func (c *Conn) read(h Handler) {
	buf := make([]byte, 0, smallBuffer)
	for c.ready() {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := c.nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used := c.frames(h, buf)
		buf = buf[:copy(buf, buf[used:])]
		if len(buf) == 0 && cap(buf) > smallBuffer {
			buf = make([]byte, 0, smallBuffer)
		}
		if err != nil {
			c.Close(failure(err))
		}
	}
}

// frames hands the frames at the beginning of buf to the handler, each with what it left
// to do, and returns how many bytes they took.
func (c *Conn) frames(h Handler, buf []byte) (used int) {
	scratch := scratches.Get().(*[msnp.MaxArgs][]byte)
	defer scratches.Put(scratch)
	for used < len(buf) && !c.closing() {
		f, n, err := c.grammar.Next(buf[used:], scratch[:0])
		if err != nil {
			c.Close(Malformed)
			return len(buf)
		}
		used += n
		if f.Verb == "" {
			return used
		}
		c.guard(func() { h.Frame(f) })
		c.afterwards()
	}
	return used
}

// afterwards does what the handler asked for during a frame.
func (c *Conn) afterwards() {
	if fn := c.slow; fn != nil {
		c.slow = nil
		c.engine.slots <- struct{}{}
		c.guard(func() { fn(c.engine.ctx) })
		<-c.engine.slots
	}
	if d := c.pause; d > 0 {
		c.pause = 0
		c.rest(d)
	}
}

// guard runs fn and turns a panic into the end of this one connection.
func (c *Conn) guard(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			c.engine.panicked(c, r)
			c.Close(Panicked)
		}
	}()
	fn()
}

// ready waits until the peer has read enough of what it was sent, and reports whether
// reading may go on.
func (c *Conn) ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue)+c.pending > c.engine.limits.QueueBytes/2 && !c.closing() {
		c.wake.Wait()
	}
	return !c.closing()
}

// rest waits for d or the end of the connection.
func (c *Conn) rest(d time.Duration) {
	var t clock.Timer
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting = true
	c.engine.clock.Set(&t, d, func() {
		c.mu.Lock()
		c.resting = false
		c.wake.Broadcast()
		c.mu.Unlock()
	})
	for c.resting && !c.closing() {
		c.wake.Wait()
	}
	c.engine.clock.Stop(&t)
}

// failure returns what an error of reading or writing says about the connection.
func failure(err error) Reason {
	switch {
	case errors.Is(err, io.EOF):
		return PeerClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return PeerReset
	}
	return Broken
}

// write empties the queue and ends. While it runs, c.writing is set and others only add to
// the queue.
func (c *Conn) write() {
	var out []byte
	for {
		c.mu.Lock()
		out, c.queue = c.queue, out[:0]
		c.pending = len(out)
		if c.pending == 0 {
			if cap(c.queue) > smallBuffer {
				c.queue = nil
			}
			c.writing = false
		}
		c.wake.Broadcast()
		c.mu.Unlock()
		if len(out) == 0 {
			return
		}
		if err := c.writeAll(out); err != nil {
			c.abandon(err)
			return
		}
	}
}

// writeAll writes b. Every stretch without progress has a stall limit of its own.
func (c *Conn) writeAll(b []byte) error {
	for len(b) > 0 {
		c.allowStall()
		n, err := c.nc.Write(b)
		b = b[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}

// allowStall gives the next write its limit. A closing connection has one already.
func (c *Conn) allowStall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing() {
		c.nc.SetWriteDeadline(time.Now().Add(c.engine.limits.QueueStall))
	}
}

// abandon ends the connection after a failed write.
func (c *Conn) abandon(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Close(Slow)
	} else {
		c.Close(failure(err))
	}
	c.nc.Close()
	c.mu.Lock()
	c.writing, c.queue, c.pending = false, nil, 0
	c.wake.Broadcast()
	c.mu.Unlock()
}

// hangUp closes the socket once everything is written. Input that was never read would turn
// the close into a reset, which could take the last lines with it: so the sending side goes
// first, and what still arrives is thrown away for a moment.
func (c *Conn) hangUp() {
	c.mu.Lock()
	for c.writing {
		c.wake.Wait()
	}
	c.mu.Unlock()
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && c.reason() != PeerClosed {
		c.nc.SetReadDeadline(time.Now().Add(c.engine.limits.Linger))
		_, _ = io.CopyN(io.Discard, c.nc, lingerBytes)
	}
	c.nc.Close()
}
