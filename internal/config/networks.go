package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Networks says from where clients may come.
type Networks struct {
	Allow   []string `toml:"allow"`
	Deny    []string `toml:"deny"`
	Proxies []string `toml:"proxies"`
}

// Connections bounds how many there may be. 0 is no limit.
type Connections struct {
	PerAddress          int  `toml:"per_address"`
	StrangersPerAddress int  `toml:"strangers_per_address"`
	Strangers           int  `toml:"strangers"`
	Memory              Size `toml:"memory"`
}

// Prefixes reads a list of networks, each an address or an address with the number of its bits
// that matter.
func Prefixes(list []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		p, err := prefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Introduction is what a program on one of the machines in proxies begins a connection to a
// listener of clients with, if it is no proxy and speaks for itself; "" on any other machine.
// docs/adr/0022-proxy-protocol.md
func (n Networks) Introduction(local net.Addr) string {
	tcp, ok := local.(*net.TCPAddr)
	proxies, err := Prefixes(n.Proxies)
	if !ok || err != nil {
		return ""
	}
	from := tcp.AddrPort().Addr().Unmap().WithZone("")
	if slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return "PROXY UNKNOWN\r\n"
	}
	return ""
}

func prefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is no network; write it like \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\"", text)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has more bits than its length says; do you mean %q?", text, p.Masked())
	}
	return p, nil
}

// networks checks the sections networks and connections.
func (p *problems) networks(n Networks, c Connections) {
	p.prefixes("networks.allow", n.Allow)
	p.prefixes("networks.deny", n.Deny)
	p.prefixes("networks.proxies", n.Proxies)
	const most = 100_000_000
	for _, l := range []struct {
		key string
		n   int
	}{{"per_address", c.PerAddress}, {"strangers_per_address", c.StrangersPerAddress}, {"strangers", c.Strangers}} {
		if l.n < 0 || l.n > most {
			p.add("connections.%s is %d; choose between 1 and %d, or 0 for no limit", l.key, l.n, most)
		}
	}
	if c.Memory != 0 && c.Memory < 1<<20 {
		p.add("connections.memory is %s; choose at least 1MiB, or 0 for no limit", c.Memory)
	}
}

// prefixes checks a list of networks.
func (p *problems) prefixes(key string, list []string) {
	for _, text := range list {
		if _, err := prefix(text); err != nil {
			p.add("%s: %w", key, err)
		}
	}
}

// Size is a number of bytes that the file writes as 64KiB, 64MiB or 1GiB.
type Size int64

// sizeUnits are the units of a size, the largest first.
var sizeUnits = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a size; without a unit it is bytes.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), Size(1)
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/int64(unit) {
		return fmt.Errorf("%q is no size; write it like \"64KiB\", \"64MiB\" or \"1GiB\"", text)
	}
	*s = Size(n) * unit
	return nil
}

// String writes the size in the largest unit that gives a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return "0B"
}
