package conn_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/msnp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are the engines there are. Every test of the suite runs with each of them.
func kinds() []conn.Kind {
	if runtime.GOOS == "linux" {
		return []conn.Kind{conn.Portable, conn.Epoll}
	}
	return []conn.Kind{conn.Portable}
}

// usual are limits that no test meets unless it is about them.
var usual = conn.Limits{QueueBytes: 1 << 20, QueueStall: time.Minute, Frame: time.Minute, DeadPeer: 210 * time.Second, CloseFlush: time.Minute, Linger: time.Minute, Slow: 8}

// unhurried are limits for tests that move the clock on and on: as far, perhaps, as a reader that
// the machine lets wait has not read the second half of a command.
var unhurried = conn.Limits{QueueBytes: 1 << 20, QueueStall: time.Minute, Frame: 10_000 * time.Hour, DeadPeer: 210 * time.Second, CloseFlush: time.Minute, Linger: time.Minute, Slow: 8}

// grammar is what the connections of the tests speak: MSG has a payload, which may be longer
// than any buffer is at first.
var grammar = &msnp.Grammar{MaxLine: 1024, Payloads: map[msnp.Verb]msnp.Payload{msnp.MSG: {Args: 3, Max: 1 << 20}}}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// conform runs a test with every engine.
func conform(t *testing.T, limits conn.Limits, test func(*world)) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			test(newWorld(t, conn.Config{Kind: kind, Limits: limits}))
		})
	}
}

// newWorld makes an engine that ends with the test.
func newWorld(t *testing.T, cfg conn.Config) *world {
	w := &world{T: t, clock: clock.New(), metrics: metrics.New()}
	cfg.Clock, cfg.Log, cfg.Metrics = w.clock, slog.New(slog.NewTextHandler(&w.log, nil)), w.metrics
	w.engine = conn.New(cfg)
	t.Cleanup(w.clock.Close)
	t.Cleanup(func() { w.shutdown(); w.listeners.Wait() })
	return w
}

// world is an engine with what it was made of.
type world struct {
	*testing.T
	clock     *clock.Clock
	metrics   *metrics.Metrics
	engine    *conn.Engine
	log       lockedBuffer
	listeners sync.WaitGroup
}

// lockedBuffer is a log that goroutines share.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// shutdown ends the engine, which must not take long.
func (w *world) shutdown() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.engine.Shutdown(ctx); err != nil {
		w.Errorf("shut down: %v", err)
	}
	if n := w.engine.Count(); n != 0 {
		w.Errorf("%d connections after the shutdown", n)
	}
}

// count reads a counter as an operator does.
func (w *world) count(line string) bool {
	r := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/", nil))
	return strings.Contains(r.Body.String(), "\n"+line+"\n")
}

// script is what a handler of the tests does. Without frame it echoes; the other functions may
// be nil too.
type script struct {
	frame  func(c *conn.Conn, f msnp.Frame)
	closed func(conn.Reason)
	open   func(*conn.Conn)
}

// echo answers a frame: its line, and its payload if there is one.
func echo(c *conn.Conn, f msnp.Frame) { c.Send(f.AppendEcho(nil), f.Payload) }

// answer is echo for later, when the frame's memory is the engine's again.
func answer(c *conn.Conn, f msnp.Frame) func(context.Context) {
	f = f.Clone()
	return func(context.Context) { echo(c, f) }
}

// site is a listener whose connections follow a script.
type site struct {
	w       *world
	script  script
	addr    string
	reasons chan conn.Reason // of connections that have closed
}

// listen starts a listener. Its connections are checked for the promises that hold always.
func (w *world) listen(s script) *site {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	st := &site{w: w, script: s, addr: l.Addr().String(), reasons: make(chan conn.Reason, 16_384)}
	w.Cleanup(func() { l.Close() })
	w.serve(l, st.role())
	return st
}

// serve runs a listener until it is closed.
func (w *world) serve(l net.Listener, r conn.Role) {
	w.listeners.Go(func() {
		if err := w.engine.Serve(l, r); err != nil {
			w.Errorf("serve: %v", err)
		}
	})
	w.Cleanup(func() { l.Close() })
}

func (s *site) role() conn.Role {
	return conn.Role{Name: "test", Grammar: grammar, Open: func(c *conn.Conn) conn.Handler {
		h := &handler{site: s, conn: c}
		if s.script.open != nil {
			s.script.open(c)
		}
		return h
	}}
}

// closed waits for the end of a connection and checks its reason.
func (s *site) closed(want ...conn.Reason) {
	s.w.Helper()
	select {
	case got := <-s.reasons:
		for _, r := range want {
			if got == r {
				return
			}
		}
		s.w.Errorf("closed for %v, want %v", got, want)
	case <-time.After(patience):
		s.w.Fatal("no connection was closed")
	}
}

// handler follows the script of its site, and complains when the engine calls two of its
// methods at a time, calls Closed twice, or anything after it.
type handler struct {
	site *site
	conn *conn.Conn
	busy atomic.Bool
	done bool
}

func (h *handler) enter() func() {
	if !h.busy.CompareAndSwap(false, true) {
		h.site.w.Error("two calls of one handler at a time")
	}
	if h.done {
		h.site.w.Error("a call after Closed")
	}
	return func() { h.busy.Store(false) }
}

func (h *handler) Frame(f msnp.Frame) {
	defer h.enter()()
	if h.site.script.frame == nil {
		echo(h.conn, f)
		return
	}
	h.site.script.frame(h.conn, f)
}

func (h *handler) Closed(why conn.Reason) {
	defer h.enter()()
	h.done = true
	if h.site.script.closed != nil {
		h.site.script.closed(why)
	}
	h.site.reasons <- why
}

// client is the other end of a connection.
type client struct {
	net.Conn
	w *world
	r *bufio.Reader
}

func (s *site) dial() *client {
	s.w.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.w.Fatal(err)
	}
	return s.w.client(nc)
}

func (w *world) client(nc net.Conn) *client {
	w.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return &client{Conn: nc, w: w, r: bufio.NewReader(nc)}
}

// say writes text as it stands.
func (c *client) say(text string) {
	c.w.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.w.Errorf("say %.20q: %v", text, err)
	}
}

// hear reads the lines and compares them.
func (c *client) hear(want ...string) {
	c.w.Helper()
	for _, line := range want {
		got, err := c.r.ReadString('\n')
		if got != line+"\r\n" {
			c.w.Fatalf("heard %.60q, %v; want %.60q", got, err, line)
		}
	}
}

// ping makes sure that the server has handled everything said before.
func (c *client) ping() {
	c.w.Helper()
	c.say("PNG\r\n")
	c.hear("PNG")
}

// ended checks that the server closes the connection, and properly: nothing was lost.
func (c *client) ended() {
	c.w.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		c.w.Errorf("at the end: %.60q, %v", b, err)
	}
}

// cut waits for the end of the connection, in whichever way.
func (c *client) cut() {
	c.w.Helper()
	if _, err := io.Copy(io.Discard, c.r); errors.Is(err, context.DeadlineExceeded) {
		c.w.Error("the connection is still open")
	}
}

// reset ends the connection with a reset.
func (c *client) reset() {
	c.w.Helper()
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		c.w.Fatal(err)
	}
	c.Close()
}

// message returns a frame with payload, as clients send it.
func message(id int, payload string) string {
	return fmt.Sprintf("MSG %d U %d\r\n%s", id, len(payload), payload)
}

// idle passes some time in which other connections are served: whatever was to happen
// wrongly has had its chance then.
func (s *site) idle(bystander *client) {
	s.w.Helper()
	for range 50 {
		bystander.ping()
	}
}

// wait waits for a signal.
func (w *world) wait(what string, signal <-chan struct{}) {
	w.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		w.Fatalf("waiting for %s", what)
	}
}

// none checks that a signal has not come.
func (w *world) none(what string, signal <-chan struct{}) {
	w.Helper()
	select {
	case <-signal:
		w.Errorf("too early: %s", what)
	default:
	}
}
