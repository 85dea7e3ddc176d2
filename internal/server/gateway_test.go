package server_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// These tests speak to the gateway as libpurple does: its requests byte for byte, and its
// way of reading what comes back. docs/protocol/passport.md#gateway

// overHTTP is one connection of libpurple over HTTP.
type overHTTP struct {
	t    *testing.T
	addr string
	nc   net.Conn
	r    *bufio.Reader

	id, host string // as the last answer has them
	closed   bool   // the session is over
	heard    []heard
	polls    int
}

// heard is a command from the server.
type heard struct {
	line    string
	payload []byte
}

func newOverHTTP(t *testing.T, f *msntest.Fixture) *overHTTP {
	h := &overHTTP{t: t, addr: f.Server.Addr("http"), host: "gateway.messenger.hotmail.com"}
	t.Cleanup(h.hangUp)
	return h
}

// hangUp ends the TCP connection, which is not the end of the session.
func (h *overHTTP) hangUp() {
	if h.nc != nil {
		h.nc.Close()
		h.nc = nil
	}
}

// open begins a session with a command, which libpurple always has.
func (h *overHTTP) open(server, ip, body string) {
	h.t.Helper()
	h.exchange("Action=open&Server="+server+"&IP="+ip, body)
}

// send sends a command, and a payload where there is one.
func (h *overHTTP) send(line string, payload []byte) {
	h.t.Helper()
	line = strings.ReplaceAll(line, "{n}", strconv.Itoa(len(payload)))
	h.exchange("SessionID="+h.id, line+"\r\n"+string(payload))
}

func (h *overHTTP) poll() {
	h.t.Helper()
	h.polls++
	h.exchange("Action=poll&SessionID="+h.id, "")
}

// request returns what libpurple writes, in one piece.
func (h *overHTTP) request(params, body string) string {
	return fmt.Sprintf("POST http://%s/gateway/gateway.dll?%s HTTP/1.1\r\n"+
		"Accept: */*\r\n"+
		"Accept-Language: en-us\r\n"+
		"User-Agent: MSMSGS\r\n"+
		"Host: %s\r\n"+
		"Proxy-Connection: Keep-Alive\r\n"+
		"Connection: Keep-Alive\r\n"+
		"Pragma: no-cache\r\n"+
		"Content-Type: application/x-msn-messenger\r\n"+
		"Content-Length: %d\r\n\r\n%s", h.host, params, h.host, len(body), body)
}

func (h *overHTTP) exchange(params, body string) {
	h.t.Helper()
	h.write(h.request(params, body))
	status, header, answer := h.read()
	if status != "HTTP/1.1 200 OK" {
		h.t.Fatalf("%s %q: %s", params, body, status)
	}
	h.take(header, answer)
}

// write sends bytes, over a new connection where there is none.
func (h *overHTTP) write(s string) {
	h.t.Helper()
	if h.nc == nil {
		nc, err := net.Dial("tcp", h.addr)
		if err != nil {
			h.t.Fatal(err)
		}
		h.nc, h.r = nc, bufio.NewReader(nc)
	}
	if err := h.nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.WriteString(h.nc, s); err != nil {
		h.t.Fatal(err)
	}
}

// read takes one answer in.
func (h *overHTTP) read() (status string, header map[string]string, body []byte) {
	h.t.Helper()
	header = make(map[string]string)
	for {
		text, err := h.r.ReadString('\n')
		if err != nil {
			h.t.Fatalf("read answer: %v", err)
		}
		line, ok := strings.CutSuffix(text, "\r\n")
		name, value, colon := strings.Cut(line, ": ")
		switch {
		case !ok:
			h.t.Fatalf("the header line %q ends in LF alone", text)
		case status == "":
			status = line
		case colon:
			header[name] = value
		}
		if line == "" {
			break
		}
	}
	size, err := strconv.Atoi(header["Content-Length"])
	if err != nil {
		h.t.Fatalf("no Content-Length in %v", header)
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(h.r, body); err != nil {
		h.t.Fatal(err)
	}
	return status, header, body
}

// take does with an answer what libpurple does, which crashes on an id without a dot, and
// forgets a command that is not whole.
func (h *overHTTP) take(header map[string]string, body []byte) {
	h.t.Helper()
	if got := header["Content-Type"]; got != "application/x-msn-messenger" {
		h.t.Fatalf("the content type is %q", got)
	}
	for _, elem := range strings.Split(header["X-MSN-Messenger"], "; ") {
		switch name, value, _ := strings.Cut(elem, "="); name {
		case "SessionID":
			h.id = value
		case "GW-IP":
			h.host = value
		case "Session":
			h.closed = value == "close"
		}
	}
	if !strings.Contains(h.id, ".") || len(h.id) > 39 || h.host == "" {
		h.t.Fatalf("X-MSN-Messenger: %s", header["X-MSN-Messenger"])
	}
	if ends := header["Connection"] == "close"; ends != h.closed {
		h.t.Fatalf("Connection: %s, and the session is closed: %t", header["Connection"], h.closed)
	}
	if h.closed {
		h.hangUp()
	}
	for len(body) > 0 {
		line, rest, ok := strings.Cut(string(body), "\r\n")
		if !ok {
			h.t.Fatalf("half a command at the end of an answer: %q", body)
		}
		c := heard{line: line}
		body = []byte(rest)
		if words := strings.Split(line, " "); words[0] == "MSG" {
			n, err := strconv.Atoi(words[len(words)-1])
			if err != nil || n > len(body) {
				h.t.Fatalf("%q, and %d bytes left in the answer", line, len(body))
			}
			c.payload, body = body[:n], body[n:]
		}
		h.heard = append(h.heard, c)
	}
}

// next returns the next command, polling for it.
func (h *overHTTP) next() heard {
	h.t.Helper()
	for limit := time.Now().Add(30 * time.Second); len(h.heard) == 0; h.poll() {
		if h.closed || time.Now().After(limit) {
			h.t.Fatalf("nothing more comes; the session is closed: %t", h.closed)
		}
	}
	c := h.heard[0]
	h.heard = h.heard[1:]
	return c
}

// hear takes the next command, of which a * at the end stands for anything.
func (h *overHTTP) hear(want string) heard {
	h.t.Helper()
	got := h.next()
	start, open := strings.CutSuffix(want, "*")
	if got.line != want && (!open || !strings.HasPrefix(got.line, start)) {
		h.t.Fatalf("< %q, want %q", got.line, want)
	}
	return got
}

// hearClose waits for the end of the session, with these lines before it.
func (h *overHTTP) hearClose(lines ...string) {
	h.t.Helper()
	for _, line := range lines {
		h.hear(line)
	}
	for limit := time.Now().Add(30 * time.Second); !h.closed; h.poll() {
		if len(h.heard) > 0 || time.Now().After(limit) {
			h.t.Fatalf("the session is not closed; unread: %v", h.heard)
		}
	}
}

// signIn does what libpurple does up to its first status. IP is a host without a port, which
// for libpurple is that of the dispatch server and after an XFR another.
func (h *overHTTP) signIn(p *msntest.Player, who string) {
	h.t.Helper()
	handle := p.User(who).Handle
	h.open("NS", "messenger.hotmail.com", "VER 1 MSNP9 MSNP8 CVR0\r\n")
	h.hear("VER 1 MSNP9 CVR0")
	h.send("CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS "+handle, nil)
	h.hear("CVR 2 6.0.0602 *")
	h.send("USR 3 TWN I "+handle, nil)
	h.hear("USR 3 TWN S lc=*")
	p.Play("ticket " + who)
	h.send("USR 4 TWN S "+p.Value("ticket"+who), nil)
	h.hear("USR 4 OK " + handle + " *")
	profile := h.hear("MSG Hotmail Hotmail *")
	if !bytes.Contains(profile.payload, []byte("\r\nClientIP: 127.0.0.1\r\n")) {
		h.t.Errorf("the profile does not have the address of the client: %q", profile.payload)
	}
	h.send("SYN 5 0", nil)
	h.hear("SYN 5 *")
	h.send("CHG 6 NLN 268435492", nil)
	for !strings.HasPrefix(h.next().line, "CHG 6 NLN ") {
	}
	if h.polls > 0 {
		h.t.Errorf("answers had to be polled for, %d times: signing in would take as often two seconds", h.polls)
	}
	h.answerChallenge()
}

// answerChallenge answers the one that comes after the first status.
func (h *overHTTP) answerChallenge() {
	h.t.Helper()
	for {
		text, ok := strings.CutPrefix(h.next().line, "CHL 0 ")
		if !ok {
			continue // somebody who is online
		}
		h.send("QRY 7 PROD0038W!61ZTF9 {n}", fmt.Appendf(nil, "%x", md5.Sum([]byte(text+"VT6PX?UQTM4WM%YR"))))
		h.hear("QRY 7")
		return
	}
}

// callBob makes alice, on the gateway, open a conversation with bob, who is on TCP.
func callBob(h *overHTTP, f *msntest.Fixture, p *msntest.Player) *overHTTP {
	h.t.Helper()
	h.send("XFR 8 SB", nil)
	words := strings.Split(h.hear("XFR 8 SB *").line, " ")
	host, _, err := net.SplitHostPort(words[3])
	if err != nil || len(words) != 6 {
		h.t.Fatalf("%q: %v", words, err)
	}
	sb := newOverHTTP(h.t, f)
	sb.open("SB", host, "USR 1 alice@example.com "+words[5]+"\r\n")
	sb.hear("USR 1 OK alice@example.com Alice")
	sb.send("CAL 2 bob@example.com", nil)
	sb.hear("CAL 2 RINGING *")
	p.Play(`B.ns< RNG {sid} {addr} CKI {cookie} alice@example.com Alice
		B.sb> ANS 1 bob@example.com {cookie} {sid}
		B.sb< IRO 1 1 1 alice@example.com Alice
		B.sb< ANS 1 OK`)
	sb.hear("JOI bob@example.com Bob")
	return sb
}

func TestGatewayCarriesASignInAndAChat(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	p.Play("mutual alice bob\nsignin9 B")
	ns := newOverHTTP(t, f)
	ns.signIn(p, "A")
	p.Play("B.ns< NLN NLN alice@example.com Alice 268435492")
	if polls := metric(t, f, "monarch_gateway_sessions"); polls != "1" {
		t.Errorf("%s sessions counted", polls)
	}
	sb := callBob(ns, f, p)

	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	binary := append([]byte("MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: bob@example.com\r\n\r\n"), every...)
	bob := p.Conn("B.sb")
	sb.send("MSG 3 D {n}", binary)
	sb.hear("ACK 3")
	if got := hear(t, bob, fmt.Sprintf("MSG alice@example.com Alice %d", len(binary))); !bytes.Equal(got, binary) {
		t.Errorf("bob got %q", got)
	}
	say(t, bob, "MSG 4 D {n}", binary)
	if got := sb.hear(fmt.Sprintf("MSG bob@example.com Bob %d", len(binary))); !bytes.Equal(got.payload, binary) {
		t.Errorf("alice got %q", got.payload)
	}
	hear(t, bob, "ACK 4")

	sb.send("OUT", nil)
	sb.hearClose()
	p.Play("B.sb< BYE alice@example.com")
	ns.send("OUT", nil)
	ns.hearClose()
	p.Play("wait 20s\nB.ns< FLN alice@example.com")
	p.Finish()
	if left := metric(t, f, "monarch_gateway_sessions"); left != "0" {
		t.Errorf("%s sessions left", left)
	}
}

// metric returns the value of a metric without labels.
func metric(t *testing.T, f *msntest.Fixture, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(string(scrape(t, f)), "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// TestGatewayServesOtherForms is what other clients write: aMSN's empty beginning in origin
// form, commands in pieces, several requests at once.
func TestGatewayServesOtherForms(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	h := newOverHTTP(t, f)
	h.write("POST /gateway/gateway.dll?Action=open&Server=NS&IP=messenger.hotmail.com HTTP/1.1\r\n" +
		"Content-Type: text/xml; charset=utf-8\r\nContent-Length: 0\r\nHost: " + h.addr + "\r\n\r\n")
	_, header, body := h.read()
	h.take(header, body)
	if len(body) > 0 || h.host != h.addr {
		t.Errorf("opened with %q at %s, want nothing at %s", body, h.host, h.addr)
	}
	for _, piece := range strings.SplitAfter("VER 1 MSNP9 CVR0\r\nCVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com\r\n", "1 ") {
		h.exchange("SessionID="+h.id, piece)
	}
	h.hear("VER 1 MSNP9 CVR0")
	h.hear("CVR 2 *")

	command := h.request("SessionID="+h.id, "PNG\r\nUSR 3 TWN I alice@example.com\r\n")
	poll := h.request("Action=poll&SessionID="+h.id, "")
	h.write(command + poll + poll)
	for range 3 {
		_, header, body := h.read()
		h.take(header, body)
	}
	h.hear("USR 3 TWN S *")
	h.poll()
	if len(h.heard) > 0 {
		t.Errorf("heard again: %v", h.heard)
	}
	h.send("FOO", nil)
	h.hearClose()
}

// TestGatewaySessionsAreTheirOwn mixes two sessions over one connection, and one over two.
func TestGatewaySessionsAreTheirOwn(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	a, b := newOverHTTP(t, f), newOverHTTP(t, f)
	a.open("NS", "messenger.hotmail.com", "VER 1 MSNP9 CVR0\r\n")
	b.open("NS", "messenger.hotmail.com", "VER 2 MSNP8 CVR0\r\n")
	a.hear("VER 1 MSNP9 CVR0")
	b.hear("VER 2 MSNP8 CVR0")
	a.nc, b.nc = b.nc, a.nc
	a.r, b.r = b.r, a.r
	a.send("USR 3 TWN I alice@example.com", nil)
	a.hear("USR 3 TWN S *")
	a.hangUp()
	a.send("USR 4 TWN I alice@example.com", nil)
	a.hear("USR 4 TWN S *")
	b.send("USR 5 TWN I bob@example.com", nil)
	b.hear("USR 5 TWN S *")
	if a.id == b.id {
		t.Errorf("both are %s", a.id)
	}
}

// TestGatewayRefuses is what nobody can be served with.
func TestGatewayRefuses(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	for name, c := range map[string]struct{ params, status string }{
		"a session nobody has":    {"SessionID=123456789.12345", "404 Not Found"},
		"a poll for one":          {"Action=poll&SessionID=123456789.12345", "404 Not Found"},
		"an id without a dot":     {"SessionID=123456789", "400 Bad Request"},
		"an id that is none":      {"SessionID=1.2;%20Session=open", "400 Bad Request"},
		"no parameters":           {"", "400 Bad Request"},
		"an unknown action":       {"Action=dance&SessionID=1.2", "400 Bad Request"},
		"an unknown server":       {"Action=open&Server=FT&IP=127.0.0.1", "400 Bad Request"},
		"a switchboard of nobody": {"Action=open&Server=SB&IP=192.0.2.1", "404 Not Found"},
	} {
		h := newOverHTTP(t, f)
		h.write(h.request(c.params, "PNG\r\n"))
		status, header, body := h.read()
		if status != "HTTP/1.1 "+c.status || len(body) > 0 {
			t.Errorf("%s: %s %q", name, status, body)
		}
		if said := header["X-MSN-Messenger"]; strings.Contains(name, "session nobody") && !strings.HasSuffix(said, "; Session=close") {
			t.Errorf("%s: %q", name, said)
		}
	}
	resp, err := http.Get("http://" + f.Server.Addr("http") + "/gateway/gateway.dll")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", resp.Status)
	}
}

// TestGatewayForgetsSilentClients lets a client on the gateway vanish.
func TestGatewayForgetsSilentClients(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	p.Play("mutual alice bob\nsignin9 B")
	h := newOverHTTP(t, f)
	h.signIn(p, "A")
	p.Play("B.ns< NLN NLN alice@example.com Alice 268435492\nwait 59s")
	h.send("PNG", nil) // it is not too late
	h.hear("QNG 60")
	p.Play("wait 59s")
	h.poll()
	p.Play("wait 61s\nB.ns< FLN alice@example.com")
	counted := `monarch_connections_closed_total{reason="peer_closed",role="notification"} 1`
	for limit := time.Now().Add(30 * time.Second); !bytes.Contains(scrape(t, f), []byte(counted)); {
		if time.Now().After(limit) {
			t.Fatalf("the reason is not counted:\n%s", scrape(t, f))
		}
	}
	h.write(h.request("Action=poll&SessionID="+h.id, ""))
	if status, _, _ := h.read(); status != "HTTP/1.1 404 Not Found" {
		t.Errorf("after the end: %s", status)
	}
	p.Finish()
}

// TestGatewayTellsWhoEndsIt ends sessions from outside: by a second sign-in, by an operator,
// and by the end of the server.
func TestGatewayTellsWhoEndsIt(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	first, second := newOverHTTP(t, f), newOverHTTP(t, f)
	first.signIn(p, "A")
	second.signIn(p, "A")
	first.hearClose("OUT OTH")
	second.send("PNG", nil)
	second.hear("QNG 60")
	p.Play("operator kick alice")
	second.hearClose("OUT SSD")

	last := newOverHTTP(t, f)
	last.signIn(p, "B")
	p.Play("operator stop")
	last.hearClose("OUT SSD")
	begun := time.Now()
	p.Play("stopped")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the server took %v to end after everybody had been told", took)
	}
}
