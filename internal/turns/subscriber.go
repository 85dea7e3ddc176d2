package turns

import (
	"encoding/binary"
	"net/netip"
)

// Subscriber is an address as it is counted, here and wherever else somebody is to have no more
// than his part: all that one subscriber has is the same.
type Subscriber uint64

// SubscriberOf returns the first half of an IPv6 address, which is what a subscriber has. An
// IPv4 address stands in a part of IPv6 that is not in use.
func SubscriberOf(a netip.Addr) Subscriber {
	a = a.Unmap()
	switch {
	case a.Is4():
		b := a.As4()
		return Subscriber(0xFFFF<<32 | uint64(binary.BigEndian.Uint32(b[:])))
	case a.Is6():
		b := a.As16()
		return Subscriber(binary.BigEndian.Uint64(b[:8]))
	}
	return 0
}
