package doctor

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"monarch/internal/config"
)

// Node is one node of the service, as the running server knows it.
type Node struct {
	Name, State   string // here, joining, alive, silent, left
	Release       string
	Roles         []string
	Draining      bool
	Heard         time.Time
	Ahead         time.Duration // of its clock
	Notification  string        // where clients are told to find its servers; "" if it has none
	Switchboards  []string
	alive, myself bool
}

// cluster looks at what makes this node one of several. A node that is alone has nothing of it.
func (e *examination) cluster(ctx context.Context) {
	c := e.Config.Cluster
	if c.Mode == config.ClusterOff {
		return
	}
	e.secret(c)
	for i := range e.Nodes {
		n := &e.Nodes[i]
		n.myself = n.State == "here"
		n.alive = n.myself || n.State == "alive"
	}
	if !e.Running {
		e.meetingPlace(ctx, c)
		return
	}
	if !e.others(ctx, c) {
		return
	}
	e.clocks()
	e.work()
	e.addresses(ctx)
}

// secret looks at what lets a node in.
func (e *examination) secret(c config.Cluster) {
	const check = "cluster secret"
	if c.Mode == config.ClusterEmbedded && c.CA == "" {
		if _, err := c.TheSecret(); err != nil {
			e.complain(Problem, check, fmt.Sprintf("It will not do: %v.", err), "Give all nodes the same one.")
		}
	}
	for _, path := range []string{c.SecretFile, c.Key} {
		if path != "" {
			e.private(check, path)
		}
	}
}

// others looks at the nodes that this one hears, and reports whether there are any.
func (e *examination) others(ctx context.Context, c config.Cluster) bool {
	const check = "nodes"
	var names, releases []string
	for _, n := range e.Nodes {
		switch {
		case n.alive:
			names = append(names, n.Name)
			if !slices.Contains(releases, n.Release) {
				releases = append(releases, n.Release)
			}
		case n.State == "silent":
			e.complain(Warning, check, fmt.Sprintf("%s has not been heard for %s.", n.Name, time.Since(n.Heard).Round(time.Second)),
				"Start it, if it does not run, or see to the network between it and this node.")
		}
	}
	switch {
	case len(names) < 2:
		e.complain(Warning, check, "This node hears no other.",
			"If others run: they must have the same cluster.secret, or NATS, and reach each other; their logs tell what is wrong.")
		e.meetingPlace(ctx, c)
		return false
	case len(releases) > 1:
		e.complain(Warning, check, fmt.Sprintf("%s hear each other, and are of several releases: %s.", strings.Join(names, ", "), strings.Join(releases, ", ")),
			"That is for the time of an upgrade: finish it.")
	default:
		e.ok(check, "%s hear each other.", strings.Join(names, ", "))
	}
	return true
}

// meetingPlace tries to reach the peers, or NATS.
func (e *examination) meetingPlace(ctx context.Context, c config.Cluster) {
	check, key, places := "peers", "cluster.peers", slices.DeleteFunc(slices.Clone(c.Peers), func(p string) bool { return e.isOwn(ctx, p, c.Listen) })
	if c.Mode == config.ClusterExternal {
		check, key, places = "NATS", "cluster.nats_url", nil
		for _, each := range config.List(c.NATSURL) {
			if u, err := url.Parse(each); err == nil {
				places = append(places, withPort(u.Host, "4222"))
			}
		}
	}
	missing := e.unreachable(ctx, places)
	switch {
	case len(places) == 0: // the first node, to which others come
	case len(missing) == len(places):
		e.complain(Warning, check, "Not reached: "+strings.Join(missing, "; ")+".", "Start it, or correct "+key+", or see to the network and its firewalls.")
	default:
		e.ok(check, "%d of %d can be reached.", len(places)-len(missing), len(places))
	}
}

// isOwn reports whether a peer is this very node, which may be in the list that all have.
func (e *examination) isOwn(ctx context.Context, peer, listen string) bool {
	host, port, err := net.SplitHostPort(peer)
	_, own, err2 := net.SplitHostPort(listen)
	return err == nil && err2 == nil && port == own && anyOf(e.lookUp(ctx, host), ofThisMachine)
}

// unreachable tries addresses, all at the same time, and says of each that cannot be reached why.
func (e *examination) unreachable(ctx context.Context, addrs []string) (missing []string) {
	why := make([]string, len(addrs))
	var wait sync.WaitGroup
	for i, addr := range addrs {
		wait.Go(func() {
			c, err := e.dial(ctx, addr)
			if err != nil {
				why[i] = err.Error()
				return
			}
			c.Close()
		})
	}
	wait.Wait()
	return slices.DeleteFunc(why, func(s string) bool { return s == "" })
}

// clocks compares those of the nodes.
func (e *examination) clocks() {
	const check = "clocks of nodes"
	off := false
	for _, n := range e.Nodes {
		if !n.alive || n.Ahead.Abs() <= drift {
			continue
		}
		off = true
		level, found := Warning, fmt.Sprintf("That of %s is %s off.", n.Name, n.Ahead.Round(time.Second))
		if life := e.Config.Limits.TicketLife.D(); n.Ahead.Abs() > life {
			level, found = Problem, fmt.Sprintf("That of %s is %s off, and tickets live for %s.", n.Name, n.Ahead.Round(time.Second), e.Config.Limits.TicketLife)
		}
		e.complain(level, check, found, "Set the clocks, and keep them right: timedatectl set-ntp true, or another NTP client.")
	}
	if !off {
		e.ok(check, "They agree.")
	}
}

// work looks whether the nodes together do everything.
func (e *examination) work() {
	const check = "roles"
	var missing []string
	for _, role := range []string{config.RoleDispatch, config.RoleNotification, config.RoleSwitchboard, config.RolePassport} {
		if !slices.ContainsFunc(e.Nodes, func(n Node) bool { return n.alive && slices.Contains(n.Roles, role) }) {
			missing = append(missing, role)
		}
	}
	if len(missing) > 0 {
		e.complain(Problem, check, "No node does this: "+strings.Join(missing, ", ")+".", "Start one with the role (cluster.roles, serve --roles).")
		return
	}
	if !slices.ContainsFunc(e.Nodes, func(n Node) bool { return n.alive && n.Notification != "" && !n.Draining }) {
		e.complain(Problem, check, "All nodes that sign people in are draining.", "Have one take people again: "+e.Command("drain NODE --undo"))
		return
	}
	e.ok(check, "Together the nodes do everything.")
}

// addresses looks at what clients are told of each node: it must lead to that one only, and other nodes
// use it, too.
func (e *examination) addresses(ctx context.Context) {
	const check = "addresses of nodes"
	owner := make(map[string]string)
	var theirs []string
	clean := true
	for _, n := range e.Nodes {
		if !n.alive {
			continue
		}
		for _, addr := range append(slices.Clone(n.Switchboards), n.Notification) {
			switch other, taken := owner[addr]; {
			case addr == "":
			case taken && other != n.Name:
				clean = false
				e.complain(Problem, check, fmt.Sprintf("Clients are told %s for %s and for %s.", addr, other, n.Name),
					"Give each node its own service.host, or its own notification.advertise and switchboard.advertise.")
			default:
				owner[addr] = n.Name
				if !n.myself {
					theirs = append(theirs, addr)
				}
			}
		}
	}
	if missing := e.unreachable(ctx, theirs); len(missing) > 0 {
		clean = false
		e.complain(Warning, check, "This node does not reach what clients are told of others: "+strings.Join(missing, "; ")+".",
			"Let the nodes reach each other there: people who come over HTTP or with the website's messenger are carried to other nodes.")
	}
	if clean {
		e.ok(check, "Each node has its own, and this one reaches those of the others.")
	}
}

// withPort adds a port to an address that has none.
func withPort(addr, port string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), port)
}
