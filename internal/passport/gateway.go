package passport

import (
	"context"
	"crypto/rand"
	"maps"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/gate"
)

// Gateway is what the sessions of the gateway are connected to.
// docs/protocol/passport.md#gateway
type Gateway struct {
	Engine       *conn.Engine
	Notification conn.Role
	Switchboard  func(addr string) (conn.Role, bool) // by host, or host and port

	// Elsewhere returns what carries connections to another node: to the switchboard at an address, or,
	// for "", to a notification server, if there is to be none here. nil: there is no other node.
	Elsewhere func(addr string) (carry func(net.Conn) bool, ok bool)

	Host string // where clients reach this very node, perhaps with a port; "": as they came
}

const gatewayPath = "/gateway/gateway.dll"

// Limits of the gateway. docs/protocol/passport.md#gateway
const (
	maxTunnels = 4096
	maxCrowd   = 8 // requests of one session at a time
	tunnelLife = time.Minute
)

// gateway carries sessions of MSNP over HTTP requests.
type gateway struct {
	to    Gateway
	clock *clock.Clock
	gate  *gate.Gate

	mu       sync.Mutex // leaf but for the clock's
	tunnels  map[string]*tunnel
	stopping bool
	empty    chan struct{} // closed when it is stopping and no session is left
}

func newGateway(to Gateway, clk *clock.Clock, g *gate.Gate) *gateway {
	return &gateway{to: to, clock: clk, gate: g, tunnels: make(map[string]*tunnel), empty: make(chan struct{})}
}

// answer is the handler of the gateway's address.
func (g *gateway) answer(ctx context.Context, q *request) *response {
	if q.method != "POST" {
		return &response{status: 405, fields: []field{{"Allow", "POST"}}}
	}
	params, err := url.ParseQuery(q.query)
	if err != nil {
		return &response{status: 400}
	}
	switch action := params.Get("Action"); {
	case strings.EqualFold(action, "open"):
		return g.open(ctx, q, params)
	case action == "", strings.EqualFold(action, "poll"):
		return g.resume(ctx, q, params)
	}
	return &response{status: 400}
}

// open begins a session, with the commands that came along.
func (g *gateway) open(ctx context.Context, q *request, params url.Values) *response {
	attach, status := g.line(strings.ToUpper(params.Get("Server")), params.Get("IP"))
	if attach == nil {
		return &response{status: status}
	}
	t := &tunnel{key: newTunnelKey(), conn: newGatewayConn(q.conn, g.gate.Open("gateway")), turn: make(chan struct{}, 1)}
	if !g.admit(t) {
		return busyResponse()
	}
	defer g.leave(t)
	if !attach(t.conn) {
		g.remove(t)
		return busyResponse()
	}
	return g.carry(ctx, t, q, patienceFor(q, params))
}

// line returns what connects a session with a server, or nil and the status that says why not.
func (g *gateway) line(server, addr string) (attach func(net.Conn) bool, status int) {
	role, here := g.to.Notification, true
	switch server {
	case "NS":
		addr = ""
	case "SB":
		if role, here = g.to.Switchboard(addr); addr == "" && !here {
			return nil, 404
		}
	default:
		return nil, 400
	}
	if g.to.Elsewhere != nil && (server == "NS" || !here) {
		if carry, ok := g.to.Elsewhere(addr); ok {
			return carry, 0
		}
	}
	if !here {
		return nil, 404
	}
	return func(nc net.Conn) bool { return g.to.Engine.Attach(nc, role) }, 0
}

// resume goes on with a session. Of one that is over or never was, most clients need to
// hear by the status; those that look for it find it in the header too.
func (g *gateway) resume(ctx context.Context, q *request, params url.Values) *response {
	id := params.Get("SessionID")
	key, _, ok := strings.Cut(id, ".")
	if !ok || len(id) > maxTunnelID || strings.Trim(id, "0123456789.") != "" {
		return &response{status: 400}
	}
	t, crowded := g.enter(key)
	if t == nil {
		return g.tunnelResponse(404, id, q, nil, true)
	}
	if crowded {
		return busyResponse()
	}
	defer g.leave(t)
	return g.carry(ctx, t, q, patienceFor(q, params))
}

// carry does for a session what a request asks, when its turn has come.
func (g *gateway) carry(ctx context.Context, t *tunnel, q *request, p patience) *response {
	t.conn.join()
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		t.conn.proceed()
		return busyResponse()
	}
	defer func() { <-t.turn }()
	t.conn.proceed()
	if body, ok := t.repeats(q); ok {
		return g.tunnelResponse(200, t.id(), q, body, false)
	}
	if len(q.body) > 0 && !t.conn.put(ctx, q.body) {
		return busyResponse()
	}
	body, last := t.conn.take(ctx, p)
	t.answered(q, body)
	if last {
		g.remove(t)
	}
	answer := g.tunnelResponse(200, t.id(), q, body, last)
	answer.signedIn = t.conn.known()
	return answer
}

// admit notes a new session with its first request, unless there are too many.
func (g *gateway) admit(t *tunnel) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping || len(g.tunnels) >= maxTunnels {
		return false
	}
	g.tunnels[t.key] = t
	t.requests = 1
	return true
}

// enter notes one more request of a session, which is nil when there is none. Crowded are
// those with too many requests.
func (g *gateway) enter(key string) (t *tunnel, crowded bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t = g.tunnels[key]
	switch {
	case t == nil:
		return nil, false
	case t.requests >= maxCrowd:
		return t, true
	}
	t.requests++
	t.uses++
	g.clock.Stop(&t.expiry)
	return t, false
}

// leave notes that a request has ended. After the last, the time of the session runs.
func (g *gateway) leave(t *tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.requests--
	if t.requests == 0 && g.tunnels[t.key] == t {
		uses := t.uses
		g.clock.Set(&t.expiry, tunnelLife, func() { g.expire(t, uses) })
	}
}

// expire ends a session that was not used again in time.
func (g *gateway) expire(t *tunnel, uses int) {
	g.mu.Lock()
	silent := t.requests == 0 && t.uses == uses
	if silent {
		g.drop(t)
	}
	g.mu.Unlock()
	if silent {
		t.conn.hangUp()
	}
}

// remove forgets a session.
func (g *gateway) remove(t *tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(t)
}

// drop does it. g.mu is held.
func (g *gateway) drop(t *tunnel) {
	if g.tunnels[t.key] != t {
		return
	}
	delete(g.tunnels, t.key)
	t.conn.forgotten()
	g.clock.Stop(&t.expiry)
	g.finish()
}

// finish tells whoever waits that the last session has gone. g.mu is held.
func (g *gateway) finish() {
	if g.stopping && len(g.tunnels) == 0 {
		close(g.empty)
	}
}

// drain refuses new sessions and returns when the clients of the others have fetched their
// last lines, or when ctx ends. The engine must have closed them.
func (g *gateway) drain(ctx context.Context) {
	g.mu.Lock()
	if !g.stopping {
		g.stopping = true
		g.finish()
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
	case <-ctx.Done():
	}
}

// stop ends every session.
func (g *gateway) stop() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	g.drain(over)
	g.mu.Lock()
	left := slices.Collect(maps.Values(g.tunnels))
	g.mu.Unlock()
	for _, t := range left {
		g.remove(t)
		t.conn.hangUp()
	}
}

// count returns how many sessions there are.
func (g *gateway) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.tunnels)
}

// newTunnelKey returns the part of a session's id that nobody can guess. It is a number, as
// clients know it, and with the other part has room in the 40 bytes of Miranda.
func newTunnelKey() string {
	var b [12]byte
	rand.Read(b[:])
	return new(big.Int).SetBytes(b[:]).String()
}

// maxTunnelID is the longest id of a session.
const maxTunnelID = 39

// tunnelResponse is the answer to a request of a session.
func (g *gateway) tunnelResponse(status int, id string, q *request, body []byte, last bool) *response {
	state := "SessionID=" + id + "; GW-IP=" + g.host(q)
	if last {
		state += "; Session=close"
	}
	return &response{
		status: status,
		fields: []field{
			{"Cache-Control", "no-cache"},
			{"X-MSN-Messenger", state},
			{"Content-Length", ""},
			{"Content-Type", "application/x-msn-messenger"},
		},
		body: body,
		keep: !last,
	}
}

// maxGatewayHost is the longest name of a host with its port.
const maxGatewayHost = 253 + len(":65535")

// host returns where the client shall send its next request, which must come to this node again: to
// the name by which it came, unless that is said to be another, or the address if that name is unfit.
func (g *gateway) host(q *request) string {
	if g.to.Host != "" {
		return g.to.Host
	}
	const fit = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"
	host := q.header("Host")
	if host == "" {
		host = q.host
	}
	if host == "" || len(host) > maxGatewayHost || strings.Trim(host, fit) != "" {
		return q.conn.LocalAddr().String()
	}
	return host
}

// patience is how long an answer waits for something to say.
type patience struct {
	limit time.Duration
	any   bool // the first bytes are enough: the client has not asked anything of the server
}

// How long the answer to commands waits: until the engine has dealt with them, and then a
// moment for the words to come out; but not longer than a client that sends nothing
// meanwhile can bear.
const (
	longest  = 5 * time.Second
	settling = 100 * time.Millisecond
)

// patienceFor returns what suits a request. One that brings no commands is answered at once,
// because most clients send nothing while one is under way; those that can wait say for how
// many seconds.
func patienceFor(q *request, params url.Values) patience {
	if len(q.body) > 0 {
		return patience{limit: longest}
	}
	const most = 30
	n, err := strconv.ParseUint(params.Get("Lifespan"), 10, 16)
	if err != nil {
		n = 0
	}
	return patience{limit: time.Duration(min(n, most)) * time.Second, any: true}
}
