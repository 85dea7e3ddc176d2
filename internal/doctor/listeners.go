package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"monarch/internal/config"
)

// listener is one address the server listens on, and how a client would try it.
type listener struct {
	role   string // of the node that listens; "" is every one
	name   string
	key    string // of the configuration
	listen string
	public string // what clients connect to; "" if they do not
	ask    probe
}

// all returns those of this node.
func (e *examination) all() []listener {
	return slices.DeleteFunc(e.every(), func(l listener) bool { return l.role != "" && !e.Config.Cluster.Has(l.role) })
}

// every returns those of a node that does everything.
func (e *examination) every() []listener {
	c := e.Config
	list := []listener{
		{config.RoleDispatch, "dispatch server", "dispatch.listen", c.Dispatch.Listen, c.Advertised(c.Dispatch, c.Dispatch.Listen), e.askVersion},
		{config.RoleNotification, "notification server", "notification.listen", c.Notification.Listen, c.Advertised(c.Notification, c.Notification.Listen), e.askVersion},
	}
	told := words(c.Switchboard.Advertise)
	for i, addr := range words(c.Switchboard.Listen) {
		m := config.Messenger{Listen: addr}
		if i < len(told) {
			m.Advertise = told[i]
		}
		list = append(list, listener{config.RoleSwitchboard, "switchboard", "switchboard.listen", addr, c.Advertised(m, addr), e.askConnect})
	}
	// Of these two clients are told no port: they know one.
	web := func(listen, wellKnown string) string {
		if _, port, _ := net.SplitHostPort(listen); port != wellKnown {
			return ""
		}
		return net.JoinHostPort(c.Service.Host, wellKnown)
	}
	if c.WebListen() != "" {
		list = append(list, listener{config.RoleWeb, "website", "web.listen", c.WebListen(), "", e.askWebsite})
	}
	return append(list,
		listener{config.RolePassport, "sign-in (HTTPS)", "passport.https_listen", c.Passport.HTTPSListen, web(c.Passport.HTTPSListen, "443"), e.askNexus},
		listener{config.RolePassport, "documents (HTTP)", "passport.http_listen", c.Passport.HTTPListen, web(c.Passport.HTTPListen, "80"), e.askDocument},
		listener{"", "operations", "ops.listen", c.Ops.Listen, "", e.askReady},
	)
}

// words cuts a list at its commas.
func words(list string) []string {
	var all []string
	for _, w := range strings.Split(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// listeners tries each address as a client does, or, where no server runs, whether one could
// listen there.
func (e *examination) listeners(ctx context.Context) {
	for _, l := range e.all() {
		if e.Running {
			e.try(ctx, l)
		} else {
			e.bind(l)
		}
	}
}

// try connects to a listener on this machine, and then as clients are told to.
func (e *examination) try(ctx context.Context, l listener) {
	here := local(l.listen)
	said, err := l.ask(ctx, here)
	if err != nil {
		e.complain(Problem, l.name, fmt.Sprintf("%s does not answer as it should: %v.", here, err),
			"See the server's log. If the configuration changed since it started ("+l.key+"), restart it.")
		return
	}
	if l.public == "" || l.public == here {
		e.ok(l.name, "%s %s.", here, said)
		return
	}
	if _, err := l.ask(ctx, l.public); err != nil {
		level, why := Problem, "A firewall is in between, or the address is not this machine's: correct service.host or the advertised address."
		if !e.ours(l.public) {
			level, why = Warning, "Many routers do not lead a machine back to itself: try it from a client. "+
				"If that fails too, forward the port to this machine, or correct service.host or the advertised address."
		}
		e.complain(level, l.name, fmt.Sprintf("%s %s, but clients are told %s, where this machine finds nothing usable: %v.", here, said, l.public, err), why)
		return
	}
	e.ok(l.name, "%s %s, and so does %s, which clients are told.", here, said, l.public)
}

// bind tries whether a server could listen.
func (e *examination) bind(l listener) {
	ln, err := net.Listen("tcp", l.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.complain(Problem, l.name, fmt.Sprintf("The server does not run, and another program uses %s.", l.listen), "Stop that program, or change "+l.key+".")
	case errors.Is(err, syscall.EACCES):
		e.complain(Warning, l.name, fmt.Sprintf("You may not listen on %s: ports below 1024 need rights.", l.listen),
			"Give the server the capability CAP_NET_BIND_SERVICE, or redirect the port and change "+l.key+".")
	case err != nil:
		e.complain(Problem, l.name, fmt.Sprintf("Nothing can listen on %s: %v.", l.listen, err), "Correct "+l.key+".")
	default:
		ln.Close()
		e.ok(l.name, "%s is free; the server does not run.", l.listen)
	}
}

// local returns where a listener is reached on its own machine.
func local(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// ours reports whether the host of an address is one of this machine.
func (e *examination) ours(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == e.Config.Service.Host && anyOf(e.hosts, ofThisMachine) || err == nil && ofThisMachine(ip)
}

func anyOf(addrs []netip.Addr, test func(netip.Addr) bool) bool {
	for _, a := range addrs {
		if test(a) {
			return true
		}
	}
	return false
}

// ofThisMachine reports whether an address belongs to an interface here.
func ofThisMachine(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip.Unmap() {
			return true
		}
	}
	return false
}

// wellKnownPorts looks at the ports that clients ask without being told.
// docs/protocol/passport.md#names
func (e *examination) wellKnownPorts(ctx context.Context) {
	c := e.Config
	for _, w := range []struct {
		role, port, key, listen string
		what                    string
		ask                     probe
	}{
		{config.RoleDispatch, "1863", "dispatch.listen", c.Dispatch.Listen, "the dispatch server", e.askVersion},
		{config.RolePassport, "443", "passport.https_listen", c.Passport.HTTPSListen, "the password check", e.askNexus},
		{config.RolePassport, "80", "passport.http_listen", c.Passport.HTTPListen, "documents", e.askDocument},
	} {
		if !c.Cluster.Has(w.role) {
			continue
		}
		check := "port " + w.port
		_, have, _ := net.SplitHostPort(w.listen) // validated with the configuration
		if have == w.port {
			e.ok(check, "Where clients ask for %s, and %s is there.", w.what, w.key)
			continue
		}
		found := fmt.Sprintf("Clients ask it for %s, and %s is %q.", w.what, w.key, w.listen)
		if e.Running {
			at := net.JoinHostPort(c.Service.Host, w.port)
			if _, err := w.ask(ctx, at); err == nil {
				e.ok(check, "%s leads to %s.", at, w.key)
				continue
			}
			found += " This machine does not find it at " + at + ", but would not see a redirect that holds for others only."
		}
		e.complain(Warning, check, found, e.lead(w.port, have, w.key))
	}
}

// lead says how a well-known port comes to be ours.
func (e *examination) lead(from, to, key string) string {
	chain := "PREROUTING"
	if anyOf(e.hosts, netip.Addr.IsLoopback) {
		chain = "OUTPUT -d " + e.Config.Service.Host
	}
	return fmt.Sprintf("Set %s to \":%s\", or redirect the port:\n  iptables -t nat -A %s -p tcp --dport %s -j REDIRECT --to-ports %s",
		key, from, chain, from, to)
}
