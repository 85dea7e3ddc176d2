package passport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/gate"
)

// How many bytes a session may hold. One request or one write of the engine may go beyond,
// so that neither is ever cut: libpurple forgets half a command at the end of an answer.
const (
	maxInward  = 64 << 10 // sent by the client, not yet read by the engine
	maxOutward = 64 << 10 // written by the engine, not yet asked for
)

// gatewayConn is the connection that the engine sees. What the client's requests bring can
// be read from it, and what is written to it waits for an answer to take it along.
type gatewayConn struct {
	remote, local net.Addr // immutable

	mu      sync.Mutex // leaf, also under that of the engine's queue
	changed sync.Cond  // on mu: anything below
	tab     *gate.Tab  // what a stranger has in in and out
	welcome bool       // somebody has signed in
	in, out []byte
	idle    bool      // the engine waits for input: it has done everything that was asked
	gone    bool      // the client has not been heard of for too long
	closed  bool      // by the engine
	crowd   int       // requests that wait for the one being answered
	leave   func()    // gives the place at the gate free, when the engine is done
	over    bool      // the session is forgotten
	readBy  time.Time // deadlines of the engine; zero for none
	writeBy time.Time
}

func newGatewayConn(client net.Conn, tab *gate.Tab) *gatewayConn {
	c := &gatewayConn{remote: client.RemoteAddr(), local: client.LocalAddr(), tab: tab}
	c.changed.L = &c.mu
	return c
}

// Read implements net.Conn.
func (c *gatewayConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) == 0 && !c.gone && !c.closed && !clock.Passed(c.readBy) {
		if !c.idle {
			c.idle = true
			c.changed.Broadcast()
		}
		clock.Await(&c.changed, c.readBy)
	}
	c.idle = false
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case clock.Passed(c.readBy):
		return 0, os.ErrDeadlineExceeded
	case len(c.in) == 0:
		return 0, io.EOF
	}
	n := copy(b, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	c.account(0)
	c.changed.Broadcast()
	return n, nil
}

// account notes what the session holds, with so many bytes more. It reports false if that is
// more than strangers may. c.mu is held.
func (c *gatewayConn) account(more int) bool { return c.tab.Set(len(c.in) + len(c.out) + more) }

// errStrangers ends a session before its sign-in.
var errStrangers = errors.New("strangers hold too much")

// Write implements net.Conn. It takes b whole or not at all. What is for a client that is
// gone is thrown away.
func (c *gatewayConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) >= maxOutward && !c.gone && !c.closed && !clock.Passed(c.writeBy) {
		clock.Await(&c.changed, c.writeBy)
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.gone:
		return len(b), nil
	case clock.Passed(c.writeBy):
		return 0, os.ErrDeadlineExceeded
	case !c.account(len(b)):
		return 0, errStrangers
	}
	c.out = append(c.out, b...)
	c.changed.Broadcast()
	return len(b), nil
}

// Close implements net.Conn. What was written can still be taken.
func (c *gatewayConn) Close() error {
	c.change(func() {
		c.closed, c.in = true, nil
		c.account(0)
	})
	return nil
}

// SignedIn is called by the engine when somebody has.
func (c *gatewayConn) SignedIn() {
	c.change(func() {
		c.welcome = true
		c.tab.Close()
	})
}

// Retire is called by the engine when it is done. The place at the gate is taken for as long as
// there is the session: its client may still fetch what was written.
func (c *gatewayConn) Retire(leave func()) {
	c.mu.Lock()
	over := c.over
	if !over {
		c.leave = leave
	}
	c.mu.Unlock()
	if over {
		leave()
	}
}

// forgotten is called, once, when there is no session any more.
func (c *gatewayConn) forgotten() {
	c.mu.Lock()
	leave := c.leave
	c.over, c.leave = true, nil
	c.mu.Unlock()
	if leave != nil {
		leave()
	}
}

// known reports whether somebody has signed in.
func (c *gatewayConn) known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.welcome
}

// hangUp ends the connection from the client's side.
func (c *gatewayConn) hangUp() {
	c.change(func() {
		c.gone, c.out = true, nil
		c.account(0)
	})
}

// LocalAddr implements net.Conn.
func (c *gatewayConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn. It is where the first request came from.
func (c *gatewayConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *gatewayConn) SetDeadline(t time.Time) error {
	c.change(func() { c.readBy, c.writeBy = t, t })
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *gatewayConn) SetReadDeadline(t time.Time) error {
	c.change(func() { c.readBy = t })
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *gatewayConn) SetWriteDeadline(t time.Time) error {
	c.change(func() { c.writeBy = t })
	return nil
}

// put hands the engine what a request brought. It reports false when there is no room for
// longest: the engine is kept from reading, which no client causes that waits for answers.
func (c *gatewayConn) put(ctx context.Context, b []byte) bool {
	defer context.AfterFunc(ctx, c.wake)()
	limit := time.Now().Add(longest)
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) >= maxInward && !c.closed && !c.gone {
		if clock.Passed(limit) || ctx.Err() != nil {
			return false
		}
		clock.Await(&c.changed, limit)
	}
	if !c.closed && !c.gone {
		if !c.account(len(b)) {
			return false
		}
		c.in = append(c.in, b...)
		c.idle = false
		c.changed.Broadcast()
	}
	return true
}

// take returns what there is for the client, after waiting as p says, and whether that is
// the last there will be.
func (c *gatewayConn) take(ctx context.Context, p patience) (out []byte, last bool) {
	defer context.AfterFunc(ctx, c.wake)()
	limit := time.Now().Add(p.limit)
	var settled time.Time
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.enough(p) && ctx.Err() == nil {
		end := limit
		switch {
		case p.any:
		case !c.idle:
			settled = time.Time{}
		case settled.IsZero():
			settled = time.Now().Add(settling)
			end = earlier(limit, settled)
		default:
			end = earlier(limit, settled)
		}
		if clock.Passed(end) {
			break
		}
		clock.Await(&c.changed, end)
	}
	out, c.out = c.out, nil
	c.account(0)
	c.changed.Broadcast()
	return out, c.closed || c.gone
}

// enough reports whether it is time to answer. c.mu is held.
func (c *gatewayConn) enough(p patience) bool {
	switch {
	case c.closed, c.gone, len(c.out) >= maxOutward:
		return true
	case p.any:
		return len(c.out) > 0 || c.crowd > 0
	}
	return len(c.out) > 0 && c.idle
}

// join says that one more request waits for its turn, for which a poll does not wait any
// longer; proceed says that one has come to it.
func (c *gatewayConn) join() { c.change(func() { c.crowd++ }) }

func (c *gatewayConn) proceed() { c.change(func() { c.crowd-- }) }

func (c *gatewayConn) change(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn()
	c.changed.Broadcast()
}

// wake makes everybody who waits look again.
func (c *gatewayConn) wake() { c.change(func() {}) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
