package gate

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const patience = 20 * time.Second

// listen returns the gate's listener on the loopback.
func (d *door) listen() net.Listener {
	d.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	guarded := d.Listen("dispatch", l)
	d.t.Cleanup(func() { guarded.Close() })
	return guarded
}

// dial connects and says something.
func (d *door) dial(l net.Listener, text string) net.Conn {
	d.t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text) // which fails when the other side has closed
	return c
}

// knock connects to be refused, which may show already while connecting.
func (d *door) knock(l net.Listener, text string) {
	d.t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text) // as above
	d.gone(c)
}

// take returns the next connection.
func (d *door) take(l net.Listener) net.Conn {
	d.t.Helper()
	c, err := l.Accept()
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	return c
}

// gone checks that the other side has closed, without a word.
func (d *door) gone(c net.Conn) {
	d.t.Helper()
	b, err := io.ReadAll(c)
	if e, ok := err.(net.Error); len(b) > 0 || ok && e.Timeout() { //nolint:errorlint // it is the error itself
		d.t.Errorf("%q, %v", b, err)
	}
}

var loopback = prefixes("127.0.0.0/8")

func TestDeniedNetworksAreClosed(t *testing.T) {
	d := newDoor(t, Networks{Deny: loopback}, Limits{})
	l := d.listen()
	d.knock(l, "")
	d.counts(Denied, "1")
	d.SetNetworks(Networks{Deny: loopback, Allow: prefixes("127.0.0.1/32")})
	c := d.dial(l, "hello")
	got := d.take(l)
	if got.RemoteAddr().String() != c.LocalAddr().String() {
		t.Errorf("%v, want %v", got.RemoteAddr(), c.LocalAddr())
	}
}

func TestProxiesSayForWhom(t *testing.T) {
	d := newDoor(t, Networks{Proxies: loopback, Deny: prefixes("203.0.113.0/24")}, Limits{})
	l := d.listen()
	slow := d.dial(l, "PROXY TCP4 192.0.2.7")
	d.dial(l, "PROXY TCP4 192.0.2.8 10.0.0.1 4321 1863\r\nVER 1 MSNP9\r\n")
	got := d.take(l)
	if got.RemoteAddr().String() != "192.0.2.8:4321" {
		t.Errorf("%v", got.RemoteAddr())
	}
	if _, ok := got.(interface{ Direct() *net.TCPConn }); !ok {
		t.Error("it cannot be had directly")
	}
	line := make([]byte, len("VER 1 MSNP9\r\n"))
	if _, err := io.ReadFull(got, line); err != nil || string(line) != "VER 1 MSNP9\r\n" {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := io.WriteString(slow, " 10.0.0.1 4322 1863\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := d.take(l); got.RemoteAddr().String() != "192.0.2.7:4322" {
		t.Errorf("%v", got.RemoteAddr())
	}
	d.knock(l, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 1863\r\n")
	d.counts(Denied, "1")
	d.knock(l, "VER 1 MSNP9 MSNP8 CVR0\r\n")
	d.counts(Malformed, "1")

	check := d.dial(l, "PROXY UNKNOWN\r\n")
	if got := d.take(l); got.RemoteAddr().String() != check.LocalAddr().String() {
		t.Errorf("for itself the proxy is %v", got.RemoteAddr())
	}
}

func TestAProxyCannotKeepManyWaiting(t *testing.T) {
	d := newDoor(t, Networks{Proxies: loopback}, Limits{Strangers: 3})
	l := d.listen()
	var waiting []net.Conn
	for range 3 {
		waiting = append(waiting, d.dial(l, "PROXY TCP4 192.0.2.7"))
	}
	d.knock(l, "")
	d.counts(TooManyAtTheProxy, "1")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range waiting {
		d.gone(c)
	}
	if _, err := l.Accept(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("accepting after the end: %v", err)
	}
	if l.Close() == nil {
		t.Error("closed twice")
	}
}

// What was accepted but nobody took is closed with the listener.
func TestCloseLeavesNobodyBehind(t *testing.T) {
	d := newDoor(t, Networks{Proxies: prefixes("127.0.0.2/32")}, Limits{})
	l := d.listen()
	c := d.dial(l, "hello")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	d.gone(c)
}
