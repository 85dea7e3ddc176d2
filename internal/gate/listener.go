package gate

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// introduction is how long a proxy may take to say for whom a connection is.
const introduction = 5 * time.Second

// listener lets through what the gate does.
type listener struct {
	net.Listener
	gate    *Gate
	name    string
	next    chan accepted
	over    chan struct{} // closed by Close
	running sync.WaitGroup

	mu      sync.Mutex // leaf
	closed  bool
	waiting map[net.Conn]struct{} // whose proxy has not yet said for whom they are
}

// accepted is what Accept returns next.
type accepted struct {
	conn net.Conn
	err  error
}

// Listen returns l without the connections of networks that are denied, and with those of
// proxies once their header was read: they have the address of the client then. It accepts
// from l at once, and until it is closed itself.
func (g *Gate) Listen(name string, l net.Listener) net.Listener {
	guarded := &listener{
		Listener: l, gate: g, name: name,
		next: make(chan accepted), over: make(chan struct{}), waiting: make(map[net.Conn]struct{}),
	}
	guarded.running.Go(guarded.accept)
	return guarded
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.next:
		return a.conn, a.err
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections that Accept has not returned are closed too.
func (l *listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.closed = true
	close(l.over)
	err := l.Listener.Close()
	for c := range l.waiting {
		c.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
	return err
}

// accept takes connections from the listener underneath, no faster than they are wanted.
func (l *listener) accept() {
	for {
		c, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.offer(accepted{err: err})
			continue
		}
		l.sort(c)
	}
}

// sort closes a connection, has its header read, or lets it through.
func (l *listener) sort(c net.Conn) {
	proxies, from := &l.gate.networks.Load().proxies, address(c.RemoteAddr())
	cause := l.gate.denied(from)
	switch tcp, ok := c.(*net.TCPConn); {
	case ok && proxies.has(from):
		if !l.wait(tcp) {
			l.refuse(tcp, from, TooManyAtTheProxy)
			return
		}
		l.running.Go(func() { l.introduce(tcp, from) })
	case cause != "":
		l.refuse(c, from, cause)
	default:
		l.offer(accepted{conn: c})
	}
}

// wait notes a connection whose header is to be read, unless there are too many.
func (l *listener) wait(c net.Conn) bool {
	most := l.gate.limits.Load().Strangers
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || most > 0 && len(l.waiting) >= most {
		return false
	}
	l.waiting[c] = struct{}{}
	return true
}

// introduce reads the header of a connection that comes from a proxy.
func (l *listener) introduce(tcp *net.TCPConn, proxy netip.Addr) {
	client, err := introduced(tcp)
	l.mu.Lock()
	delete(l.waiting, tcp)
	l.mu.Unlock()
	switch {
	case err != nil:
		l.gate.log.Debug("a proxy does not say for whom", "role", l.name, "addr", proxy, "err", err)
		l.refuse(tcp, proxy, Malformed)
	case client == nil:
		l.offer(accepted{conn: tcp})
	default:
		if cause := l.gate.denied(address(client)); cause != "" {
			l.refuse(tcp, address(client), cause)
			return
		}
		l.offer(accepted{conn: &proxied{tcp, client}})
	}
}

// introduced reads the header in the time there is for it.
func introduced(c net.Conn) (*net.TCPAddr, error) {
	c.SetReadDeadline(time.Now().Add(introduction))
	defer c.SetReadDeadline(time.Time{})
	return readHeader(c)
}

// offer gives something to Accept, or closes it with the listener.
func (l *listener) offer(a accepted) {
	select {
	case l.next <- a:
	case <-l.over:
		if a.conn != nil {
			a.conn.Close()
		}
	}
}

// refuse closes a connection so that nothing of it stays, not even in the kernel.
func (l *listener) refuse(c net.Conn, from netip.Addr, why Cause) {
	l.gate.refused(l.name, from, why)
	Drop(c)
}

// Drop closes a connection with a reset: one that is not let in is to cost nothing, and the
// kernel would remember a proper end for a minute.
func Drop(c net.Conn) {
	if tcp, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0) // it ends either way
	}
	c.Close()
}

// proxied is a connection through a proxy. Reading and writing it directly is the same; only
// its address is another.
type proxied struct {
	*net.TCPConn
	client *net.TCPAddr
}

// RemoteAddr implements net.Conn with the client's address.
func (c *proxied) RemoteAddr() net.Addr { return c.client }

// Direct returns the connection to the proxy, of which the header was read and no byte more.
func (c *proxied) Direct() *net.TCPConn { return c.TCPConn }

// address returns the IP address of a; it is zero when a has none.
func address(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}
