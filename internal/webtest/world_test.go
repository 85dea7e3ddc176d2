package webtest

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/msntest"
	"monarch/msnclient"
)

// world is a server, and the road that leads browsers to it, which stays the same when the server
// is started again.
type world struct {
	t    *testing.T
	fix  *msntest.Fixture
	p    *msntest.Player
	base string // address of the website

	mu    sync.Mutex            // leaf
	addrs map[string]string     // of the server of the moment, by name
	whole bool                  // whether the road leads there
	conns map[net.Conn]struct{} // on the road
}

// outside stands for the address of servers that say they are elsewhere than on this machine.
const outside = "192.0.2.10"

func newWorld(t *testing.T) *world { return newWorldWith(t, nil) }

// newWorldWith makes a world whose server has other settings.
func newWorldWith(t *testing.T, settings map[string]string) *world {
	return newWorldOf(t, settings, func(all map[string]string) *msntest.Fixture { return msntest.Start(t, all) })
}

// newWorldOf makes a world of a server that start starts, with settings of the world's besides others.
func newWorldOf(t *testing.T, settings map[string]string, start func(all map[string]string) *msntest.Fixture) *world {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, base: "http://" + l.Addr().String(), conns: make(map[net.Conn]struct{})}
	all := map[string]string{"limits.rates": "off", "web.url": w.base}
	maps.Copy(all, settings)
	w.fix = start(all)
	w.p = msntest.NewPlayer(t, w.fix)
	w.mend()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.cut()
		running.Wait()
	})
	return w
}

// carry leads one connection to the server.
func (w *world) carry(c net.Conn) {
	defer c.Close()
	w.mu.Lock()
	to, whole := w.addrs["web"], w.whole
	w.conns[c] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.conns, c)
		w.mu.Unlock()
	}()
	if !whole {
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { // ends with the connection
		_, _ = io.Copy(server, c)
		server.Close()
	}()
	_, _ = io.Copy(c, server)
}

// cut breaks the road: nothing gets through until mend.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = false
	for c := range w.conns {
		c.Close()
	}
}

// mend lets connections through again.
func (w *world) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = true
	w.addrs = make(map[string]string)
	for _, name := range []string{"web", "dispatch", "https"} {
		w.addrs[name] = w.fix.Server.Addr(name)
	}
}

// restart stops the server and starts it again.
func (w *world) restart() {
	w.t.Helper()
	w.p.Play("operator stop\nstopped")
	w.cut()
	w.p.Play("restart")
	w.mend()
}

// signIn signs somebody in on msnclient, who comes back after lost connections.
func (w *world) signIn(nick string) *msnclient.Client {
	w.t.Helper()
	c, err := w.signInAs(nick+"@example.com", "secret-"+nick)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// signInAs does the same with anybody, who may be refused.
func (w *world) signInAs(handle, password string) (*msnclient.Client, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	c, err := msnclient.Dial(ctx, msnclient.Config{
		Handle: handle, Password: password, TLS: &tls.Config{RootCAs: w.fix.Roots()}, Reconnect: true, Dialer: w.dial,
	})
	if err == nil {
		w.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// dial leads the names that clients call to the server of the moment.
func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	switch addr {
	case "messenger.hotmail.com:1863":
		addr = w.addrs["dispatch"]
	case "nexus.passport.com:443", "login.passport.com:443":
		addr = w.addrs["https"]
	}
	w.mu.Unlock()
	if port, found := strings.CutPrefix(addr, outside+":"); found {
		addr = "127.0.0.1:" + port
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// await waits for an event of a type that fits; others are nobody's business.
func await[E msnclient.Event](t *testing.T, c *msnclient.Client, fits func(E) bool) E {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case ev, ok := <-c.Events():
			if !ok {
				t.Fatal("the client is not signed in any more")
			}
			if e, is := ev.(E); is && (fits == nil || fits(e)) {
				return e
			}
		case <-timeout.C:
			var none E
			t.Fatalf("no %T came", none)
		}
	}
}
