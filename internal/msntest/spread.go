package msntest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/config"
)

// nodesEnv is of how many nodes the service is that plays transcripts and the model. More than one
// share PostgreSQL.
const nodesEnv = "MONARCH_TEST_NODES"

// Nodes returns how many nodes people are to be spread over.
func Nodes() int {
	if n, err := strconv.Atoi(os.Getenv(nodesEnv)); err == nil && n > 1 {
		return n
	}
	return 1
}

// Spread starts a service as [Start] does, of as many nodes as [Nodes] says, on one clock. The
// fixture is the first of them.
func Spread(t testing.TB, settings map[string]string) *Fixture {
	t.Helper()
	return startOn(t, settings, Nodes())
}

// All returns all nodes of a service, of which f is the first.
func (f *Fixture) All() []*Fixture { return append([]*Fixture{f}, f.others...) }

// hurry lets the time pass that a node listens for others, in which these can be heard.
func (f *Fixture) hurry() {
	if f.config.Cluster.Mode != config.ClusterOff {
		f.Clock.Advance(20 * time.Millisecond)
	}
}

// meet waits until every node has heard of every other, and knows that it is known there.
func (f *Fixture) meet() error {
	all := f.All()
	for end := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		if !slices.ContainsFunc(all, func(n *Fixture) bool {
			return len(all) > 1 && (n.known() < len(all) || !n.Server.Admin().Hub.CaughtUp())
		}) {
			return f.Agree()
		}
		if time.Now().After(end) {
			return fmt.Errorf("the nodes have not met after %v", patience)
		}
		f.hurry()
	}
}

// known returns how many nodes a node knows to serve, itself included.
func (f *Fixture) known() (count int) {
	for _, n := range f.Server.Cluster().Nodes() {
		if n.State == cluster.Here || n.State == cluster.Alive {
			count++
		}
	}
	return count
}

// Agree waits until every node has heard what any of them has said, and what that made them say.
func (f *Fixture) Agree() error {
	all := f.All()
	if len(all) == 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 2 {
		failed := make([]error, len(all))
		var work sync.WaitGroup
		for i, n := range all {
			work.Go(func() { failed[i] = n.Server.Cluster().Settle(ctx) })
		}
		work.Wait()
		if err := errors.Join(failed...); err != nil {
			return fmt.Errorf("nodes do not hear each other: %w", err)
		}
	}
	return nil
}

// spread sends the connections of transcripts to the nodes of a service: where clients are told
// to go, and else to one after another.
type spread struct {
	nodes  []*Fixture
	turn   int               // of the nodes
	told   map[string]string // the address of a switchboard, by the cookie for it
	goes   map[string]string // where the next connections of an actor to a kind of server go: by A.sb
	last   string            // the connection of the last step with which a client did something
	hasty  bool              // steps are not to wait until the nodes have heard of those before
	ending bool              // the service has been told to stop
}

// begin makes nodes that have just started the player's.
func (p *Player) begin(nodes []*Fixture) {
	p.spread = spread{nodes: nodes, told: make(map[string]string), goes: make(map[string]string)}
	for name, server := range map[string]string{"addrDS": "dispatch", "addrNS": "notification", "addrSB": "switchboard"} {
		p.names.values[name] = p.fix.Server.Addr(server)
		p.names.equals[name] = nil
		for _, f := range nodes {
			p.names.equals[name] = append(p.names.equals[name], f.Server.Addr(server))
		}
	}
}

// next returns the node whose turn it is.
func (p *Player) next() *Fixture {
	p.turn++
	return p.nodes[p.turn%len(p.nodes)]
}

// place returns the node that a new connection goes to.
func (p *Player) place(conn string) *Fixture {
	actor, _, _ := strings.Cut(conn, ".")
	addr := p.goes[actor+"."+serverOf(conn)]
	if serverOf(conn) == "notification" {
		delete(p.goes, actor+".notification") // clients ask the dispatch server every time
	}
	for _, f := range p.nodes {
		if addr != "" && f.Server.Addr(serverOf(conn)) == addr {
			return f
		}
	}
	return p.next()
}

// direct notes where a line sends its reader.
func (p *Player) direct(c *Conn, line string) {
	actor, _, _ := strings.Cut(c.Name, ".")
	to := ""
	switch words := strings.Split(line, " "); {
	case len(words) > 3 && words[0] == "XFR" && words[2] == "NS":
		p.goes[actor+".notification"] = words[3]
	case len(words) > 5 && words[0] == "XFR" && words[2] == "SB":
		to, p.told[words[5]] = words[3], words[3]
	case len(words) > 4 && words[0] == "RNG":
		to, p.told[words[4]] = words[2], words[2]
	}
	if to != "" {
		p.goes[actor+".switchboard"] = to
	}
}

// turnTo prepares for a step with which a client does something. Where another one did before it, all
// nodes have heard of that: what comes of steps one after the other is the same as on one node.
func (p *Player) turnTo(s step) error {
	if len(p.nodes) < 2 {
		return nil
	}
	if s.op == opSend && p.conns[s.conn] == nil && serverOf(s.conn) == "switchboard" {
		p.follow(s)
	}
	if s.conn == p.last || p.hasty {
		return nil
	}
	p.last = s.conn
	return p.agree()
}

// together plays what clients do at the same moment.
func (p *Player) together(steps []step) error {
	if err := p.agree(); err != nil {
		return err
	}
	p.last, p.hasty = "", true
	defer func() { p.hasty = false }()
	return p.run(steps)
}

// follow has a connection that is to be opened go where the cookie is good that its first line shows.
func (p *Player) follow(s step) {
	line, err := p.names.expand(s.text, "", 0)
	if err != nil {
		return // which the step will tell
	}
	for _, word := range strings.Fields(line) {
		if addr := p.told[word]; addr != "" {
			actor, _, _ := strings.Cut(s.conn, ".")
			p.goes[actor+".switchboard"] = addr
		}
	}
}

// agree waits until all nodes have heard what was said so far, unless they are ending.
func (p *Player) agree() error {
	if p.ending || len(p.nodes) < 2 {
		return nil
	}
	return p.fix.Agree()
}
