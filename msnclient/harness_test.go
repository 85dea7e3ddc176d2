package msnclient_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"monarch/internal/msntest"
	"monarch/msnclient"
	"monarch/msnp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// world is a server with its people, as clients reach it.
type world struct {
	t     testing.TB
	f     *msntest.Fixture
	p     *msntest.Player
	mu    sync.Mutex
	addrs map[string]string // of the names that clients call
}

func newWorld(t testing.TB, settings map[string]string) *world {
	t.Helper()
	f := msntest.Start(t, settings)
	w := &world{t: t, f: f, p: msntest.NewPlayer(t, f)}
	w.look()
	return w
}

// look finds out where the server listens.
func (w *world) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addrs = map[string]string{
		"messenger.hotmail.com:1863": w.f.Server.Addr("dispatch"),
		"nexus.passport.com:443":     w.f.Server.Addr("https"),
		"login.passport.com:443":     w.f.Server.Addr("https"),
	}
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	if to, ok := w.addrs[addr]; ok {
		addr = to
	}
	w.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// config is that of somebody with one of the fixture's accounts.
func (w *world) config(nick string, v msnp.Version) msnclient.Config {
	return msnclient.Config{
		Handle: nick + "@example.com", Password: "secret-" + nick, Version: v,
		TLS: &tls.Config{RootCAs: w.f.Roots()}, Dialer: w.dial,
	}
}

// user is a signed-in client and what it has been told.
type user struct {
	*msnclient.Client
	t    testing.TB
	seen []msnclient.Event // and not yet asked for
}

// signIn signs somebody in; the client ends with the test.
func (w *world) signIn(nick string, v msnp.Version, change ...func(*msnclient.Config)) *user {
	w.t.Helper()
	cfg := w.config(nick, v)
	for _, f := range change {
		f(&cfg)
	}
	c, err := msnclient.Dial(within(w.t), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return &user{Client: c, t: w.t}
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// expect waits for an event of a type that fits, leaving the others for later.
func expect[E msnclient.Event](u *user, fits func(E) bool) E {
	u.t.Helper()
	for i, ev := range u.seen {
		if e, ok := ev.(E); ok && (fits == nil || fits(e)) {
			u.seen = append(u.seen[:i], u.seen[i+1:]...)
			return e
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case ev, ok := <-u.Events():
			if !ok {
				u.t.Fatalf("%s: the events are over; waiting for %T, there were %+v", u.Self().Handle, *new(E), u.seen)
			}
			if e, is := ev.(E); is && (fits == nil || fits(e)) {
				return e
			}
			u.seen = append(u.seen, ev)
		case <-timeout.C:
			u.t.Fatalf("%s: no %T came, but %+v", u.Self().Handle, *new(E), u.seen)
		}
	}
}

// none checks that no event of a type has come among those of before the answer to a ping.
func none[E msnclient.Event](u *user) {
	u.t.Helper()
	if err := u.Ping(within(u.t)); err != nil {
		u.t.Fatal(err)
	}
	for {
		select {
		case ev := <-u.Events():
			u.seen = append(u.seen, ev)
			continue
		default:
		}
		break
	}
	for _, ev := range u.seen {
		if e, ok := ev.(E); ok {
			u.t.Errorf("%s: unexpected %+v", u.Self().Handle, e)
		}
	}
}

// becomes waits until somebody is seen with a status.
func (u *user) becomes(handle string, s msnp.Status) msnclient.PresenceChanged {
	u.t.Helper()
	return expect(u, func(e msnclient.PresenceChanged) bool { return e.Handle == handle && e.Status == s })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open calls somebody and returns both ends of the chat.
func open(from, to *user) (here, there *msnclient.Chat) {
	from.t.Helper()
	here, err := from.Open(within(from.t), to.Self().Handle)
	check(from.t, err)
	return here, expect[msnclient.ChatOpened](to, nil).Chat
}

// wire is a dialer that notes what goes over its connections and can put in lines of its own.
type wire struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	conns []*tapped
}

type tapped struct {
	net.Conn          // the client's end
	server   net.Conn // what the client is to believe the server said goes here
	w        *wire
	said     bytes.Buffer // by the client; guarded by w.mu
	heard    bytes.Buffer // by the client
}

func (w *wire) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	remote, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	mine, theirs := net.Pipe()
	c := &tapped{Conn: mine, server: theirs, w: w}
	go c.copy(remote, theirs, &c.said) // both end with either connection, which ends with the client
	go c.copy(theirs, remote, &c.heard)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, c)
	return c, nil
}

func (c *tapped) copy(to, from net.Conn, log *bytes.Buffer) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		c.w.mu.Lock()
		log.Write(buf[:n])
		c.w.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// session returns the connection to the notification server.
func (w *wire) session() *tapped {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found *tapped
	for _, c := range w.conns {
		if strings.Contains(c.said.String(), "SYN ") {
			found = c
		}
	}
	return found
}

// lines returns what was said and heard on a connection.
func (c *tapped) lines() (said, heard string) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.said.String(), c.heard.String()
}

// inject makes the client believe that the server said something.
func (c *tapped) inject(t testing.TB, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(c.server, format, args...); err != nil {
		t.Fatal(err)
	}
}

// tap puts a wire between a client and the world.
func tap(w *wire) func(*msnclient.Config) {
	return func(cfg *msnclient.Config) {
		w.dial = cfg.Dialer
		cfg.Dialer = w.Dial
	}
}

// each runs a test for both versions.
func each(t *testing.T, f func(t *testing.T, v msnp.Version)) {
	for _, v := range []msnp.Version{msnp.MSNP8, msnp.MSNP9} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			f(t, v)
		})
	}
}

// pairs runs a test for all combinations of two versions.
func pairs(t *testing.T, f func(t *testing.T, a, b msnp.Version)) {
	each(t, func(t *testing.T, a msnp.Version) {
		each(t, func(t *testing.T, b msnp.Version) { f(t, a, b) })
	})
}
