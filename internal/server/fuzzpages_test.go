package server_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// inMemory is a listener that nobody needs a port for.
type inMemory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *inMemory) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *inMemory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *inMemory) Addr() net.Addr { return &net.UnixAddr{Net: "memory"} }

// pagePorts are the ways in to what clients call over HTTP.
var pagePorts = []string{"http", "https without TLS", "https"}

// pages is a fuzzWorld with these ways in.
type pages struct {
	*fuzzWorld
	listeners map[string]*inMemory
}

func newPages(tb testing.TB) *pages {
	p := &pages{newFuzzWorld(tb), make(map[string]*inMemory)}
	for _, port := range pagePorts {
		l := &inMemory{conns: make(chan net.Conn), closed: make(chan struct{})}
		p.listeners[port] = l
		go func() { _ = p.Server.ServePages(l, port) }() // ends with the server
	}
	return p
}

// exchange says what eve made up and returns the beginning of the answer, which is empty when
// there was none and the server has closed.
func (p *pages) exchange(tb testing.TB, port string, said []byte) []byte {
	tb.Helper()
	ours, theirs := net.Pipe()
	// Now, because a pipe that the server has closed already takes no deadline.
	if err := ours.SetReadDeadline(time.Now().Add(2 * talkerLimit)); err != nil {
		tb.Fatal(err)
	}
	p.listeners[port].conns <- theirs
	var writing sync.WaitGroup
	defer writing.Wait()
	defer ours.Close()
	writing.Go(func() { _, _ = ours.Write(said) }) // which the server need not read to the end
	var answer []byte
	b := make([]byte, 4<<10)
	for {
		n, err := ours.Read(b)
		answer = append(answer, b[:n]...)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			tb.Fatalf("no answer and no end, but %.200q", answer)
		case err != nil, port == "https" && n > 0, bytes.Contains(answer, []byte("\r\n\r\n")):
			return answer
		}
	}
}

// request checks what holds of any request: it is answered, in HTTP, or the connection
// closes; nothing fails within; bob and carol notice nothing, and in the end all is gone that
// was held for it.
func (p *pages) request(tb testing.TB, port string, input []byte) {
	tb.Helper()
	// Whatever length it announces, the body is there.
	said := append(append([]byte(nil), input...), "\r\n\r\n"+strings.Repeat("x", 64<<10)...)
	answer := p.exchange(tb, port, said)
	if port != "https" && len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) {
		tb.Errorf("answered %.200q", answer)
	}
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 500")) {
		tb.Errorf("the server could not do its work: %.200q", answer)
	}
	p.untouched(tb)
	p.Clock.Advance(aftermath)
	p.settle(tb)
	if n := p.Server.PageFaults(); n != 0 {
		tb.Errorf("%d requests made a handler panic", n)
	}
}

var tunnelID = regexp.MustCompile(`SessionID=([0-9.]+)`)

// fillIn replaces {id} by the number of a session that is open at the gateway.
func (p *pages) fillIn(tb testing.TB, input []byte) []byte {
	tb.Helper()
	if !bytes.Contains(input, []byte("{id}")) {
		return input
	}
	answer := p.exchange(tb, "http", []byte("POST /gateway/gateway.dll?Action=open&Server=NS&IP=messenger.hotmail.com HTTP/1.1\r\n"+
		"Content-Length: 19\r\n\r\nVER 1 MSNP8 CVR0\r\n\n"))
	id := tunnelID.FindSubmatch(answer)
	if id == nil {
		tb.Fatalf("no session at the gateway: %q", answer)
	}
	return bytes.ReplaceAll(input, []byte("{id}"), id[1])
}

// FuzzPages fuzzes requests to what clients call over HTTP and HTTPS, the gateway among them.
func FuzzPages(f *testing.F) {
	for i, input := range pageScripts() {
		for port := range pagePorts {
			if port != 2 || i%4 == 0 {
				f.Add(uint8(port), []byte(input))
			}
		}
	}
	p := newPages(f)
	f.Fuzz(func(t *testing.T, port uint8, input []byte) {
		if len(input) > longestInput {
			return
		}
		// One that asks to wait long is not to hold up the others.
		input = bytes.ReplaceAll(input, []byte("Lifespan"), []byte("Lifetime"))
		p.request(t, pagePorts[int(port)%len(pagePorts)], p.fillIn(t, input))
	})
}

func pageScripts() []string {
	const gateway = "POST /gateway/gateway.dll?"
	return []string{
		"", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0", "GET /", "HEAD /help HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
		"GET /rdr/pprdr.asp\r\n\r\n", "GET /config/MsgrConfig.asmx HTTP/1.1\r\nHost: config.messenger.msn.com\r\n\r\n",
		"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom," +
			"sign-in=bob%40example.com,pwd=secret-bob,lc=1033,id=507,tw=40,fs=1,ct=1,kpp=1,kv=5,ver=2.1.0173.1,tpf=0\r\nHost: login.passport.com\r\n\r\n",
		"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 sign-in=bob%40example.com,pwd=wrong\r\n\r\n",
		"POST /RST.srf HTTP/1.1\r\nContent-Length: 90\r\n\r\n<Envelope><Username>bob@example.com</Username><Password>secret-bob</Password></Envelope>  ",
		"POST /ppsecure/md5auth.srf?lc=1033 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 34\r\n\r\nmode=ttl&login=bob&auth=x&creds=yz",
		gateway + "Action=open&Server=NS&IP=messenger.hotmail.com HTTP/1.1\r\nContent-Length: 18\r\n\r\nVER 1 MSNP8 CVR0\r\n",
		gateway + "Action=open&Server=SB&IP=127.0.0.1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nOUT\r\n",
		gateway + "Action=open&Server=XX HTTP/1.1\r\n\r\n", gateway + "Action=poll&SessionID={id} HTTP/1.1\r\n\r\n", gateway + "SessionID=1.2 HTTP/1.1\r\n\r\n",
		gateway + "SessionID={id} HTTP/1.1\r\nContent-Length: 30\r\n\r\nUSR 3 TWN I eve@example.com\r\n.",
		gateway + "SessionID={id} HTTP/1.1\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nOUT\r\n" + gateway + "SessionID={id} HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 9000) + "\r\n\r\n",
		"GET http://login.passport.com:443/login2.srf?x#y HTTP/1.1\r\n\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", "\x80\x2e\x01\x00\x02", "\x00GET / HTTP/1.1\r\n\r\n",
	}
}
