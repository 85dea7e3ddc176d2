package gate

import "net/netip"

// Pass is one connection at the gate, for those who have something of their own for each. It
// belongs to whoever serves the connection.
type Pass struct {
	gate     *Gate
	listener string
	from     netip.Addr
	standing Standing
	held     int
}

// Admit enters a connection that holds so many bytes. It returns nil if the connection is
// refused; else [Pass.Leave] is to be called.
func (g *Gate) Admit(listener string, from netip.Addr, bytes int) *Pass {
	p := &Pass{gate: g, listener: listener, from: from, standing: g.Enter(listener, from)}
	if p.standing == Refused {
		return nil
	}
	if !p.Hold(bytes) {
		p.Leave()
		return nil
	}
	return p
}

// Turned reports whether the connection may only be told that the server is busy.
func (p *Pass) Turned() bool { return p.standing == Turned }

// Hold is [Gate.Hold] for as long as the connection is a stranger.
func (p *Pass) Hold(bytes int) bool {
	if p.standing == SignedIn {
		return true
	}
	if !p.gate.Hold(p.listener, bytes) {
		return false
	}
	p.held += bytes
	return true
}

// SignedIn says that the connection serves somebody who has signed in.
func (p *Pass) SignedIn() {
	if p.standing == Stranger {
		p.release()
		p.standing = SignedIn
		p.gate.SignedIn(p.from)
	}
}

// Leave says that the connection has ended.
func (p *Pass) Leave() {
	p.release()
	p.gate.Leave(p.from, p.standing)
}

func (p *Pass) release() {
	p.gate.Hold(p.listener, -p.held)
	p.held = 0
}
