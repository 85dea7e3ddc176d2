package passport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"monarch/internal/gate"
)

const (
	keptIdle  = time.Minute     // how long a connection that goes on may take to bring another request
	lingering = 2 * time.Second // for the peer to see the end of the answer
)

// About how many bytes a connection takes: the reader's buffer and a stack, and what TLS has.
// What is kept of a request is counted as it comes.
const (
	plainBytes  = 24 << 10
	secureBytes = 64 << 10
)

// endpoint accepts connections and lets a handler answer the one request of each. Only where
// the answer says so, another request may follow.
type endpoint struct {
	name    string // of the listener
	gate    *gate.Gate
	limits  *atomic.Pointer[Limits]
	log     *slog.Logger
	answer  handler
	panics  *atomic.Uint64
	quit    chan struct{}      // closed when nothing more is accepted
	ctx     context.Context    // of every handler
	cancel  context.CancelFunc // breaks them off
	running sync.WaitGroup     // listeners and connections

	mu      sync.Mutex // leaf
	stopped bool
	open    map[io.Closer]bool // listeners and connections; true: nothing is lost by closing
}

func newEndpoint(s *Server, name string, answer handler) *endpoint {
	e := &endpoint{
		name:   name,
		gate:   s.cfg.Gate,
		limits: &s.limits,
		log:    s.cfg.Log,
		answer: answer,
		panics: &s.Counts.Panics,
		quit:   make(chan struct{}),
		open:   make(map[io.Closer]bool),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// serve accepts on l until stop, with TLS unless t is nil.
func (e *endpoint) serve(l net.Listener, t *tls.Config) error {
	defer l.Close()
	if !e.enter(l) {
		return nil
	}
	defer e.leave(l)
	for {
		c, err := l.Accept()
		if err == nil {
			e.receive(c, t)
			continue
		}
		if err := e.acceptFailed(err); err != nil || e.quitting() {
			return err
		}
	}
}

// receive serves a connection that is let in.
func (e *endpoint) receive(c net.Conn, t *tls.Config) {
	size := plainBytes
	if t != nil {
		size = secureBytes
	}
	pass := e.gate.Admit(e.name, address(c), size)
	switch {
	case pass == nil:
		gate.Drop(c)
	case !e.enter(c):
		pass.Leave()
		c.Close()
	default:
		go e.attend(&visit{conn: c, stream: c, pass: pass}, t)
	}
}

// acceptFailed waits a moment when the system is short of something, and returns an error
// that will not pass.
func (e *endpoint) acceptFailed(err error) error {
	if e.quitting() {
		return nil
	}
	for _, passing := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
	} {
		if !errors.Is(err, passing) {
			continue
		}
		e.log.Warn("connection not accepted", "err", err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-e.quit:
		}
		return nil
	}
	return fmt.Errorf("accept: %w", err)
}

func (e *endpoint) quitting() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}

// visit is a connection being served.
type visit struct {
	conn   net.Conn
	stream net.Conn // runs over conn
	pass   *gate.Pass
}

// attend serves a connection from its first byte to its last.
func (e *endpoint) attend(v *visit, t *tls.Config) {
	c := v.conn
	defer func() {
		if fault := recover(); fault != nil {
			e.panics.Add(1)
			e.log.Error("handler panicked", "err", fault, "stack", string(debug.Stack()))
		}
		v.pass.Leave() // first, so that whoever sees the end finds the place free
		c.Close()
		e.leave(c)
	}()
	if t != nil {
		s := tls.Server(c, t)
		c.SetDeadline(time.Now().Add(e.limits.Load().Handshake))
		if err := s.HandshakeContext(e.ctx); err != nil {
			e.log.Debug("no TLS connection", "addr", c.RemoteAddr().String(), "err", err)
			return
		}
		v.stream = s
	}
	r := bufio.NewReaderSize(v.stream, maxHead)
	answer := e.exchange(v, r)
	for answer != nil && answer.keep && e.another(v, r) {
		answer = e.exchange(v, r)
	}
	if answer != nil && !answer.keep {
		linger(v.stream, c)
	}
}

// exchange reads a request and writes its answer, which it returns if that could be done.
func (e *endpoint) exchange(v *visit, r *bufio.Reader) *response {
	q, err := e.request(v, r)
	var answer *response
	var status refusal
	switch {
	case errors.As(err, &status):
		answer = refusalResponse(status)
	case err != nil:
		e.log.Debug("no request", "addr", v.conn.RemoteAddr().String(), "err", err)
		return nil
	case v.pass.Turned():
		answer = busyResponse()
	default:
		q.remote, q.conn = address(v.conn), v.conn
		answer = e.answer(e.ctx, q)
		answer.headOnly = q.method == "HEAD"
		answer.keep = answer.keep && q.persistent() && !e.quitting()
		v.pass.Add(-q.held)
		if answer.signedIn {
			v.pass.SignedIn()
		}
	}
	v.conn.SetDeadline(time.Now().Add(e.limits.Load().Answer))
	if _, err = v.stream.Write(answer.append(nil)); err != nil {
		return nil
	}
	return answer
}

// request reads a request. Its head and its body have a time each, however many bytes of them
// have come.
func (e *endpoint) request(v *visit, r *bufio.Reader) (*request, error) {
	v.conn.SetDeadline(time.Now().Add(e.limits.Load().Header))
	q, err := readHead(r, v.pass.Add)
	if err != nil {
		return nil, err
	}
	v.conn.SetDeadline(time.Now().Add(e.limits.Load().Body))
	return q, q.readBody(r, v.pass.Add)
}

// another waits for one more request and reports whether it begins. Meanwhile the endpoint
// may stop.
func (e *endpoint) another(v *visit, r *bufio.Reader) bool {
	v.conn.SetDeadline(time.Now().Add(keptIdle))
	if !e.rest(v.conn, true) {
		return false
	}
	_, err := r.Peek(1)
	return e.rest(v.conn, false) && err == nil
}

// rest notes whether a connection may be closed without loss. It reports false once the
// endpoint has stopped.
func (e *endpoint) rest(c net.Conn, idle bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[c] = idle
	return !e.stopped
}

// linger ends the sending side and waits a little for the peer to do the same. Closing at
// once would, with anything unread, reset the connection and could destroy the answer.
func linger(stream, c net.Conn) {
	type halfCloser interface{ CloseWrite() error }
	for _, each := range []net.Conn{stream, c} {
		if h, ok := each.(halfCloser); ok {
			_ = h.CloseWrite() // the peer may be gone; so below
		}
	}
	c.SetReadDeadline(time.Now().Add(lingering))
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 4*maxBody))
}

// address returns where c comes from.
func address(c net.Conn) netip.Addr {
	ap, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return ap.Addr().Unmap().WithZone("")
}

// enter notes something to close later; it reports false once the endpoint has stopped.
func (e *endpoint) enter(c io.Closer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return false
	}
	_, listens := c.(net.Listener)
	e.open[c] = listens
	e.running.Add(1)
	return true
}

func (e *endpoint) leave(c io.Closer) {
	e.mu.Lock()
	delete(e.open, c)
	e.mu.Unlock()
	e.running.Done()
}

// stop closes the listeners and the connections that rest. It may be called more than once.
func (e *endpoint) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	e.stopped = true
	close(e.quit)
	for c, idle := range e.open {
		if idle {
			c.Close()
		}
	}
}

// wait returns when every connection has ended, and makes them end when ctx does.
func (e *endpoint) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("wait for requests to end: %w", ctx.Err())
		e.breakOff()
		<-done
	}
	e.cancel()
	return err
}

// breakOff closes every connection.
func (e *endpoint) breakOff() {
	e.cancel()
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.open {
		c.Close()
	}
}

// evict closes the connections of addresses that are not wanted any more.
func (e *endpoint) evict(unwanted func(netip.Addr) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for each := range e.open {
		if c, ok := each.(net.Conn); ok && unwanted(address(c)) {
			c.Close()
		}
	}
}
