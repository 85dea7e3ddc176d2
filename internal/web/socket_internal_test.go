package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/msnp"
)

const testPatience = 30 * time.Second

// told is a server behind a socket that does what it is told.
type told struct {
	c     *conn.Conn
	ended chan conn.Reason
}

// Frame answers PNG x with QNG x, says CHG n SIZE n times in lines of SIZE, and goes with OUT.
func (b *told) Frame(f msnp.Frame) {
	switch f.Verb {
	case "PNG":
		b.c.Send(msnp.AppendLine(nil, "QNG", string(f.Args[0])))
	case "CHG":
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

func (b *told) Closed(why conn.Reason) { b.ended <- why }

// count returns how many sockets there are.
func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// harbour is sockets on a listener.
type harbour struct {
	*sockets
	t      *testing.T
	engine *conn.Engine
	host   string
	caller atomic.Pointer[caller] // nil: nobody has signed in
	over   atomic.Bool            // the sessions of the website
	conns  chan *conn.Conn
	ended  chan conn.Reason
}

// stalling returns limits of an engine that waits so long for progress.
func stalling(d time.Duration) conn.Limits {
	return conn.Limits{QueueBytes: 1 << 20, QueueStall: d, CloseFlush: testPatience, Linger: time.Second, Slow: 4}
}

// newHarbour starts one, which ends with the test. Whoever calls is signed in.
func newHarbour(t *testing.T, change ...func(*harbour)) *harbour {
	t.Helper()
	clk := clock.New()
	t.Cleanup(clk.Close)
	h := &harbour{t: t, conns: make(chan *conn.Conn, 1000), ended: make(chan conn.Reason, 1000)}
	h.caller.Store(&caller{User: 1, Session: "a", From: netip.MustParseAddrPort("192.0.2.7:4711")})
	h.engine = conn.New(conn.Config{
		Kind: conn.Auto, Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(), Limits: stalling(time.Second),
	})
	role := conn.Role{Name: "notification", Grammar: &msnp.Grammar{MaxLine: 100_000}, Open: func(c *conn.Conn) conn.Handler {
		h.conns <- c
		return &told{c, h.ended}
	}}
	h.sockets = newSockets(socketsConfig{
		To: Sockets{Engine: h.engine, Notification: role, Switchboard: func(addr string) (conn.Role, bool) {
			return role, addr == "192.0.2.20:1865"
		}},
		Clock: clk, Origin: "http://msn.example.com", Rates: func() bool { return true },
		Caller: func(*http.Request) (caller, bool) {
			who := h.caller.Load()
			if who == nil {
				return caller{}, false
			}
			return *who, true
		},
		Lasts: func(context.Context, string) (bool, error) { return !h.over.Load(), nil },
	})
	for _, fn := range change {
		fn(h)
	}
	server := httptest.NewServer(h.sockets)
	h.host = strings.TrimPrefix(server.URL, "http://")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testPatience)
		defer cancel()
		if err := h.engine.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		h.stop(ctx)
		if n := h.count(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
		server.Close()
	})
	return h
}

// knock asks for a socket and returns the status of the answer, with the socket if there is one.
func (h *harbour) knock(query, origin string) (int, *websocket.Conn) {
	h.t.Helper()
	header := make(http.Header)
	if origin != "" {
		header.Set("Origin", origin)
	}
	ws, resp, err := websocket.Dial(h.within(), "ws://"+h.host+"/?"+query, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library does
	if resp == nil {
		h.t.Fatal(err)
	}
	if err != nil {
		return resp.StatusCode, nil
	}
	ws.SetReadLimit(-1)
	h.t.Cleanup(func() { _ = ws.CloseNow() })
	return resp.StatusCode, ws
}

// dial opens a socket to the notification server.
func (h *harbour) dial() *websocket.Conn {
	h.t.Helper()
	status, ws := h.knock("server=notification", "http://"+h.host)
	if ws == nil {
		h.t.Fatalf("no socket, but status %d", status)
	}
	return ws
}

func (h *harbour) within() context.Context {
	ctx, cancel := context.WithTimeout(h.t.Context(), testPatience)
	h.t.Cleanup(cancel)
	return ctx
}

func (h *harbour) say(ws *websocket.Conn, text string) {
	h.t.Helper()
	if err := ws.Write(h.within(), websocket.MessageBinary, []byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

// hears reads messages until they make up a text.
func (h *harbour) hears(ws *websocket.Conn, text string) {
	h.t.Helper()
	var heard []byte
	for len(heard) < len(text) {
		kind, b, err := ws.Read(h.within())
		if err != nil || kind != websocket.MessageBinary {
			h.t.Fatalf("heard %q and then %v, %v; want %q", heard, kind, err, text)
		}
		heard = append(heard, b...)
	}
	if string(heard) != text {
		h.t.Fatalf("heard %q, want %q", heard, text)
	}
}

// finishes waits until a connection of the engine has ended, and returns why.
func (h *harbour) finishes() conn.Reason {
	h.t.Helper()
	select {
	case why := <-h.ended:
		return why
	case <-time.After(testPatience):
		h.t.Fatal("the connection does not end")
		return 0
	}
}

// breaksOff waits until a socket has ended without a word.
func (h *harbour) breaksOff(ws *websocket.Conn) {
	h.t.Helper()
	ctx := h.within()
	if _, b, err := ws.Read(ctx); err == nil || ctx.Err() != nil {
		h.t.Fatalf("it goes on: %q, %v", b, err)
	}
	h.finishes()
}

// empties waits until no socket is left.
func (h *harbour) empties() {
	h.t.Helper()
	for limit := time.Now().Add(testPatience); h.count() > 0; {
		if time.Now().After(limit) {
			h.t.Fatalf("%d sockets are left", h.count())
		}
		<-time.After(time.Millisecond)
	}
}

func TestASocketCarriesBytes(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	h.say(ws, "PNG 1\r\n")
	h.hears(ws, "QNG 1\r\n")
	for _, piece := range []string{"PN", "", "G", " 2", "\r", "\nPNG 3\r\nPNG 4"} {
		h.say(ws, piece)
	}
	h.hears(ws, "QNG 2\r\nQNG 3\r\n")
	h.say(ws, "\r\n")
	h.hears(ws, "QNG 4\r\n")
	if peer := (<-h.conns).Peer().String(); peer != "192.0.2.7:4711" {
		t.Errorf("the engine sees %s", peer)
	}
	line := strings.Repeat("x", 900)
	var all strings.Builder
	for i := range 500 {
		fmt.Fprintf(&all, "CHG %d %s\r\n", i, line)
	}
	h.say(ws, "CHG 500 900\r\n")
	h.hears(ws, all.String())
}

func TestASocketToASwitchboard(t *testing.T) {
	h := newHarbour(t)
	_, ws := h.knock("server=switchboard&address=192.0.2.20:1865", "http://msn.example.com")
	if ws == nil {
		t.Fatal("no socket")
	}
	h.say(ws, "PNG 1\r\n")
	h.hears(ws, "QNG 1\r\n")
}

func TestWhoGetsNoSocket(t *testing.T) {
	h := newHarbour(t)
	own := "http://" + h.host
	for name, c := range map[string]struct {
		query, origin string
		status        int
	}{
		"from a page elsewhere":         {"server=notification", "https://evil.example.com", http.StatusForbidden},
		"from a page of a similar name": {"server=notification", "http://msn.example.com.evil.example.net", http.StatusForbidden},
		"the site by another scheme":    {"server=notification", "https://msn.example.com", http.StatusForbidden},
		"from nowhere":                  {"server=notification", "", http.StatusForbidden},
		"from a page without a name":    {"server=notification", "null", http.StatusForbidden},
		"to no server":                  {"", own, http.StatusBadRequest},
		"to an unknown server":          {"server=dispatch", own, http.StatusBadRequest},
		"to an unknown switchboard":     {"server=switchboard&address=192.0.2.99:22", own, http.StatusNotFound},
		"to no switchboard":             {"server=switchboard", own, http.StatusNotFound},
	} {
		if status, _ := h.knock(c.query, c.origin); status != c.status {
			t.Errorf("%s: status %d, want %d", name, status, c.status)
		}
	}
	h.caller.Store(nil)
	if status, _ := h.knock("server=notification", own); status != http.StatusUnauthorized {
		t.Errorf("who has not signed in: status %d", status)
	}
	h.caller.Store(&caller{User: 1})
	resp, err := http.Get(own + "/?server=notification")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
		t.Errorf("a plain request: status %d", resp.StatusCode)
	}
	h.empties()
}

// Whoever can put a page without TLS in the site's place is not let in, though the host is right.
func TestASiteWithTLSTakesNoSocketsOfPagesWithout(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.Origin = "https://msn.example.com" })
	for origin, want := range map[string]int{
		"http://msn.example.com": http.StatusForbidden, "https://msn.example.com": http.StatusSwitchingProtocols,
		"http://" + h.host: http.StatusForbidden, "https://" + h.host: http.StatusForbidden,
	} {
		ws, resp, err := websocket.Dial(h.within(), "ws://"+h.host+"/?server=notification", &websocket.DialOptions{ //nolint:bodyclose // the library does
			Host: "msn.example.com", HTTPHeader: http.Header{"Origin": {origin}},
		})
		if resp == nil {
			t.Fatal(err)
		}
		if err == nil {
			t.Cleanup(func() { _ = ws.CloseNow() })
		}
		if resp.StatusCode != want {
			t.Errorf("a page of %s: status %d, want %d", origin, resp.StatusCode, want)
		}
	}
}

func TestAPersonHasOnlySoManySockets(t *testing.T) {
	h := newHarbour(t)
	var all []*websocket.Conn
	for range maxOfPerson {
		all = append(all, h.dial())
	}
	own := "http://" + h.host
	if status, _ := h.knock("server=notification", own); status != http.StatusTooManyRequests {
		t.Errorf("one more: status %d", status)
	}
	h.caller.Store(&caller{User: 2, Session: "b"})
	h.dial()
	h.caller.Store(&caller{User: 1, Session: "a"})
	_ = all[0].CloseNow()
	h.finishes()
	for limit := time.Now().Add(testPatience); ; {
		if status, ws := h.knock("server=notification", own); ws != nil {
			break
		} else if time.Now().After(limit) {
			t.Fatalf("the place is not free again: status %d", status)
		}
	}
}

func TestTheLastLinesArrive(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	h.say(ws, "CHG 200 900\r\nOUT\r\n")
	var heard bytes.Buffer
	for {
		_, b, err := ws.Read(h.within())
		if err != nil {
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("closed with %v", err)
			}
			break
		}
		heard.Write(b)
	}
	if !strings.HasSuffix(heard.String(), "\r\nOUT SSD\r\n") || heard.Len() < 200*900 {
		t.Errorf("%d bytes, the last %q", heard.Len(), heard.Bytes()[max(0, heard.Len()-20):])
	}
	if why := h.finishes(); why != conn.SignedOut {
		t.Errorf("ended for %v", why)
	}
	h.empties()
}

func TestASocketEndsWithItsSession(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	h.caller.Store(&caller{User: 1, Session: "b"})
	other := h.dial()
	h.hangUp("a")
	h.breaksOff(ws)
	h.say(other, "PNG 1\r\n")
	h.hears(other, "QNG 1\r\n")
}

// A session may end without anybody telling the sockets: it has expired, or there are too many.
func TestASocketNoticesThatItsSessionIsOver(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.pulse = 10 * time.Millisecond })
	ws := h.dial()
	h.say(ws, "PNG 1\r\n")
	h.hears(ws, "QNG 1\r\n")
	h.over.Store(true)
	h.breaksOff(ws)
}

// A session may end while a socket is opened in it, which is too late for hangUp.
func TestASessionThatEndsMeanwhileGetsNoSocket(t *testing.T) {
	h := newHarbour(t)
	h.over.Store(true)
	if status, _ := h.knock("server=notification", "http://"+h.host); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	h.empties()
}

func TestSocketsRefuseWhenTheyStop(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		h.stop(ctx)
		close(stopped)
	}()
	for limit := time.Now().Add(testPatience); ; {
		if status, _ := h.knock("server=notification", "http://"+h.host); status == http.StatusServiceUnavailable {
			break
		} else if time.Now().After(limit) {
			t.Fatalf("one more while stopping: status %d", status)
		}
	}
	h.say(ws, "PNG 1\r\n") // who is there goes on
	h.hears(ws, "QNG 1\r\n")
	cancel()
	<-stopped
}

func TestTextIsNoStretchOfBytes(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	if err := ws.Write(h.within(), websocket.MessageText, []byte("PNG 1\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, b, err := ws.Read(h.within()); err == nil {
		t.Errorf("heard %q", b)
	}
	h.finishes()
	h.empties()
}

func TestAMessageTooLong(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	_ = ws.Write(h.within(), websocket.MessageBinary, bytes.Repeat([]byte("\r\n"), maxMessage)) // it may be cut
	_, _, err := ws.Read(h.within())
	if s := websocket.CloseStatus(err); s != websocket.StatusMessageTooBig && s != -1 {
		t.Errorf("closed with %v", err)
	}
	h.finishes()
	h.empties()
}

// raw opens a socket by hand, so that what follows may be anything.
func (h *harbour) raw() net.Conn {
	h.t.Helper()
	nc, err := net.Dial("tcp", h.host)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { nc.Close() })
	fmt.Fprintf(nc, "GET /?server=notification HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", h.host, h.host)
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b := make([]byte, 1)
		if _, err := nc.Read(b); err != nil {
			h.t.Fatal(err)
		}
		head = append(head, b...)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		h.t.Fatalf("answered %s", head)
	}
	return nc
}

func TestHostileBytes(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.pulse, h.patience = 50*time.Millisecond, 500*time.Millisecond })
	for name, text := range map[string]string{
		"a frame without a mask":           "\x82\x05PNG 1",
		"a frame of the longest length":    "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00PNG",
		"a negative length":                "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00PNG",
		"reserved bits":                    "\xf2\x80\x00\x00\x00\x00",
		"an unknown kind":                  "\x83\x80\x00\x00\x00\x00",
		"the rest of no message":           "\x80\x80\x00\x00\x00\x00",
		"a ping in pieces":                 "\x09\x80\x00\x00\x00\x00",
		"a ping too long":                  "\x89\xfe\x01\x00\x00\x00\x00\x00",
		"a close without a code":           "\x88\x81\x00\x00\x00\x00x",
		"a message within a message":       "\x02\x81\x00\x00\x00\x00P\x82\x81\x00\x00\x00\x00N",
		"text":                             "\x81\x81\x00\x00\x00\x00P",
		"text that never ends":             "\x81\xfe\xff\xff\x00\x00\x00\x00P",
		"compressed, as nobody agreed to":  "\xc2\x81\x00\x00\x00\x00P",
		"what is no command of the engine": "\x82\x82\x00\x00\x00\x00\x00\n" + "\x82\xfe\xff\xff\x00\x00\x00\x00" + strings.Repeat("x", 110_000),
	} {
		nc := h.raw()
		_, _ = io.WriteString(nc, text) // it may be cut
		nc.SetReadDeadline(time.Now().Add(testPatience))
		half := make(chan struct{})
		go func() { // ends with the connection
			defer close(half)
			_, _ = io.Copy(io.Discard, nc)
		}()
		if why := h.finishes(); why == conn.Panicked {
			t.Errorf("%s: %v", name, why)
		}
		nc.Close()
		<-half
	}
	for range 200 {
		nc := h.raw()
		b := make([]byte, rand.IntN(300))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		_, _ = nc.Write(b)
		nc.Close()
		if why := h.finishes(); why == conn.Panicked {
			t.Errorf("%x: %v", b, why)
		}
	}
	h.empties()
}

func TestPingsAreAnsweredWhileTheEngineWaits(t *testing.T) {
	h := newHarbour(t)
	ws := h.dial()
	go func() { _, _, _ = ws.Read(context.Background()) }() // ends with the socket
	for range 100 {
		if err := ws.Ping(h.within()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASlowReader leaves unread what the engine sends, until the engine loses patience.
func TestASlowReader(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.patience = time.Second })
	ws := h.dial()
	c := <-h.conns
	c.SignedIn()
	line := msnp.AppendLine(nil, "CHG", strings.Repeat("x", 90_000))
	for c.Send(line) {
		<-time.After(time.Millisecond)
	}
	if why := h.finishes(); why != conn.Slow {
		t.Errorf("ended for %v", why)
	}
	h.empties()
	_ = ws.CloseNow()
}

// TestASlowReaderWhoReads takes longer than the engine's limit, but always gets on.
func TestASlowReaderWhoReads(t *testing.T) {
	const stall = 5 * time.Second
	h := newHarbour(t, func(h *harbour) { h.engine.SetLimits(stalling(stall)) })
	nc := h.raw()
	if err := nc.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	c := <-h.conns
	line := msnp.AppendLine(nil, "CHG", strings.Repeat("x", 400_000))
	begun := time.Now()
	if !c.Send(line) {
		t.Fatal("not sent")
	}
	buf := make([]byte, 30_000)
	for n := 0; n < len(line); {
		m, err := nc.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		n += m
		<-time.After(20 * time.Millisecond)
	}
	t.Logf("%d bytes in %v, of which %v may go by without progress", len(line), time.Since(begun), stall)
}

func TestABrowserThatHasVanished(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.pulse, h.patience = 10*time.Millisecond, 200*time.Millisecond })
	nc := h.raw() // which answers nothing
	h.finishes()
	h.empties()
	nc.Close()
}

func TestABrowserThatAnswersStays(t *testing.T) {
	h := newHarbour(t, func(h *harbour) { h.pulse, h.patience = time.Millisecond, testPatience })
	var pings atomic.Int64
	ws, _, err := websocket.Dial(h.within(), "ws://"+h.host+"/?server=notification", &websocket.DialOptions{ //nolint:bodyclose // the library does
		HTTPHeader:     http.Header{"Origin": {"http://" + h.host}},
		OnPingReceived: func(context.Context, []byte) bool { pings.Add(1); return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	done := make(chan error, 1)
	go func() {
		_, _, err := ws.Read(h.within())
		done <- err
	}()
	for limit := time.Now().Add(testPatience); pings.Load() < 20; {
		if time.Now().After(limit) {
			t.Fatalf("%d pings came", pings.Load())
		}
		<-time.After(time.Millisecond)
	}
	h.say(ws, "PNG 1\r\n")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestABrowserMaySendOnlySoMuch reads from a connection over which too much has come.
func TestABrowserMaySendOnlySoMuch(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	mine, his := net.Pipe()
	defer mine.Close()
	defer his.Close()
	over := make(chan struct{})
	m := &metered{Conn: mine, clock: clk, rate: clock.Rate{Burst: 10, Per: time.Minute}, over: over}
	go func() { _, _ = his.Write(make([]byte, 100)) }() // is read
	result := make(chan error, 1)
	go func() {
		n, err := m.Read(make([]byte, 100))
		if n != 100 {
			err = fmt.Errorf("%d bytes", n)
		}
		result <- err
	}()
	select {
	case err := <-result:
		t.Errorf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
		close(over)
		if err := <-result; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the end of the wait: %v", err)
		}
	}
}
