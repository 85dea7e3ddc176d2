package passport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/internal/gate"
	"monarch/internal/metrics"
	"monarch/internal/passport"
	"monarch/msnp"
)

// behind is a server behind the gateway that does what it is told.
type behind struct {
	c     *conn.Conn
	heard *atomic.Int64 // commands
	ended chan conn.Reason
}

// Frame answers PNG x with QNG x, says CHG n SIZE n times in lines of SIZE, as to somebody who
// has signed in, keeps silent to REM, and goes with OUT.
func (b *behind) Frame(f msnp.Frame) {
	b.heard.Add(1)
	switch f.Verb {
	case "PNG":
		b.c.Send(msnp.AppendLine(nil, "QNG", string(f.Args[0])))
	case "CHG":
		b.c.SignedIn()
		n, _ := strconv.Atoi(string(f.Args[0]))
		size, _ := strconv.Atoi(string(f.Args[1]))
		for i := range n {
			b.c.Send(msnp.AppendLine(nil, "CHG", strconv.Itoa(i), strings.Repeat("x", size)))
		}
	case "OUT":
		b.c.Send([]byte("OUT SSD\r\n"))
		b.c.Close(conn.SignedOut)
	}
}

func (b *behind) Closed(why conn.Reason) { b.ended <- why }

// gateworld is a world with a gateway.
type gateworld struct {
	*world
	heard atomic.Int64
	gate  *gate.Gate
	conns chan *conn.Conn
	ended chan conn.Reason
}

func newGateworld(t *testing.T) *gateworld {
	g := &gateworld{conns: make(chan *conn.Conn, 2000), ended: make(chan conn.Reason, 2000)}
	g.world = newWorld(t, func(cfg *passport.Config) {
		engine := conn.New(conn.Config{Kind: conn.Auto, Clock: cfg.Clock, Log: cfg.Log, Metrics: metrics.New(), Limits: conn.Limits{
			QueueBytes: 1 << 20, QueueStall: time.Second, CloseFlush: time.Second, Linger: time.Second, Slow: 4,
		}, Door: conn.Door{
			Enter:    func(role string, from netip.Addr) conn.Standing { return conn.Standing(cfg.Gate.Enter(role, from)) },
			SignedIn: cfg.Gate.SignedIn,
			Leave:    func(from netip.Addr, as conn.Standing) { cfg.Gate.Leave(from, gate.Standing(as)) },
			Hold:     cfg.Gate.Hold,
		}})
		g.gate = cfg.Gate
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := engine.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
		role := conn.Role{Name: "notification", Grammar: &msnp.Grammar{MaxLine: 100}, Open: func(c *conn.Conn) conn.Handler {
			g.conns <- c
			return &behind{c, &g.heard, g.ended}
		}}
		cfg.Log = slog.New(slog.DiscardHandler)
		cfg.Gateway = &passport.Gateway{
			Engine: engine, Notification: role,
			Switchboard: func(string) (conn.Role, bool) { return role, false },
		}
	})
	return g
}

// caller is a TCP connection to the gateway.
type caller struct {
	g  *gateworld
	nc net.Conn
	r  *bufio.Reader
}

func (g *gateworld) call() *caller {
	g.t.Helper()
	nc := g.dialPlain()
	return &caller{g, nc, bufio.NewReader(nc)}
}

// answered is one answer.
type answered struct {
	status, id, connection, body string
	last                         bool
}

func (c *caller) write(params, fields, body string) {
	c.g.t.Helper()
	_, err := fmt.Fprintf(c.nc, "POST /gateway/gateway.dll?%s HTTP/1.1\r\nHost: gw.example.com\r\n%sContent-Length: %d\r\n\r\n%s",
		params, fields, len(body), body)
	c.g.must(err)
}

func (c *caller) read() (a answered) {
	c.g.t.Helper()
	size := 0
	for {
		line, err := c.r.ReadString('\n')
		c.g.must(err)
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Content-Length":
			size, err = strconv.Atoi(value)
			c.g.must(err)
		case "Connection":
			a.connection = value
		case "X-MSN-Messenger":
			a.id, _, _ = strings.Cut(strings.TrimPrefix(value, "SessionID="), "; GW-IP=gw.example.com")
			a.last = strings.HasSuffix(value, "; Session=close")
		case "":
			b := make([]byte, size)
			_, err = io.ReadFull(c.r, b)
			c.g.must(err)
			a.body = string(b)
			return a
		default:
			if a.status == "" {
				a.status = strings.TrimPrefix(line, "HTTP/1.1 ")
			}
		}
	}
}

func (c *caller) ask(params, body string) answered {
	c.g.t.Helper()
	c.write(params, "", body)
	return c.read()
}

const opening = "Action=open&Server=NS&IP=messenger.hotmail.com"

// want checks an answer that is not the last.
func (a answered) want(t *testing.T, body string) answered {
	t.Helper()
	if a.status != "200 OK" || a.body != body || a.last {
		t.Fatalf("answered %+v, want %q", a, body)
	}
	return a
}

func TestGatewayKnowsARepeatedRequest(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	first := c.ask(opening, "PNG 1\r\n").want(t, "QNG 1\r\n")
	second := c.ask("SessionID="+first.id, "PNG 2\r\n").want(t, "QNG 2\r\n")
	c.ask("SessionID="+second.id, "PNG 3\r\n").want(t, "QNG 3\r\n") // and this answer is lost
	c.nc.Close()

	c = g.call()
	again := c.ask("SessionID="+second.id, "PNG 3\r\n").want(t, "QNG 3\r\n")
	if heard := g.heard.Load(); heard != 3 {
		t.Errorf("%d commands heard, want 3", heard)
	}
	c.ask("Action=poll&SessionID="+again.id, "").want(t, "")
	c.nc.Close()
	c = g.call()
	c.ask("SessionID="+second.id, "PNG 4\r\n").want(t, "QNG 4\r\n") // an old id, but a new request
}

func TestGatewayServesClientsThatKeepTheirFirstId(t *testing.T) {
	g := newGateworld(t)
	id := g.call().ask(opening, "PNG 0\r\n").want(t, "QNG 0\r\n").id
	for range 3 {
		g.call().ask("SessionID="+id, "PNG 1\r\n").want(t, "QNG 1\r\n")
		g.call().ask("Action=poll&SessionID="+id, "").want(t, "")
	}
	if heard := g.heard.Load(); heard != 4 {
		t.Errorf("%d commands heard, want 4", heard)
	}
}

func TestGatewayHoldsAPollAsLongAsTheClientLikes(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "").want(t, "")
	c.ask("Action=poll&SessionID="+a.id, "").want(t, "")
	server := <-g.conns

	begun := time.Now()
	c.write("Action=poll&Lifespan=30&SessionID="+a.id, "", "")
	server.Send([]byte("NLN 1\r\n"))
	a = c.read().want(t, "NLN 1\r\n")
	c.write("Action=poll&Lifespan=30&SessionID="+a.id, "", "")
	other, over := g.call(), make(chan answered)
	go func() { over <- c.read() }()
	for ended := false; !ended; {
		other.ask("SessionID="+a.id, "PNG 1\r\n").want(t, "QNG 1\r\n") // ends the poll, if it has begun
		select {
		case a = <-over:
			a.want(t, "")
			ended = true
		default:
		}
	}
	c.write("Action=poll&Lifespan=30&SessionID="+a.id, "", "")
	server.Close(conn.Kicked)
	if a := c.read(); !a.last {
		t.Errorf("answered %+v", a)
	}
	if took := time.Since(begun); took > 25*time.Second { // one poll that waits takes thirty
		t.Errorf("took %v", took)
	}
}

func TestGatewayAnswersCommandsThatHaveNoAnswer(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "REM\r\n").want(t, "")
	c.ask("SessionID="+a.id, "REM\r\nPNG 1\r\nREM\r\n").want(t, "QNG 1\r\n")
}

func TestGatewayGivesWholeCommandsInAnyAmount(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "CHG 40 20000\r\n")
	for i, answers := 0, 0; i < 40; answers++ {
		if a.status != "200 OK" || a.last || answers > 50 {
			t.Fatalf("answered %s, last: %t, after %d commands in %d answers", a.status, a.last, i, answers)
		}
		for a.body != "" {
			line, rest, _ := strings.Cut(a.body, "\r\n")
			if line != fmt.Sprintf("CHG %d %s", i, strings.Repeat("x", 20000)) {
				t.Fatalf("command %d is cut, or another: %.20q, %d bytes", i, line, len(line))
			}
			i, a.body = i+1, rest
		}
		if i < 40 {
			a = c.ask("Action=poll&Lifespan=5&SessionID="+a.id, "")
		}
	}
}

func TestGatewayEndsClientsThatDoNotFetch(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "").want(t, "")
	server := <-g.conns
	server.SignedIn()
	for server.Send([]byte(strings.Repeat("x", 1<<16-2) + "\r\n")) {
	}
	if why := <-g.ended; why != conn.Slow {
		t.Errorf("closed for %v", why)
	}
	a = c.ask("Action=poll&SessionID="+a.id, "")
	if !a.last || a.connection != "close" {
		t.Errorf("answered %s, %t, %q", a.status, a.last, a.connection)
	}
	if a := g.call().ask("Action=poll&SessionID="+a.id, ""); a.status != "404 Not Found" || !a.last {
		t.Errorf("afterwards: %+v", a)
	}
}

// A session that the server has ended counts as before, until its client has heard of that or is
// not expected any more.
func TestGatewaySessionsCountUntilTheyAreForgotten(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	g.gate.SetLimits(gate.Limits{StrangersPerAddress: 4})
	var opened [3]answered
	for i := range opened {
		opened[i] = c.ask(opening, "").want(t, "")
		(<-g.conns).Expect(5 * time.Second)
	}
	g.clock.Advance(6 * time.Second)
	for range opened {
		<-g.ended
	}
	c.ask(opening, "").want(t, "")
	if server := g.latest(); !server.Turned() {
		t.Error("one too many is not turned")
	}
	if a := c.ask("SessionID="+opened[0].id, ""); !a.last {
		t.Errorf("the last answer is %+v", a)
	}
	c.nc.Close()
	g.awaitStrangers(2) // one has heard of the end
	g.clock.Advance(time.Minute)
	g.awaitStrangers(0)
}

// awaitStrangers waits until there are so many strangers: that a connection has ended is noticed
// a little later.
func (g *gateworld) awaitStrangers(want int) {
	g.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); g.gate.Strangers() != want; <-tick.C {
		if time.Since(began) > 20*time.Second {
			g.t.Fatalf("%d strangers, want %d", g.gate.Strangers(), want)
		}
	}
}

// A session counts at the gate like a connection over TCP, and those over which they come do
// too.
func TestGatewaySessionsCountForTheirAddress(t *testing.T) {
	g := newGateworld(t)
	g.gate.SetLimits(gate.Limits{PerAddress: 10})
	c := g.call()
	var a answered
	for range 9 {
		a = c.ask(opening, "").want(t, "")
	}
	if got := g.gate.Strangers(); got != 10 {
		t.Errorf("%d strangers", got)
	}
	for range 4 { // may still be told
		c.ask(opening, "").want(t, "")
		if server := g.latest(); !server.Turned() {
			t.Error("one too many is not turned")
		}
	}
	if got := c.ask(opening, ""); got.status != "503 Service Unavailable" {
		t.Errorf("one too many: %+v", got)
	}
	g.gate.SetLimits(gate.Limits{})
	c = g.call()
	if last := c.ask("SessionID="+a.id, "OUT\r\n"); !last.last || last.body != "OUT SSD\r\n" {
		t.Errorf("OUT: %+v", last)
	}
	if got := g.srv.GatewaySessions(); got != 12 {
		t.Errorf("%d sessions", got)
	}
	g.clock.Advance(61 * time.Second)
	for range 13 {
		<-g.ended
	}
	if got := g.srv.GatewaySessions(); got != 0 {
		t.Errorf("%d sessions after a minute of silence", got)
	}
}

// latest returns the connection that was opened last.
func (g *gateworld) latest() (last *conn.Conn) {
	last = <-g.conns
	for len(g.conns) > 0 {
		last = <-g.conns
	}
	return last
}

// What a request took is free again when it is answered, though the connection goes on.
func TestGatewayRequestsAreNotCountedForGood(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "PNG 1\r\n").want(t, "QNG 1\r\n")
	before := g.gate.Held()
	for range 100 { // of more than 200 bytes
		c.ask("SessionID="+a.id, "PNG 2\r\n").want(t, "QNG 2\r\n")
	}
	// What the server behind the gateway has just read may be counted yet.
	if held := g.gate.Held(); held > before+10_000 {
		t.Errorf("strangers hold %d bytes, before it was %d", held, before)
	}
}

// A connection that serves somebody who has signed in is no stranger's any more.
func TestGatewayConnectionsOfPeopleAreNoStrangers(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, "").want(t, "")
	if n := g.gate.Strangers(); n != 2 {
		t.Errorf("%d strangers, want the session and its connection", n)
	}
	(<-g.conns).SignedIn()
	if n := g.gate.Strangers(); n != 1 {
		t.Errorf("%d strangers, want the connection", n)
	}
	c.ask("Action=poll&SessionID="+a.id, "").want(t, "")
	if n, held := g.gate.Strangers(), g.gate.Held(); n != 0 || held != 0 {
		t.Errorf("%d strangers with %d bytes, want none", n, held)
	}
}

func TestGatewayBoundsRequests(t *testing.T) {
	g := newGateworld(t)
	c := g.call()
	a := c.ask(opening, strings.Repeat("REM\r\n", 64<<10/5)).want(t, "")
	if got := c.ask("SessionID="+a.id, strings.Repeat("x", 64<<10+1)); got.status != "413 Request Entity Too Large" {
		t.Errorf("%+v", got)
	}
	g.call().ask("SessionID="+a.id, "PNG 1\r\n").want(t, "QNG 1\r\n")
}

func TestGatewayKeepsConnectionsOnlyWhereItMay(t *testing.T) {
	g := newGateworld(t)
	for name, c := range map[string]struct{ proto, fields, want string }{
		"HTTP/1.1":                       {" HTTP/1.1", "", "Keep-Alive"},
		"HTTP/1.1 for once":              {" HTTP/1.1", "Connection: close\r\n", "close"},
		"HTTP/1.0":                       {" HTTP/1.0", "", "close"},
		"HTTP/1.0 that goes on":          {" HTTP/1.0", "Connection: keep-alive\r\n", "Keep-Alive"},
		"HTTP/1.0 through a proxy":       {" HTTP/1.0", "Proxy-Connection: Keep-Alive\r\n", "Keep-Alive"},
		"no version":                     {"", "", "close"},
		"a proxy that is to close after": {" HTTP/1.1", "Proxy-Connection: close\r\n", "close"},
	} {
		call := g.call()
		_, err := fmt.Fprintf(call.nc, "POST /gateway/gateway.dll?%s%s\r\nHost: gw.example.com\r\n%s\r\n", opening, c.proto, c.fields)
		g.must(err)
		if got := call.read().want(t, "").connection; got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		if c.want != "close" {
			continue
		}
		if rest, err := call.r.Peek(1); err != io.EOF {
			t.Errorf("%s: open after the answer, with %q", name, rest)
		}
	}
	two := "GET /svcs/mms/tabs.asp HTTP/1.1\r\n\r\n"
	if got := g.askHTTP(two + two); strings.Count(got, "HTTP/1.1 200 OK\r\n") != 1 || !strings.Contains(got, "\r\nConnection: close\r\n") {
		t.Errorf("another address answered %q", got)
	}
}

func TestGatewayDoesNotKeepTheServerFromEnding(t *testing.T) {
	g := newGateworld(t)
	resting := g.call()
	resting.ask(opening, "PNG 1\r\n").want(t, "QNG 1\r\n")
	held := g.call()
	a := held.ask(opening, "PNG 2\r\n").want(t, "QNG 2\r\n")
	held.write("Action=poll&Lifespan=30&SessionID="+a.id, "", "")
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	g.must(g.srv.Close(ctx))
	if took := time.Since(begun); took > 25*time.Second { // the poll has thirty
		t.Errorf("took %v", took)
	}
	if _, err := resting.r.Peek(1); err == nil {
		t.Error("more to read")
	}
	for range 2 {
		if why := <-g.ended; why != conn.PeerClosed {
			t.Errorf("closed for %v", why)
		}
	}
}

func TestWithoutGatewayThereIsNone(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.askHTTP("POST /gateway/gateway.dll?" + opening + " HTTP/1.1\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404 Not Found\r\n") {
		t.Errorf("answered %q", got)
	}
	w.srv.Farewell(t.Context())
}
