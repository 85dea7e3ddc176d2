package conn

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Kind names an engine.
type Kind string

// The kinds.
const (
	Auto     Kind = "auto"     // the best there is for a connection
	Epoll    Kind = "epoll"    // an event loop for TCP; Linux only
	Portable Kind = "portable" // a goroutine for each connection
)

// Config is what an engine is made of and told to do. All of it is needed, but for the door.
type Config struct {
	Kind    Kind
	Clock   *clock.Clock
	Log     *slog.Logger
	Metrics *metrics.Metrics
	Limits  Limits
	Door    Door
	Bytes   clock.Rate // how much a peer may send; the zero value is no limit
}

// Limits bounds what connections may cost.
type Limits struct {
	QueueBytes int           // output of one connection not yet taken by the kernel
	QueueStall time.Duration // how long it may make no progress
	Frame      time.Duration // how long a frame may take from its first byte to its last; 0: for ever
	DeadPeer   time.Duration // how long a peer that vanished is not noticed
	CloseFlush time.Duration // how long a closing connection may take for its last output
	Linger     time.Duration // how long input is thrown away after that
	Slow       int           // handlers in [Conn.Go] at a time
}

// lingerBytes is the most that is thrown away while closing.
const lingerBytes = 1 << 20

// Engine runs connections. It must be made by [New].
type Engine struct {
	clock   *clock.Clock
	log     *slog.Logger
	metrics *metrics.Metrics
	limits  atomic.Pointer[Limits]
	bytes   atomic.Pointer[clock.Rate]
	door    Door
	workers workers
	ctx     context.Context // of slow handlers; a field because it is the engine that ends it
	cancel  context.CancelFunc
	pollers pollers

	mu      sync.Mutex // leaf
	count   int        // of connections
	streams map[*stream]struct{}
	lastID  uint32
	stopped bool
	running sync.WaitGroup
}

// New returns an engine. Without connections it has no goroutine.
func New(cfg Config) *Engine {
	if cfg.Door.Enter == nil {
		cfg.Door = openDoor()
	}
	e := &Engine{
		clock: cfg.Clock, log: cfg.Log, metrics: cfg.Metrics, door: cfg.Door,
		workers: workers{free: cfg.Limits.Slow},
		pollers: pollers{kind: cfg.Kind, count: runtime.GOMAXPROCS(0)},
		streams: make(map[*stream]struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.limits.Store(&cfg.Limits)
	e.SetBytes(cfg.Bytes)
	return e
}

// SetLimits replaces the limits for what happens from now on: a deadline that runs stays, and
// so do the keep-alive probes of connections there are.
func (e *Engine) SetLimits(l Limits) {
	before := e.limits.Swap(&l)
	e.workers.resize(l.Slow - before.Slow)
}

// SetBytes changes how much a peer may send, of connections that are there as well.
func (e *Engine) SetBytes(r clock.Rate) { e.bytes.Store(&r) }

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
			e.attach(nc, &r)
		case errors.Is(err, net.ErrClosed):
			return nil
		default: // out of descriptors, most likely: those inside go on, newcomers wait
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			e.log.Warn("accepting connections", "role", r.Name, "err", err)
			<-time.After(delay)
		}
	}
}

// Attach runs a connection that exists already, such as one end of a net.Pipe. It reports
// false, and closes the connection, if that is not let in.
func (e *Engine) Attach(nc net.Conn, r Role) bool { return e.attach(nc, &r) }

func (e *Engine) attach(nc net.Conn, r *Role) bool {
	peer := address(nc)
	as := e.door.Enter(r.Name, peer.Addr())
	if as == Barred {
		refuse(nc)
		return false
	}
	if tcp, ok := direct(nc); ok {
		keepAlive(tcp, e.limits.Load().DeadPeer)
		if e.pollers.adopt(e, tcp, peer, r, as) {
			return true
		}
	}
	s := newStream(e, nc, r, as)
	if !e.enter(&s.Conn) {
		nc.Close()
		return false
	}
	go func() {
		s.run()
		e.leave(&s.Conn)
	}()
	return true
}

// enter counts a connection, unless the engine has stopped.
func (e *Engine) enter(c *Conn) bool {
	if e.admit(c) {
		return true
	}
	c.left()
	return false
}

func (e *Engine) admit(c *Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return false
	}
	e.lastID++
	c.id = e.lastID
	e.count++
	if s, ok := c.link.(*stream); ok {
		e.streams[s] = struct{}{}
	}
	e.running.Add(1)
	e.metrics.Opened(c.role.Name)
	return true
}

// leave forgets a connection whose handler has heard of the end and whose socket is closed.
func (e *Engine) leave(c *Conn) {
	e.clock.Stop(&c.deadline)
	e.clock.Stop(&c.whole)
	c.left()
	e.mu.Lock()
	e.count--
	if s, ok := c.link.(*stream); ok {
		delete(e.streams, s)
	}
	e.mu.Unlock()
	e.metrics.Closed(c.role.Name, c.reason().String())
	e.log.Debug("connection closed", "role", c.role.Name, "conn", c.id, "reason", c.reason())
	e.running.Done()
}

func (e *Engine) panicked(c *Conn, what any) {
	e.metrics.Panics.Inc()
	e.log.Error("a handler panicked", "conn", c.id, "err", what, "stack", string(debug.Stack()))
}

// Count returns how many connections there are.
func (e *Engine) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

// Waiting returns how many slow handlers wait for their turn.
func (e *Engine) Waiting() int { return e.workers.backlog() }

// MaxSlow returns how many slow handlers may run at a time. There is no limit to how many wait but
// that of connections, for each has one at most.
func (e *Engine) MaxSlow() int { return e.limits.Load().Slow }

// Slow returns how many slow handlers run.
func (e *Engine) Slow() int { return e.workers.running(e.MaxSlow()) }

// Shutdown closes every connection, after its output, and waits for their handlers. When
// ctx ends first, the context of slow handlers ends and the rest is cut off.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	for _, c := range e.conns() {
		c.Close(Unavailable)
	}
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.cancel()
	if err != nil {
		for _, c := range e.conns() {
			c.link.cut()
		}
		<-done
	}
	e.pollers.stop()
	e.workers.stop()
	return err
}

// Evict closes the connections of addresses that are not wanted any more, and returns how many they
// are. One that is just being let in may be missed.
func (e *Engine) Evict(unwanted func(netip.Addr) bool) (n int) {
	for _, c := range e.conns() {
		if !c.closing() && unwanted(c.Peer().Addr()) {
			c.Close(Banned)
			n++
		}
	}
	return n
}

// conns returns the connections there are. One that a poller is about to open is missing; when the
// engine has stopped, the poller notices.
func (e *Engine) conns() []*Conn {
	all := e.pollers.conns()
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		all = append(all, &s.Conn)
	}
	return all
}

// hasStopped reports whether new connections are refused.
func (e *Engine) hasStopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopped
}
