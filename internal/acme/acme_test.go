package acme_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/acme"
	"monarch/internal/acme/acmetest"
	"monarch/internal/clock"
	"monarch/internal/store"
)

const host = "im.example.com"

// patience is how long anything may take that ought to be quick.
const patience = 2 * time.Minute

// world is an authority, and nodes that share a database.
type world struct {
	t         *testing.T
	authority *acmetest.Authority
	url       string
	clock     *clock.Clock
	log       *logged
	hurry     time.Duration // by how much the clock is moved while something is waited for, each time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{
		t: t, authority: acmetest.New(t), url: "sqlite://" + filepath.Join(t.TempDir(), "monarch.db"),
		clock: clock.New(), log: &logged{t: t}, hurry: 10 * time.Second,
	}
	t.Cleanup(w.clock.Close)
	return w
}

// node is one that has a listener for each of the ways.
type node struct {
	*acme.Keeper
	http, tls string // where they listen
}

// node starts one, until the test ends.
func (w *world) node(change func(*acme.Config)) *node {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := acme.Config{
		Store: s, Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)), Alone: true, Asks: true,
		Settings: acme.Settings{
			Host: host, Directory: w.authority.Directory, Email: "you@example.com",
			Ways: []acme.Way{acme.HTTP, acme.TLS}, Roots: w.authority.Trust,
		},
	}
	if change != nil {
		change(&cfg)
	}
	k, err := acme.New(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{Keeper: k}
	plain := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer, ok := k.Answer(r.Context(), strings.TrimPrefix(r.URL.Path, "/.well-known/acme-challenge/"))
		if !ok {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, answer)
	}))
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return k.Handshake(hello), nil }}
	secure.StartTLS()
	n.http, n.tls = plain.Listener.Addr().String(), secure.Listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	w.t.Cleanup(func() {
		stop()
		running.Wait()
		plain.Close()
		secure.Close()
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return n
}

// until lets the clock run fast until something is so.
func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !so(); w.clock.Advance(w.hurry) {
		if time.Now().After(deadline) {
			w.t.Fatal(what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// serial waits until a node has another certificate than one, and returns its number.
func (w *world) serial(n *node, before string) string {
	w.t.Helper()
	number := func() string {
		if c := n.Certificate(); c != nil {
			return c.Leaf.SerialNumber.String()
		}
		return ""
	}
	w.until("there is no new certificate", func() bool { return number() != before })
	return number()
}

// says waits until a text is in the log.
func (w *world) says(text string) {
	w.t.Helper()
	w.until("the log does not say "+text, func() bool { return strings.Contains(w.log.String(), text) })
}

// valid fails unless a node's certificate is one that people trust who trust the authority.
func (w *world) valid(n *node) {
	w.t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*n.Certificate()}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.(*tls.Conn).HandshakeContext(w.t.Context())
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: w.authority.Roots(), ServerName: host})
	if err != nil {
		w.t.Fatal(err)
	}
	c.Close()
}

// logged is what keepers have written.
type logged struct {
	t *testing.T

	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.t.Output(), "%s", b)
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestACertificateIsIssuedInEitherWay(t *testing.T) {
	for _, way := range []acme.Way{acme.HTTP, acme.TLS} {
		t.Run(string(way), func(t *testing.T) {
			w := newWorld(t)
			n := w.node(func(c *acme.Config) { c.Ways = []acme.Way{way} })
			w.says("no certificate from the authority") // it does not run yet
			w.authority.Start(n.http, n.tls)
			n.Set(acme.Settings{Host: host, Directory: w.authority.Directory, Ways: []acme.Way{way}, Roots: w.authority.Trust})
			w.serial(n, "")
			w.valid(n)
			if left := time.Until(n.Expires()); left < 80*24*time.Hour || n.Counts.Issued.Load() != 1 {
				t.Errorf("it expires in %s; %d were issued", left, n.Counts.Issued.Load())
			}
			if _, ok := n.Answer(t.Context(), "anything"); ok {
				t.Error("something is answered that nobody asked for")
			}
		})
	}
}

func TestACertificateIsRenewedInTime(t *testing.T) {
	w := newWorld(t)
	n := w.node(nil)
	w.authority.Start(n.http, n.tls)
	first := w.serial(n, "")
	w.clock.Advance(50 * 24 * time.Hour)
	w.clock.Advance(11 * 24 * time.Hour) // less than a third of 90 days is left
	if second := w.serial(n, first); n.Counts.Issued.Load() != 2 {
		t.Errorf("%s after %s; %d were issued", second, first, n.Counts.Issued.Load())
	}
	w.valid(n)
}

// The names lead to the first node only. The second one asks, and the first answers for it.
func TestNodesShareACertificate(t *testing.T) {
	for _, way := range []acme.Way{acme.HTTP, acme.TLS} {
		t.Run(string(way), func(t *testing.T) {
			w := newWorld(t)
			front := w.node(func(c *acme.Config) { c.Alone, c.Asks = false, false })
			w.authority.Start(front.http, front.tls)
			shared := func(c *acme.Config) { c.Alone, c.Ways = false, []acme.Way{way} }
			nodes := []*node{w.node(shared), w.node(shared)}
			w.hurry = 0 // or the claim of the first to ask is over before it has a certificate
			serials := []string{w.serial(nodes[0], ""), w.serial(nodes[1], "")}
			w.hurry = time.Second
			serials = append(serials, w.serial(front, ""))
			if serials[0] != serials[1] || serials[0] != serials[2] {
				t.Errorf("they show %q", serials)
			}
			if n := nodes[0].Counts.Issued.Load() + nodes[1].Counts.Issued.Load(); n != 1 {
				t.Errorf("%d were issued", n)
			}
			w.valid(front)
		})
	}
}

func TestAFailureIsToldAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.authority.Lead(host, "127.0.0.77") // where nobody listens
	n := w.node(nil)
	w.authority.Start(n.http, n.tls)
	w.says("again_in=2m0s")
	w.says("again_in=4m0s")
	w.says("again_in=8m0s")
	w.says("port 80 of this name leads to")
	w.authority.Lead(host, "127.0.0.1")
	w.serial(n, "")
	if failed := n.Counts.Failed.Load(); failed < 3 || !strings.Contains(w.log.String(), "by http-01") || !strings.Contains(w.log.String(), "by tls-alpn-01") {
		t.Errorf("%d attempts failed", failed)
	}
}

// While the authority is away, what there is stays, a restart included.
func TestAnAuthorityThatIsAway(t *testing.T) {
	w := newWorld(t)
	n := w.node(nil)
	w.authority.Start(n.http, n.tls)
	first := w.serial(n, "")
	w.authority.Stop()
	again := w.node(nil)
	if got := w.serial(again, ""); got != first {
		t.Errorf("after a restart it shows %s, not %s", got, first)
	}
	w.clock.Advance(70 * 24 * time.Hour)
	w.says("no certificate from the authority")
	if c := n.Certificate(); c.Leaf.SerialNumber.String() != first {
		t.Errorf("it shows %s, not %s", c.Leaf.SerialNumber, first)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	w := newWorld(t)
	n := w.node(func(c *acme.Config) { c.Alone = false })
	for _, token := range []string{"", "../secret", strings.Repeat("a", 200), "a b", "unknown"} {
		if answer, ok := n.Answer(t.Context(), token); ok {
			t.Errorf("%q is answered with %q", token, answer)
		}
	}
	for _, name := range []string{host, "other.example.com"} {
		c, err := net.Dial("tcp", n.tls)
		if err != nil {
			t.Fatal(err)
		}
		s := tls.Client(c, &tls.Config{ServerName: name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
		if err := s.HandshakeContext(t.Context()); err == nil && s.ConnectionState().NegotiatedProtocol == "acme-tls/1" {
			t.Errorf("%s: a handshake for nothing succeeds", name)
		}
		c.Close()
	}
}
