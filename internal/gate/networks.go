package gate

import (
	"net/netip"
	"slices"
)

// Networks says from where clients may come. Where lists meet, Allow wins.
type Networks struct {
	Allow   []netip.Prefix // neither denied nor limited by address
	Deny    []netip.Prefix // closed at once
	Proxies []netip.Prefix // their connections begin with a header that names the client
}

// networks is the same, to be searched.
type networks struct {
	list                 Networks
	allow, deny, proxies set
}

func newNetworks(n Networks) *networks {
	return &networks{list: n, allow: newSet(n.Allow), deny: newSet(n.Deny), proxies: newSet(n.Proxies)}
}

// denied reports whether an address is not let in.
func (n *networks) denied(a netip.Addr) bool { return n.deny.has(a) && !n.allow.has(a) }

// Rules are networks of which operators say while the service runs what the configuration does not.
type Rules struct {
	Allow []netip.Prefix // neither banned nor limited by address
	Deny  []netip.Prefix // closed at once
}

// denied returns why an address is not let in, or nothing. What the configuration says of it is the
// last word, so that nobody can be kept out, or let in, against the will of whoever writes that.
func (g *Gate) denied(a netip.Addr) Cause {
	configured, rules := g.networks.Load(), g.rules.Load()
	switch {
	case configured.allow.has(a):
		return ""
	case configured.deny.has(a):
		return Denied
	case rules.denied(a):
		return Banned
	}
	return ""
}

// Denied reports whether an address is not let in.
func (g *Gate) Denied(a netip.Addr) bool { return g.denied(a) != "" }

// exempt reports whether connections of an address are not counted against its limits.
func (g *Gate) exempt(a netip.Addr) bool {
	return !a.IsValid() || g.networks.Load().allow.has(a) || g.rules.Load().allow.has(a)
}

// set is a list of networks. Finding an address in it takes a look for each length of prefix
// there is, however long the list is.
type set struct {
	lengths  []int
	prefixes map[netip.Prefix]struct{}
}

func newSet(list []netip.Prefix) set {
	s := set{prefixes: make(map[netip.Prefix]struct{}, len(list))}
	for _, p := range list {
		s.prefixes[p.Masked()] = struct{}{}
		if !slices.Contains(s.lengths, p.Bits()) {
			s.lengths = append(s.lengths, p.Bits())
		}
	}
	return s
}

func (s *set) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, bits := range s.lengths {
		p, err := a.Prefix(bits)
		if err != nil { // longer than the address
			continue
		}
		if _, ok := s.prefixes[p]; ok {
			return true
		}
	}
	return false
}
