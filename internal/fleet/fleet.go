// Package fleet runs several nodes as operators do, each a process on a machine of its own with an
// address of its own, with PostgreSQL and NATS, for whoever measures or tortures a cluster: it
// starts, stops and kills nodes and cuts the network between them. The machines are network
// namespaces. What is done with the service, and what must come of it, is left to others.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"monarch/internal/pgtest"
	"monarch/internal/process"
)

// Config is what a fleet is made of.
type Config struct {
	Monarch  string // the server's binary
	Dir      string // where nodes have their data
	Nodes    int
	External bool              // the nodes meet at a NATS server, and not with each other
	Settings map[string]string // more, by their names
}

// Fleet is one service of several nodes.
type Fleet struct {
	*Network
	DB    *pgtest.Server
	URL   string // of the database, from here and from the nodes
	NATS  *NATS  // nil unless the nodes meet there
	Nodes []*Node
}

// Node is one of them, which runs or not.
type Node struct {
	*Machine
	Dir      string            // its data directory
	Argv     []string          // what to run at the next start
	Settings map[string]string // for the next start

	process atomic.Pointer[process.Process] // some look at a node while others start it
}

// Process is that of the last start, or nil before the first.
func (n *Node) Process() *process.Process { return n.process.Load() }

// Ports are the same on all machines.
var ports = map[string]string{
	"dispatch": "1863", "notification": "1864", "switchboard": "1865", "https": "8443", "http": "8081", "web": "8080", "ops": "9090",
	"cluster": "6222",
}

// Addr is where a listener of a node is, by the name that the server gives it.
func (n *Node) Addr(listener string) string { return net.JoinHostPort(n.Machine.Addr, ports[listener]) }

// Addrs are all of them.
func (n *Node) Addrs() map[string]string {
	all := make(map[string]string)
	for name := range ports {
		all[name] = n.Addr(name)
	}
	return all
}

// New makes machines, a database and, if there is to be one, a NATS server. Nodes are started by
// [Fleet.Start] or by themselves.
func New(cfg Config) (*Fleet, error) {
	f := new(Fleet)
	err := f.make(cfg)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Fleet) make(cfg Config) (err error) {
	if f.Network, err = NewNetwork(); err != nil {
		return err
	}
	if f.DB, err = pgtest.NewAt(f.Here()); err != nil {
		return err
	}
	name, err := f.DB.Create("")
	if err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	f.URL = f.DB.TCP(pgtest.Superuser, pgtest.Password, name)
	if cfg.External {
		if f.NATS, err = StartNATS(net.JoinHostPort(f.Here(), "4222")); err != nil {
			return err
		}
	}
	var peers []string
	for k := range cfg.Nodes {
		name := fmt.Sprint("node-", k+1)
		m, err := f.Add(name)
		if err != nil {
			return err
		}
		n := &Node{Machine: m, Dir: filepath.Join(cfg.Dir, name), Argv: []string{cfg.Monarch, "serve"}}
		peers = append(peers, n.Addr("cluster"))
		f.Nodes = append(f.Nodes, n)
	}
	for _, n := range f.Nodes {
		n.Settings = f.settings(n, peers)
		maps.Copy(n.Settings, cfg.Settings)
	}
	return nil
}

// settings are those of a node.
func (f *Fleet) settings(n *Node, peers []string) map[string]string {
	s := map[string]string{
		"service.host": n.Machine.Addr, "database.url": f.URL, "cluster.node": n.Name, "limits.rates": "off",
		"cluster.mode": "embedded", "cluster.listen": ":" + ports["cluster"], "cluster.peers": strings.Join(peers, ","),
		"cluster.secret": "a secret of nodes in tests",
	}
	if f.NATS != nil {
		s["cluster.mode"], s["cluster.nats_url"], s["cluster.secret"], s["cluster.peers"] = "external", f.NATS.URL(), "", ""
	}
	for key, name := range map[string]string{
		"dispatch.listen": "dispatch", "notification.listen": "notification", "switchboard.listen": "switchboard",
		"passport.https_listen": "https", "passport.http_listen": "http", "web.listen": "web", "ops.listen": "ops",
	} {
		s[key] = ":" + ports[name]
	}
	return s
}

// Start starts all nodes that do not run, one after the other.
func (f *Fleet) Start(ctx context.Context) error {
	for _, n := range f.Nodes {
		if !n.Running() {
			if err := n.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Start starts a node and waits until it serves.
func (n *Node) Start(ctx context.Context) error {
	cmd := n.Command(n.Argv...)
	cmd.Env = process.Environment(n.Dir, n.Settings)
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	p, err := process.Start(n.Name, cmd)
	if err != nil {
		return err
	}
	n.process.Store(p)
	if _, err := p.Listeners(ctx); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// Stop ends a node as operators do. One that has ended by itself is an error.
func (n *Node) Stop() error {
	p := n.Process()
	switch {
	case p == nil:
		return nil
	case p.Fell():
		return p.Explain(p.Gone())
	}
	return p.Stop()
}

// Kill ends a node as nothing else does.
func (n *Node) Kill() {
	if p := n.Process(); p != nil {
		p.Kill()
	}
}

// Running reports whether it was started and is there to stay.
func (n *Node) Running() bool {
	p := n.Process()
	return p != nil && p.Running()
}

// Close ends everything that still runs, and removes what was made but for the nodes' data.
func (f *Fleet) Close() error {
	var errs []error
	for _, n := range f.Nodes {
		n.Kill()
	}
	if f.NATS != nil {
		f.NATS.Stop()
	}
	if f.DB != nil {
		errs = append(errs, f.DB.Close())
	}
	if f.Network != nil {
		errs = append(errs, f.Network.Close())
	}
	return errors.Join(errs...)
}
