package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"

	"monarch/internal/clock"
)

const (
	inputBytes  = 4 << 10  // of what a browser has sent and the engine not yet read
	outputBytes = 16 << 10 // of a message to a browser
)

// socket is a WebSocket as the engine sees it. A goroutine of its own reads from the browser, so
// that pings are answered and the end is noticed while the engine does something else, and so
// that the engine's deadlines for reading end nothing but a read.
type socket struct {
	home  *sockets        // immutable
	who   caller          // immutable
	ws    *websocket.Conn // fixed once the engine has the socket
	local net.Addr        // the same
	over  chan struct{}   // closed by Close
	timer clock.Timer     // of the next ping; guarded by the clock

	mu      sync.Mutex // leaf but for the clock's
	changed sync.Cond  // on mu: anything below
	wire    *metered   // under the WebSocket; nil until there is one, and then fixed
	in      []byte     // what pump has read and the engine has not; pump's memory
	err     error      // why there will be no more
	gone    bool       // the browser is not wanted any more
	closed  bool       // by the engine
	readBy  time.Time  // deadlines of the engine; zero for none
	writeBy time.Time
	writing *time.Timer // ends the write under way when its deadline comes; nil without one
	cancel  func()      // ends it now
}

// Read implements net.Conn.
func (c *socket) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) == 0 && c.err == nil && !c.closed && !clock.Passed(c.readBy) {
		clock.Await(&c.changed, c.readBy)
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case clock.Passed(c.readBy):
		return 0, os.ErrDeadlineExceeded
	case len(c.in) == 0:
		return 0, c.err
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	c.changed.Broadcast()
	return n, nil
}

// pump reads from the browser until there is no more, and hands it to Read.
func (c *socket) pump() {
	err := c.receive()
	if websocket.CloseStatus(err) != -1 {
		err = io.EOF
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.changed.Broadcast()
}

// receive does it, and returns why there is no more.
func (c *socket) receive() error {
	buf := make([]byte, inputBytes)
	for {
		kind, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			return errNoBytes
		}
		for err == nil {
			var n int
			n, err = r.Read(buf)
			c.hand(buf[:n])
		}
		if err != io.EOF { //nolint:errorlint // that of a reader, never wrapped
			return err
		}
	}
}

// hand waits until the engine has read what the browser sent. After the end of the connection it
// is thrown away, for the browser may still have to hear of that.
func (c *socket) hand(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = b
	c.changed.Broadcast()
	for len(c.in) > 0 && !c.closed {
		c.changed.Wait()
	}
	c.in = nil
}

// Write implements net.Conn. It takes a stretch at a time and reports the deadline for the rest,
// which the engine gives a limit of its own: it is progress that counts.
func (c *socket) Write(b []byte) (int, error) {
	n := min(len(b), outputBytes)
	ctx, stop, err := c.beginWrite()
	if err != nil {
		return 0, err
	}
	defer stop()
	err = c.ws.Write(ctx, websocket.MessageBinary, b[:n])
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n < len(b):
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

// beginWrite returns a context that ends when the deadline for writing comes, wherever it is
// moved to meanwhile.
func (c *socket) beginWrite() (ctx context.Context, stop func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, nil, net.ErrClosed
	case clock.Passed(c.writeBy):
		return nil, nil, os.ErrDeadlineExceeded
	}
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(remaining(c.writeBy), cancel)
	c.writing, c.cancel = timer, cancel
	return ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		timer.Stop()
		cancel()
		c.writing, c.cancel = nil, nil
	}, nil
}

// Close implements net.Conn. The browser is told by a goroutine, which does not wait for its
// answer for ever. A write under way is broken off: the engine closes so only when nothing of it
// is wanted.
func (c *socket) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	close(c.over)
	if c.cancel != nil {
		c.cancel()
	}
	c.home.Clock.Stop(&c.timer)
	c.changed.Broadcast()
	go c.bury() // sockets.stop waits for it
	return nil
}

// bury ends the WebSocket and what is under it.
func (c *socket) bury() {
	defer c.home.leave(c)
	limit := time.AfterFunc(c.home.patience, func() { c.wire.Close() })
	defer limit.Stop()
	_ = c.ws.Close(websocket.StatusNormalClosure, "") // whoever has gone cannot be told
	c.wire.Close()
}

// hangUp ends the socket from the browser's side.
func (c *socket) hangUp() {
	c.mu.Lock()
	c.gone = true
	wire := c.wire
	c.mu.Unlock()
	if wire != nil {
		wire.Close()
	}
}

// beat sets the time for the next ping, which finds browsers that have vanished, and keeps
// machines between them and us from forgetting the connection. c.mu is held.
func (c *socket) beat() {
	c.home.Clock.Set(&c.timer, c.home.pulse, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			c.home.running.Go(c.ping)
		}
	})
}

// ping asks the browser for a sign of life, and ends the socket without one. While the engine
// writes, or keeps us from reading, it is the one to lose patience. A session of the website may
// also end by itself, or because its account has changed: then the socket does here at the latest.
func (c *socket) ping() {
	since := c.home.Clock.Elapsed()
	ctx, cancel := context.WithTimeout(context.Background(), c.home.patience)
	defer cancel()
	if c.home.still(ctx, c) == http.StatusUnauthorized {
		c.wire.Close()
		return
	}
	err := c.ws.Ping(ctx)
	silent := err != nil && ctx.Err() != nil && c.wire.heard.Load() < int64(since)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	silent = silent && len(c.in) == 0 && c.writing == nil
	c.beat()
	c.mu.Unlock()
	if silent {
		c.wire.Close()
	}
}

// LocalAddr implements net.Conn.
func (c *socket) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn. It is the browser's.
func (c *socket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.who.From) }

// SetDeadline implements net.Conn.
func (c *socket) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // neither fails
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *socket) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	c.changed.Broadcast()
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *socket) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeBy = t
	if c.writing != nil {
		c.writing.Reset(remaining(t))
	}
	return nil
}

// remaining returns how long it is until t; without a time it is for ever.
func remaining(t time.Time) time.Duration {
	const forever = 1 << 62
	if t.IsZero() {
		return forever
	}
	return max(time.Until(t), 0)
}

// errNoBytes ends a socket on which a browser has sent text.
var errNoBytes = errors.New("a message of text")
