package web

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"monarch/internal/clock"
	"monarch/internal/im"
)

// Limits of the messenger's sockets. docs/protocol/limits.md#messenger
const (
	maxSockets  = 4096
	maxOfPerson = 64       // one for the session, one for each conversation
	maxMessage  = 64 << 10 // bytes of a message of a browser
)

// socketRate is how many bytes a browser may send, with all that WebSockets add: empty messages
// and pings cost work too. What clients of the protocol may send is less than that, and the
// engine's to count.
var socketRate = clock.Rate{Burst: 2 << 20, Per: 4 * time.Second}

// caller is who opens a socket.
type caller struct {
	User    im.UserID
	Session string         // of the website, which the socket ends with
	From    netip.AddrPort // as clients of the protocol are told
}

// socketsConfig is what sockets are made of. All of it is needed, but for the origin.
type socketsConfig struct {
	To     Sockets
	Clock  *clock.Clock
	Caller func(*http.Request) (caller, bool)                      // false: nobody has signed in
	Lasts  func(ctx context.Context, session string) (bool, error) // whether one of the website does
	Rates  func() bool                                             // whether there are limits on what a browser sends
	Origin string                                                  // of the website, as browsers have it; "": only by the request's host
}

// sockets carries sessions of MSNP over WebSockets: to the notification server, or to a
// switchboard at an address. A message is a stretch of the stream of bytes, wherever it ends.
type sockets struct {
	socketsConfig

	pulse    time.Duration // between pings
	patience time.Duration // for the answer to one, and for the end of a socket

	mu       sync.Mutex // leaf
	open     map[*socket]struct{}
	persons  map[im.UserID]int
	stopping bool
	running  sync.WaitGroup // what the sockets have begun
}

func newSockets(cfg socketsConfig) *sockets {
	return &sockets{
		socketsConfig: cfg, pulse: 25 * time.Second, patience: 30 * time.Second,
		open: make(map[*socket]struct{}), persons: make(map[im.UserID]int),
	}
}

// ServeHTTP implements http.Handler for GET with the parameters server, which is notification or
// switchboard, and address, of a switchboard.
func (s *sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := s.Caller(r)
	if !ok {
		http.Error(w, "Sign in first.", http.StatusUnauthorized)
		return
	}
	if !s.ours(r) {
		http.Error(w, "This is for the messenger of this site.", http.StatusForbidden)
		return
	}
	attach, status := s.line(r.FormValue("server"), r.FormValue("address"))
	if status != http.StatusOK {
		http.Error(w, "There is no such server.", status)
		return
	}
	c := &socket{home: s, who: who, over: make(chan struct{})}
	c.changed.L = &c.mu
	if status := s.enter(c); status != http.StatusOK {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "Too many connections.", status)
		return
	}
	// It may have ended since the caller was recognized. From here on hangUp finds the socket.
	if status := s.still(r.Context(), c); status != http.StatusOK {
		s.leave(c)
		http.Error(w, "Sign in first.", status)
		return
	}
	if err := c.upgrade(w, r); err != nil { // which has answered
		s.leave(c)
		return
	}
	s.running.Go(c.pump)
	c.mu.Lock()
	c.beat()
	c.mu.Unlock()
	attach(c) // which closes it if it is not let in
}

// ours reports whether a request comes from a page of ours. Browsers send cookies with whatever
// page asks for a socket, so they prove nothing here.
func (s *sockets) ours(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin != "" && strings.EqualFold(origin, s.Origin) {
		return true
	}
	u, err := url.Parse(origin)
	safe := err == nil && (u.Scheme == "https" || !strings.HasPrefix(s.Origin, "https:"))
	return safe && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// line returns what connects a socket with where it is to lead to.
func (s *sockets) line(server, address string) (attach func(net.Conn) bool, status int) {
	role, here := s.To.Notification, true
	switch server {
	case "notification":
		address = ""
	case "switchboard":
		if role, here = s.To.Switchboard(address); !here && address == "" {
			return nil, http.StatusNotFound
		}
	default:
		return nil, http.StatusBadRequest
	}
	if s.To.Elsewhere != nil && (server == "notification" || !here) {
		if carry, ok := s.To.Elsewhere(address); ok {
			return carry, http.StatusOK
		}
	}
	if !here {
		return nil, http.StatusNotFound
	}
	return func(nc net.Conn) bool { return s.To.Engine.Attach(nc, role) }, http.StatusOK
}

// enter counts a socket, unless there are too many.
func (s *sockets) enter(c *socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping || len(s.open) >= maxSockets:
		return http.StatusServiceUnavailable
	case s.persons[c.who.User] >= maxOfPerson:
		return http.StatusTooManyRequests
	}
	s.open[c] = struct{}{}
	s.persons[c.who.User]++
	s.running.Add(1)
	return http.StatusOK
}

// still returns whether the session of a socket goes on, as the status of an answer.
func (s *sockets) still(ctx context.Context, c *socket) int {
	switch lasts, err := s.Lasts(ctx, c.who.Session); {
	case err != nil:
		return http.StatusServiceUnavailable
	case !lasts:
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

// leave forgets a socket of which nothing is left.
func (s *sockets) leave(c *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if s.persons[c.who.User]--; s.persons[c.who.User] == 0 {
		delete(s.persons, c.who.User)
	}
	s.running.Done()
}

// hangUp ends the sockets of a session of the website.
func (s *sockets) hangUp(session string) {
	s.cut(func(c *socket) bool { return c.who.Session == session })
}

// hangUpOthers ends the sockets of somebody's sessions but one.
func (s *sockets) hangUpOthers(user im.UserID, but string) {
	s.cut(func(c *socket) bool { return c.who.User == user && c.who.Session != but })
}

// cut breaks sockets off, as if the browser had gone.
func (s *sockets) cut(which func(*socket) bool) {
	s.mu.Lock()
	var found []*socket
	for c := range s.open {
		if which(c) {
			found = append(found, c)
		}
	}
	s.mu.Unlock()
	for _, c := range found {
		c.hangUp()
	}
}

// stop refuses new sockets and waits for the others, which the engine must have closed. When ctx
// ends first it cuts them.
func (s *sockets) stop(ctx context.Context) {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the sockets
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.cut(func(*socket) bool { return true })
		<-done
	}
}

// upgrade makes a WebSocket of a request, or answers why not.
func (c *socket) upgrade(w http.ResponseWriter, r *http.Request) error {
	taken := &takeover{ResponseWriter: w, over: c.over, clock: c.home.Clock}
	if c.home.Rates() {
		taken.rate = socketRate
	}
	// Where it comes from is checked already.
	ws, err := websocket.Accept(taken, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	ws.SetReadLimit(maxMessage)
	c.ws = ws
	c.local = taken.conn.LocalAddr()
	c.mu.Lock()
	c.wire = taken.conn
	gone := c.gone
	c.mu.Unlock()
	if gone { // meanwhile
		c.wire.Close()
	}
	return nil
}

// takeover gives the connection of a request to a WebSocket, and counts what comes over it.
type takeover struct {
	http.ResponseWriter
	clock *clock.Clock
	rate  clock.Rate
	over  <-chan struct{} // ends every wait
	conn  *metered
}

// Hijack implements http.Hijacker.
func (t *takeover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.conn = &metered{Conn: nc, clock: t.clock, rate: t.rate, over: t.over}
	return t.conn, rw, nil
}

// metered is a connection that is read no faster than a rate.
type metered struct {
	net.Conn
	clock *clock.Clock
	rate  clock.Rate
	meter clock.Meter // touched by whoever reads
	over  <-chan struct{}
	heard atomic.Int64 // when something came, as the clock's Elapsed
}

// Read implements net.Conn.
func (m *metered) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.heard.Store(int64(m.clock.Elapsed()))
	if wait := m.rate.Spend(&m.meter, m.clock.Elapsed(), n); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-m.over:
			return n, errors.Join(err, net.ErrClosed)
		}
	}
	return n, err
}
