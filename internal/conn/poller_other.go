//go:build !linux

package conn

import (
	"net"
	"net/netip"
)

// pollers is nothing here: every connection is driven by the portable engine.
type pollers struct {
	kind  Kind
	count int
}

func (p *pollers) adopt(*Engine, *net.TCPConn, netip.AddrPort, *Role, Standing) bool { return false }

func (p *pollers) conns() []*Conn { return nil }

func (p *pollers) stop() {}
