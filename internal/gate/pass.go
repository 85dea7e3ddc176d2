package gate

import "net/netip"

// Tab is what one stranger holds. It belongs to whoever serves the connection.
type Tab struct {
	gate     *Gate
	listener string
	held     int
	closed   bool
}

// Open returns a tab for a connection to a listener.
func (g *Gate) Open(listener string) *Tab { return &Tab{gate: g, listener: listener} }

// Set says how many bytes the stranger holds now. It reports false, and changes nothing, if
// strangers would hold too much.
func (t *Tab) Set(bytes int) bool {
	if t.closed || bytes == t.held {
		return true
	}
	if !t.gate.Hold(t.listener, bytes-t.held) {
		return false
	}
	t.held = bytes
	return true
}

// Add changes what the stranger holds in the same way.
func (t *Tab) Add(bytes int) bool { return t.Set(t.held + bytes) }

// Close gives everything back. Nothing is counted any more, as it is no stranger who holds it.
func (t *Tab) Close() {
	t.Set(0)
	t.closed = true
}

// Pass is one connection at the gate, for those who have something of their own for each.
type Pass struct {
	Tab
	from     netip.Addr
	standing Standing
}

// Admit enters a connection that holds so many bytes. It returns nil if the connection is
// refused; else [Pass.Leave] is to be called.
func (g *Gate) Admit(listener string, from netip.Addr, bytes int) *Pass {
	p := &Pass{Tab: Tab{gate: g, listener: listener}, from: from, standing: g.Enter(listener, from)}
	if p.standing == Refused {
		return nil
	}
	if !p.Set(bytes) {
		p.Leave()
		return nil
	}
	return p
}

// Turned reports whether the connection may only be told that the server is busy.
func (p *Pass) Turned() bool { return p.standing == Turned }

// SignedIn says that the connection serves somebody who has signed in.
func (p *Pass) SignedIn() {
	if p.standing == Stranger {
		p.Close()
		p.standing = SignedIn
		p.gate.SignedIn(p.from)
	}
}

// Leave says that the connection has ended.
func (p *Pass) Leave() {
	p.Close()
	p.gate.Leave(p.from, p.standing)
}
