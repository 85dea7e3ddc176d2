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
)

const (
	maxConns  = 1024            // at once, on each endpoint; more wait in the backlog
	lingering = 2 * time.Second // for the peer to see the end of the answer
)

// endpoint accepts connections and lets a handler answer the one request of each.
type endpoint struct {
	handshake time.Duration
	request   time.Duration
	log       *slog.Logger
	answer    handler
	panics    *atomic.Uint64
	slots     chan struct{}
	quit      chan struct{}      // closed when nothing more is accepted
	ctx       context.Context    // of every handler
	cancel    context.CancelFunc // breaks them off
	running   sync.WaitGroup     // listeners and connections

	mu      sync.Mutex // leaf
	stopped bool
	open    map[io.Closer]struct{} // listeners and connections
}

func newEndpoint(cfg *Config, answer handler, panics *atomic.Uint64) *endpoint {
	e := &endpoint{
		handshake: cfg.Handshake,
		request:   cfg.Request,
		log:       cfg.Log,
		answer:    answer,
		panics:    panics,
		slots:     make(chan struct{}, maxConns),
		quit:      make(chan struct{}),
		open:      make(map[io.Closer]struct{}),
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
		select {
		case e.slots <- struct{}{}:
		case <-e.quit:
			return nil
		}
		c, err := l.Accept()
		if err == nil && e.enter(c) {
			go e.attend(c, t)
			continue
		}
		<-e.slots
		if err == nil {
			c.Close()
			return nil
		}
		if err := e.acceptFailed(err); err != nil || e.quitting() {
			return err
		}
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

// attend serves a connection from its first byte to its last.
func (e *endpoint) attend(c net.Conn, t *tls.Config) {
	defer func() {
		if v := recover(); v != nil {
			e.panics.Add(1)
			e.log.Error("handler panicked", "err", v, "stack", string(debug.Stack()))
		}
		c.Close()
		e.leave(c)
		<-e.slots
	}()
	stream := c
	if t != nil {
		s := tls.Server(c, t)
		c.SetDeadline(time.Now().Add(e.handshake))
		if err := s.HandshakeContext(e.ctx); err != nil {
			e.log.Debug("no TLS connection", "addr", c.RemoteAddr().String(), "err", err)
			return
		}
		stream = s
	}
	if e.exchange(stream, c) {
		linger(stream, c)
	}
}

// exchange reads a request from stream, which runs over c, and writes its answer. It
// reports whether it did.
func (e *endpoint) exchange(stream, c net.Conn) bool {
	c.SetDeadline(time.Now().Add(e.request))
	q, err := readRequest(bufio.NewReaderSize(stream, maxHead))
	var answer *response
	var status refusal
	switch {
	case errors.As(err, &status):
		answer = &response{status: int(status)}
	case err != nil:
		e.log.Debug("no request", "addr", c.RemoteAddr().String(), "err", err)
		return false
	default:
		q.remote = address(c)
		answer = e.answer(e.ctx, q)
		answer.headOnly = q.method == "HEAD"
	}
	c.SetDeadline(time.Now().Add(e.request))
	_, err = stream.Write(answer.append(nil))
	return err == nil
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
	e.open[c] = struct{}{}
	e.running.Add(1)
	return true
}

func (e *endpoint) leave(c io.Closer) {
	e.mu.Lock()
	delete(e.open, c)
	e.mu.Unlock()
	e.running.Done()
}

// stop closes the listeners. It may be called more than once.
func (e *endpoint) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	e.stopped = true
	close(e.quit)
	for c := range e.open {
		if l, ok := c.(net.Listener); ok {
			l.Close()
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
