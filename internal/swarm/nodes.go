package swarm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"monarch/internal/figures"
	"monarch/internal/loopback"
	"monarch/internal/process"
)

// nodes are servers that are one service.
type nodes []*subject

// connections is how many of PostgreSQL the nodes share, of the hundred that it has.
const connections = 80

// startNodes starts so many nodes at the same time, each with an address of its own, on a database
// that they share. One is alone, as most are.
func (r *run) startNodes(ctx context.Context, n int, database string) (nodes, error) {
	peers, err := freePeers(n)
	if err != nil {
		return nil, err
	}
	all := make(nodes, n)
	err = atOnce(n, func(i int) (err error) {
		all[i], err = r.startNode(ctx, i, peers, database)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, all.stop())
	}
	return all, nil
}

// freePeers finds where nodes may listen for each other.
func freePeers(n int) ([]string, error) {
	peers := make([]string, n)
	for i := range peers {
		var err error
		if peers[i], err = loopback.New(); err != nil {
			return nil, fmt.Errorf("find a port for a node: %w", err)
		}
	}
	return peers, nil
}

func (r *run) startNode(ctx context.Context, i int, peers []string, database string) (*subject, error) {
	settings := nodeSettings(i, peers, database)
	if i > 0 { // all conversations are at the first one
		settings["cluster.roles"] = "dispatch,notification,passport,web"
	}
	s, _, err := r.spawnNode(ctx, i, r.nodeDir(i, len(peers)), settings)
	return s, err
}

// nodeDir is where a node has its data.
func (r *run) nodeDir(i, n int) string {
	return filepath.Join(r.dir, fmt.Sprintf("node-%d-of-%d", i+1, n))
}

// nodeName is what the others call it.
func nodeName(i int) string { return fmt.Sprint("node-", i+1) }

// nodeSettings are those of a node with every role, at free ports of its address.
func nodeSettings(i int, peers []string, database string) map[string]string {
	settings := map[string]string{
		"service.host": nodeHost(i), "database.url": database,
		"database.max_connections": strconv.Itoa(max(2, min(20, connections/len(peers)))),
		"limits.ticket_life":       "24h", "limits.switchboard_idle": "24h", "limits.challenge_interval": "24h",
	}
	for _, key := range listenKeys {
		settings[key] = nodeHost(i) + ":0"
	}
	if len(peers) > 1 {
		settings["cluster.mode"], settings["cluster.node"] = "embedded", nodeName(i)
		settings["cluster.listen"], settings["cluster.peers"] = peers[i], strings.Join(peers, ",")
		settings["cluster.secret"] = "nobody else is on this machine"
	}
	return settings
}

// listenKeys are the settings of where a node listens, by the names of its listeners.
var listenKeys = map[string]string{
	"dispatch": "dispatch.listen", "notification": "notification.listen", "switchboard": "switchboard.listen",
	"https": "passport.https_listen", "http": "passport.http_listen", "web": "web.listen", "ops": "ops.listen",
}

// spawnNode starts a node, and returns its listeners, too.
func (r *run) spawnNode(ctx context.Context, i int, dir string, settings map[string]string) (*subject, map[string]string, error) {
	p, err := process.Spawn(ctx, fmt.Sprintf("node %d", i+1), process.Environment(dir, settings), nil, r.Monarch, "serve")
	if err != nil {
		return nil, nil, err
	}
	addrs, err := p.Listeners(ctx)
	if err != nil {
		_ = p.Stop() // the first error tells more
		return nil, nil, err
	}
	return &subject{Process: p, kind: p.Name(), use: figures.Of(p.PID()), addr: addrs["notification"], ops: addrs["ops"]}, addrs, nil
}

// nodeHost is the address of a node, counted from 0.
func nodeHost(i int) string { return fmt.Sprint("127.0.1.", i+1) }

func (ns nodes) stop() error {
	return atOnce(len(ns), func(i int) error {
		if ns[i] == nil {
			return nil
		}
		return ns[i].Stop()
	})
}

// addrs are where people connect.
func (ns nodes) addrs() []string {
	var all []string
	for _, s := range ns {
		all = append(all, s.addr)
	}
	return all
}

// cpu is the processor time that all have used together.
func (ns nodes) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, s := range ns {
		one, err := s.use.CPU()
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

// rss is their resident memory.
func (ns nodes) rss() (int64, error) {
	var sum int64
	for _, s := range ns {
		one, err := s.use.RSS()
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

// heap is what is alive in their memory after a cycle of the collector.
func (ns nodes) heap(ctx context.Context) (float64, error) {
	for _, s := range ns {
		if _, err := get(ctx, "http://"+s.ops+"/debug/pprof/heap?gc=1&debug=1"); err != nil {
			return 0, err
		}
	}
	return ns.metric(ctx, metricHeap)
}

// metric sums one of their metrics.
func (ns nodes) metric(ctx context.Context, name string) (float64, error) {
	sum := 0.0
	for _, s := range ns {
		one, err := s.metric(ctx, name)
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

// atOnce calls do for 0 to n-1, all at the same time.
func atOnce(n int, do func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}
