package conn

import (
	"net"
	"net/netip"
)

// Door is asked who may connect, and told of everybody. Where there is none, all may, and count
// as signed in.
type Door struct {
	Enter    func(role string, from netip.Addr) Standing
	SignedIn func(from netip.Addr)              // a stranger is none any more
	Leave    func(from netip.Addr, as Standing) // as what he was at last

	// Hold is told how many bytes more, or less, the buffers of a stranger take. It reports
	// false when strangers take too much, and is called under locks.
	Hold func(role string, bytes int) bool
}

// Standing is what a connection is to the door.
type Standing uint8

// The standings.
const (
	Barred   Standing = iota // it is closed at once
	Stranger                 // nobody has signed in on it
	Turned                   // one too many, which is only told so
	SignedIn                 // somebody has
)

// openDoor is where there is none.
func openDoor() Door {
	return Door{
		Enter:    func(string, netip.Addr) Standing { return SignedIn },
		SignedIn: func(netip.Addr) {},
		Leave:    func(netip.Addr, Standing) {},
		Hold:     func(string, int) bool { return true },
	}
}

// strangerBytes is the most output that may wait for a stranger: all that he can ask for is a
// few short lines.
const strangerBytes = 16 << 10

// SignedIn says that somebody has signed in on the connection, which was a stranger's until
// then.
func (c *Conn) SignedIn() {
	c.mu.Lock()
	if c.standing != Stranger {
		c.mu.Unlock()
		return
	}
	c.release()
	c.standing = SignedIn
	c.mu.Unlock()
	c.engine.door.SignedIn(c.Peer().Addr())
	c.link.welcome()
}

// Turned reports whether there are too many connections for this one: all it may be told is
// that the server is busy.
func (c *Conn) Turned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.standing == Turned
}

// most returns how many bytes may wait for the peer. c.mu is held.
func (c *Conn) most() int {
	if c.standing == SignedIn {
		return c.engine.limits.Load().QueueBytes
	}
	return min(c.engine.limits.Load().QueueBytes, strangerBytes)
}

// hold notes what a stranger's input or output takes now, unless strangers take too much.
// c.mu is held.
func (c *Conn) hold(what *int32, bytes int) bool {
	if c.standing == SignedIn || int(*what) == bytes {
		return true
	}
	if !c.engine.door.Hold(c.role.Name, bytes-int(*what)) {
		return false
	}
	*what = int32(bytes)
	return true
}

// release notes that a connection takes nothing of what strangers may. c.mu is held.
func (c *Conn) release() { _ = c.hold(&c.takenIn, 0) && c.hold(&c.takenOut, 0) } // less is always granted

// left is called at the end of a connection.
func (c *Conn) left() {
	c.mu.Lock()
	c.release()
	c.mu.Unlock()
	c.link.retire()
}

// leave tells the door of the end.
func (c *Conn) leave() {
	c.mu.Lock()
	as := c.standing
	c.mu.Unlock()
	c.engine.door.Leave(c.Peer().Addr(), as)
}

// refuse closes a connection that is not let in. Over TCP that is a reset, which leaves nothing
// in the kernel.
func refuse(nc net.Conn) {
	if tcp, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0) // it ends either way
	}
	nc.Close()
}

// direct returns the TCP connection that nc is, or that nc says it is in all but its address.
func direct(nc net.Conn) (*net.TCPConn, bool) {
	if like, ok := nc.(interface{ Direct() *net.TCPConn }); ok {
		return like.Direct(), true
	}
	tcp, ok := nc.(*net.TCPConn)
	return tcp, ok
}

// address returns where a connection comes from; it is zero for one without an address.
func address(nc net.Conn) netip.AddrPort {
	tcp, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}
