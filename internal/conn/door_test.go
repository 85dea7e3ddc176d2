package conn_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/msnp"
)

// watch is a door that keeps books.
type watch struct {
	as   conn.Standing // of newcomers
	most int           // bytes for strangers

	mu     sync.Mutex
	events []string
	held   int
}

func (d *watch) door() conn.Door {
	names := map[conn.Standing]string{conn.Stranger: "stranger", conn.Turned: "turned", conn.SignedIn: "signed in"}
	note := func(what string, from netip.Addr) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.events = append(d.events, what+" "+from.String())
	}
	return conn.Door{
		Enter:    func(role string, from netip.Addr) conn.Standing { note("enter "+role, from); return d.as },
		SignedIn: func(from netip.Addr) { note("signed in", from) },
		Leave:    func(from netip.Addr, as conn.Standing) { note("leave as "+names[as], from) },
		Hold: func(_ string, bytes int) bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			if bytes > 0 && d.held+bytes > d.most {
				return false
			}
			d.held += bytes
			return true
		},
	}
}

// heldNow returns what strangers hold.
func (d *watch) heldNow() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held
}

// saw checks what the door was told, in whichever order, once everybody has left.
func (d *watch) saw(w *world, want ...string) {
	w.Helper()
	w.shutdown()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.events)
	slices.Sort(want)
	if got, want := strings.Join(d.events, "\n"), strings.Join(want, "\n"); got != want {
		w.Errorf("the door saw\n%s\nwant\n%s", got, want)
	}
	if d.held != 0 {
		w.Errorf("%d bytes are held for ever", d.held)
	}
}

// through runs a test with a door.
func through(t *testing.T, as conn.Standing, most int, test func(*world, *watch)) {
	limits := usual
	limits.Linger = time.Millisecond
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			d := &watch{as: as, most: most}
			w := newWorld(t, conn.Config{Kind: kind, Limits: limits, Door: d.door()})
			test(w, d)
		})
	}
}

// signsIn makes USR a sign-in, quick or slow, and answers CAL with a kilobyte.
func signsIn(c *conn.Conn, f msnp.Frame) {
	switch f.Verb {
	case msnp.USR:
		c.SignedIn()
		c.SignedIn() // changes nothing
	case msnp.ANS:
		reply := answer(c, f)
		c.Go(func(ctx context.Context) {
			c.SignedIn()
			reply(ctx)
		})
		return
	case msnp.CAL:
		c.Send([]byte("CAL " + strings.Repeat("x", 1000) + "\r\n"))
		return
	}
	echo(c, f)
}

func TestTheDoorHearsOfEverybody(t *testing.T) {
	through(t, conn.Stranger, 1<<20, func(w *world, d *watch) {
		s := w.listen(script{frame: signsIn})
		c := s.dial()
		c.say("PNG\r\nUSR 1\r\n")
		c.hear("PNG", "USR 1")
		c.Close()
		s.closed(conn.PeerClosed)
		c = s.dial()
		c.say("ANS 1\r\n")
		c.hear("ANS 1")
		c.Close()
		s.closed(conn.PeerClosed)
		c = s.dial()
		c.ping()
		c.Close()
		s.closed(conn.PeerClosed)
		d.saw(
			w, "enter test 127.0.0.1", "signed in 127.0.0.1", "leave as signed in 127.0.0.1",
			"enter test 127.0.0.1", "signed in 127.0.0.1", "leave as signed in 127.0.0.1",
			"enter test 127.0.0.1", "leave as stranger 127.0.0.1",
		)
	})
}

func TestTheBarredAreNotServed(t *testing.T) {
	through(t, conn.Barred, 1<<20, func(w *world, d *watch) {
		s := w.listen(script{open: func(*conn.Conn) { w.Error("a handler for one who is barred") }})
		if nc, err := net.Dial("tcp", s.addr); err == nil { // else it was reset already
			w.client(nc).cut()
		}
		ours, theirs := net.Pipe()
		defer theirs.Close()
		if w.engine.Attach(ours, s.role()) {
			w.Error("attached one who is barred")
		}
		w.client(theirs).ended()
		d.saw(w, "enter test 127.0.0.1", "enter test invalid IP")
	})
}

func TestTheTurnedCanBeTold(t *testing.T) {
	through(t, conn.Turned, 1<<20, func(w *world, d *watch) {
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if !c.Turned() {
				w.Error("nobody knows that it is turned")
			}
			c.SignedIn() // changes nothing
			echo(c, f)
			c.Close(conn.Flood)
		}})
		c := s.dial()
		c.say("PNG\r\n")
		c.hear("PNG")
		c.ended()
		s.closed(conn.Flood)
		d.saw(w, "enter test 127.0.0.1", "leave as turned 127.0.0.1")
	})
}

// Whoever needs more than strangers may take together is closed; others go on.
func TestStrangersShareWhatThereIs(t *testing.T) {
	through(t, conn.Stranger, 12<<10, func(w *world, d *watch) {
		s := w.listen(script{frame: signsIn})
		known := s.dial()
		known.say("USR 1\r\n")
		known.hear("USR 1")
		for range 20 {
			s.dial().say("CAL 1") // half a line each
		}
		s.closed(conn.Flood)
		known.say(message(1, strings.Repeat("x", 100_000)))
		known.hear("MSG 1 U 100000")
		if n := d.heldNow(); n == 0 || n > 12<<10 {
			w.Errorf("strangers hold %d bytes", n)
		}
		w.shutdown()
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.held != 0 {
			w.Errorf("%d bytes are held for ever", d.held)
		}
	})
}

// A stranger who does not read is read from no longer, long before somebody who has signed in.
func TestLittleOutputWaitsForAStranger(t *testing.T) {
	through(t, conn.Stranger, 1<<20, func(w *world, d *watch) {
		s := w.listen(script{frame: signsIn})
		ours, theirs := net.Pipe() // which takes nothing before it is read
		w.engine.Attach(ours, s.role())
		c, bystander := w.client(theirs), s.dial()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = theirs.Write([]byte(strings.Repeat("CAL 1\r\n", 100))) // it may be cut off
		}()
		s.idle(bystander)
		if n := d.heldNow(); n > 40<<10 {
			w.Errorf("a stranger holds %d bytes", n)
		}
		c.Close()
		<-done
		s.closed(conn.PeerClosed, conn.Broken, conn.PeerReset, conn.Slow)
	})
}

// proxied is a TCP connection with another address.
type proxied struct{ *net.TCPConn }

func (p proxied) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.7:4321"))
}

func (p proxied) Direct() *net.TCPConn { return p.TCPConn }

// proxying is a listener of such connections.
type proxying struct{ net.Listener }

func (p proxying) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return proxied{c.(*net.TCPConn)}, nil
}

// A connection through a proxy is driven like any other.
func TestProxiedConnectionsHaveTheirOwnAddress(t *testing.T) {
	through(t, conn.Stranger, 1<<20, func(w *world, d *watch) {
		peers := make(chan string, 1)
		script := script{open: func(c *conn.Conn) { peers <- c.Peer().String() }}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.Fatal(err)
		}
		s := &site{w: w, script: script, addr: l.Addr().String(), reasons: make(chan conn.Reason, 1)}
		w.serve(proxying{l}, s.role())
		c := s.dial()
		c.ping()
		if peer := <-peers; peer != "192.0.2.7:4321" {
			w.Errorf("the peer is %s", peer)
		}
		c.Close()
		s.closed(conn.PeerClosed)
		d.saw(w, "enter test 192.0.2.7", "leave as stranger 192.0.2.7")
	})
}
