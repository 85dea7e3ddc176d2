package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"monarch/internal/gate"
)

// About how many bytes a connection takes: net/http's buffers and a stack, and what TLS has.
const (
	plainBytes  = 24 << 10
	secureBytes = 64 << 10
)

// lobby lets in whom the gate does, one after the other.
type lobby struct {
	net.Listener
	gate   *gate.Gate
	guests *guests
	secure bool
}

// guests are the connections that were let in.
type guests struct {
	mu  sync.Mutex // leaf
	all map[*guest]struct{}
}

func (g *guests) add(one *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = make(map[*guest]struct{})
	}
	g.all[one] = struct{}{}
}

func (g *guests) remove(one *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, one)
}

// evict closes those of addresses that are not wanted any more, and the messengers on them.
func (g *guests) evict(unwanted func(netip.Addr) bool) {
	var found []*guest
	g.mu.Lock()
	for one := range g.all {
		if unwanted(one.from) {
			found = append(found, one)
		}
	}
	g.mu.Unlock()
	for _, one := range found {
		_ = one.Close() // whoever reads from it notices
	}
}

// Accept implements net.Listener.
func (l *lobby) Accept() (net.Conn, error) {
	size := plainBytes
	if l.secure {
		size = secureBytes
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := address(c)
		if pass := l.gate.Admit("web", from, size); pass != nil {
			one := &guest{Conn: c, from: from, pass: pass, guests: l.guests}
			l.guests.add(one)
			return one, nil
		}
		gate.Drop(c)
	}
}

// guest is a connection with what the gate knows of it.
type guest struct {
	net.Conn
	from   netip.Addr // immutable
	guests *guests    // immutable

	mu   sync.Mutex // before the gate's
	pass *gate.Pass // nil: it has left
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.guests.remove(g)
	g.mu.Lock()
	if g.pass != nil {
		g.pass.Leave() // first, so that whoever sees the end finds the place free
		g.pass = nil
	}
	g.mu.Unlock()
	return g.Conn.Close()
}

// CloseWrite lets net/http end its half of the connection first.
func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// turned reports whether it may only be told that the server is busy.
func (g *guest) turned() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pass != nil && g.pass.Turned()
}

// signedIn says that it serves somebody who has signed in.
func (g *guest) signedIn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pass != nil {
		g.pass.SignedIn()
	}
}

// address returns where c comes from.
func address(c net.Conn) netip.Addr {
	ap, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return ap.Addr().Unmap().WithZone("")
}

// silent are connections on which no request has come yet. net/http would wait for them when it
// stops, as it cannot know of any better.
type silent struct {
	mu    sync.Mutex // leaf
	over  bool
	conns map[net.Conn]struct{}
}

// note follows what net/http says of a connection.
func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.conns, c)
	case s.over:
		c.Close()
	default:
		if s.conns == nil {
			s.conns = make(map[net.Conn]struct{})
		}
		s.conns[c] = struct{}{}
	}
}

// end closes them, and those that come.
func (s *silent) end() {
	s.mu.Lock()
	conns := s.conns
	s.over, s.conns = true, nil
	s.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}

type guestKey struct{}

// withGuest remembers, for all requests of a connection, whose it is.
func withGuest(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, c)
}

// guestOf returns the connection of a request.
func guestOf(ctx context.Context) *guest {
	g, _ := ctx.Value(guestKey{}).(*guest)
	return g
}
