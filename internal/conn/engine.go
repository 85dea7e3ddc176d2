package conn

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Limits bounds what connections may cost.
type Limits struct {
	QueueBytes int           // output of one connection not yet taken by the kernel
	QueueStall time.Duration // how long it may make no progress
	DeadPeer   time.Duration // how long a peer that vanished is not noticed
	CloseFlush time.Duration // how long a closing connection may take for its last output
	Linger     time.Duration // how long input is thrown away after that
	Slow       int           // handlers in [Conn.Go] at a time
}

// Engine runs connections. It must be made by [New].
type Engine struct {
	clock   *clock.Clock
	log     *slog.Logger
	metrics *metrics.Metrics
	limits  Limits
	slots   chan struct{}   // one element per running slow handler
	ctx     context.Context // of slow handlers; a field because it is the engine that ends it
	cancel  context.CancelFunc

	mu      sync.Mutex
	conns   map[*Conn]struct{}
	lastID  uint64
	stopped bool
	running sync.WaitGroup
}

// New returns an engine.
func New(clk *clock.Clock, log *slog.Logger, m *metrics.Metrics, limits Limits) *Engine {
	e := &Engine{
		clock: clk, log: log, metrics: m, limits: limits,
		slots: make(chan struct{}, limits.Slow),
		conns: make(map[*Conn]struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Role is what a listener is for: its name in logs and metrics, and how its connections
// begin.
type Role struct {
	Name    string
	Grammar *msnp.Grammar
	Open    func(*Conn) Handler // nil refuses the connection
}

// Serve accepts connections until the listener is closed, which is no error.
func (e *Engine) Serve(l net.Listener, r Role) error {
	var delay time.Duration
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			delay = 0
			e.Attach(nc, r)
		case errors.Is(err, net.ErrClosed):
			return nil
		default: // out of descriptors, most likely: those inside go on, newcomers wait
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			e.log.Warn("accepting connections", "role", r.Name, "err", err)
			<-time.After(delay)
		}
	}
}

// Attach runs a connection that exists already, such as one end of a net.Pipe.
func (e *Engine) Attach(nc net.Conn, r Role) {
	c := &Conn{engine: e, nc: nc, grammar: r.Grammar}
	c.wake.L, c.writer = &c.mu, c.write
	e.mu.Lock()
	if e.stopped {
		e.mu.Unlock()
		nc.Close()
		return
	}
	e.lastID++
	c.id = e.lastID
	e.conns[c] = struct{}{}
	e.running.Add(1)
	e.mu.Unlock()

	e.metrics.Opened(r.Name)
	go func() {
		defer e.running.Done()
		e.serve(c, r)
		e.mu.Lock()
		delete(e.conns, c)
		e.mu.Unlock()
		e.metrics.Closed(r.Name, c.reason().String())
		e.log.Debug("connection closed", "role", r.Name, "conn", c.id, "reason", c.reason())
	}()
}

func (e *Engine) serve(c *Conn, r Role) {
	keepAlive(c.nc, e.limits.DeadPeer)
	var h Handler
	c.guard(func() { h = r.Open(c) })
	if h == nil {
		c.Close(Flood)
		c.engine.clock.Stop(&c.deadline)
		c.nc.Close()
		return
	}
	c.run(h)
}

func (e *Engine) panicked(c *Conn, what any) {
	e.metrics.Panics.Inc()
	e.log.Error("a handler panicked", "conn", c.id, "err", what, "stack", string(debug.Stack()))
}

// Count returns how many connections there are.
func (e *Engine) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.conns)
}

// Shutdown closes every connection, after its output, and waits for their handlers. When
// ctx ends first, the context of slow handlers ends and the rest is cut off.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.stopped = true
	left := make([]*Conn, 0, len(e.conns))
	for c := range e.conns {
		left = append(left, c)
	}
	e.mu.Unlock()
	for _, c := range left {
		c.Close(Unavailable)
	}
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		e.cancel()
		return nil
	case <-ctx.Done():
	}
	e.cancel()
	for _, c := range left {
		c.nc.Close()
	}
	<-done
	return ctx.Err()
}
