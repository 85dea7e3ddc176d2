package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// host looks at what clients are told to connect to.
func (e *examination) host(ctx context.Context) {
	const check = "service.host"
	name := e.Config.Service.Host
	e.hosts = e.lookUp(ctx, name)
	const set = "Set service.host to the name or IPv4 address that clients reach this machine at."
	switch {
	case len(e.hosts) == 0:
		e.complain(Problem, check, name+" has no address here.", set)
	case anyOf(e.hosts, netip.Addr.IsUnspecified):
		e.complain(Problem, check, name+" is no address to connect to.", set)
	case anyOf(e.hosts, netip.Addr.IsLoopback):
		e.complain(Warning, check, name+" is right for clients on this machine only.", set)
	case !anyOf(e.hosts, netip.Addr.Is4):
		e.complain(Problem, check, name+" has no IPv4 address, and clients of this protocol know no other.", set)
	case !anyOf(e.hosts, ofThisMachine):
		e.ok(check, "%s is no address of this machine itself; a router has it, perhaps, that forwards here.", list(e.hosts))
	default:
		e.ok(check, "%s is this machine.", name)
	}
}

// names looks at what the names that are built into clients mean on this machine. It says
// nothing about the clients', which is why it never complains where nothing is set up.
func (e *examination) names(ctx context.Context) {
	const check = "names of old"
	all := namesOfOld()
	found := make([][]netip.Addr, len(all))
	var wait sync.WaitGroup
	for i, name := range all {
		wait.Go(func() { found[i] = e.lookUp(ctx, name) })
	}
	wait.Wait()
	var here, away []string
	for i, name := range all {
		switch {
		case anyOf(found[i], e.serves):
			here = append(here, name)
		case len(found[i]) == 0:
			away = append(away, name+" (no address)")
		default:
			away = append(away, fmt.Sprintf("%s (%s)", name, list(found[i])))
		}
	}
	switch {
	case len(away) == 0:
		e.ok(check, "All %d lead to this server, for clients on this machine.", len(all))
	case len(here) == 0:
		e.ok(check, "None of the %d leads here on this machine. That matters only to clients on it, or that use its DNS: their own hosts files count.", len(all))
	default:
		e.complain(Warning, check, fmt.Sprintf("On this machine %d of %d lead to this server, and these do not: %s.", len(here), len(all), strings.Join(away, ", ")),
			"Complete the hosts file, or the DNS zone, that leads the others here.")
	}
}

// serves reports whether an address is where this server is.
func (e *examination) serves(ip netip.Addr) bool {
	return slices.Contains(e.hosts, ip) || ofThisMachine(ip)
}

// lookUp returns the addresses of a name, or of an address itself.
func (e *examination) lookUp(ctx context.Context, name string) []netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addrs, err := e.Resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs
}

func list(addrs []netip.Addr) string {
	var s []string
	for _, a := range addrs {
		s = append(s, a.String())
	}
	return strings.Join(s, ", ")
}
