package swarm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"monarch/internal/figures"
	"monarch/internal/pgtest"
	"monarch/msnp"
)

const workCluster = "cluster"

// ClusterCase says how many nodes are one service, and how many people are at each.
type ClusterCase struct {
	Nodes    int
	Sessions int           // at each node
	Contacts int           // of each person; all of them are there, too, each at another node where there are so many
	Rate     float64       // changes of status in a second, at each node
	Pairs    int           // that chat, as many as there would be at each node
	Settle   time.Duration // how long the nodes may take until they have given back what sign-ins took
	Postgres string        // the url of a database with nothing in it; "": one is started
}

// What several nodes may cost, as a multiple of one.
const clusterGoal = 1.3

// The metrics that are read.
const (
	metricHeap    = "go_memstats_heap_alloc_bytes"
	metricBatches = "monarch_cluster_batches_sent_total"
	metricSent    = "monarch_cluster_sent_bytes_total"
	metricGaps    = "monarch_cluster_gaps_total"
)

// Cluster measures what people cost who are at several nodes: memory, changes of status and
// messages. The first case is what the others are compared with.
func Cluster(ctx context.Context, c Config, cases []ClusterCase) (figures.Report, error) {
	bases := make(map[string]figures.Result)
	return measure(ctx, c, cases, func(r *run, ctx context.Context, each ClusterCase) error {
		before := len(r.results)
		err := r.cluster(ctx, each)
		for i := before; i < len(r.results); i++ {
			res := &r.results[i]
			if base, ok := bases[res.Unit]; ok {
				res.Against(base)
			} else {
				res.Goal = 0
				bases[res.Unit] = *res
			}
		}
		return err
	})
}

// cluster measures one case.
func (r *run) cluster(ctx context.Context, c ClusterCase) (err error) {
	p := plan{Shape: ring, People: c.Nodes * c.Sessions, Contacts: c.Contacts}
	if err := p.check(); err != nil {
		return err
	}
	if c.Pairs < 1 || 2*c.Pairs > c.Sessions {
		return fmt.Errorf("%d pairs at each node: choose one at least, and two people for each of %d", c.Pairs, c.Sessions)
	}
	database, end, err := emptyDatabase(c.Postgres)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	crowd, err := r.populate(ctx, database, p)
	if err != nil {
		return fmt.Errorf("make the accounts: %w", err)
	}
	all, err := r.startNodes(ctx, c.Nodes, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.stop()) }()
	t := &trial{run: r, c: c, crowd: crowd, nodes: all}
	if err := t.chat(ctx); err != nil { // it warms the nodes, too
		return err
	}
	if err := t.idle(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.leave()) }()
	if err := t.presence(ctx); err != nil {
		return err
	}
	return t.profiles(ctx)
}

// emptyDatabase returns the url of a database and what ends it.
func emptyDatabase(url string) (string, func() error, error) {
	if url != "" {
		return url, func() error { return nil }, nil
	}
	server, err := pgtest.New()
	if err != nil {
		return "", nil, err
	}
	name, err := server.Create("")
	if err != nil {
		return "", nil, errors.Join(err, server.Close())
	}
	return server.URL(name), server.Close, nil
}

// trial is one case under way.
type trial struct {
	*run
	c       ClusterCase
	crowd   crowd
	nodes   nodes
	drivers []*driver // one for each node, with those who are there
}

func (t *trial) name() string {
	if t.c.Nodes == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", t.c.Nodes)
}

func (t *trial) result(what, unit string) figures.Result {
	return figures.Result{Work: workCluster, Case: what, Subject: t.name(), Unit: unit, Goal: clusterGoal}
}

// chat measures messages in conversations of people at different nodes.
func (t *trial) chat(ctx context.Context) (err error) {
	rc := RelayCase{Pairs: t.c.Pairs * t.c.Nodes, InFlight: 1, Bytes: 300, Ack: msnp.AckNone}
	d, err := t.drive(ctx, t.nodes[0], job{Work: workRelay, Nodes: t.nodes.addrs(), Crowd: t.crowd, Turn: t.Turn, Relay: rc})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	res := t.result(fmt.Sprintf("%d pairs at each, 1 in flight", t.c.Pairs), "µs CPU/message")
	for range t.Turns {
		before, err := t.nodes.cpu()
		if err != nil {
			return err
		}
		o, err := d.step(ctx, stepTurn)
		if err != nil {
			return err
		}
		after, err := t.nodes.cpu()
		if err != nil {
			return err
		}
		res.Turns = append(res.Turns, perWork(o.Work, o.Seconds, after-before))
		res.Lost, res.Duplicated, res.Reordered = res.Lost+o.Lost, res.Duplicated+o.Duplicated, res.Reordered+o.Reordered
	}
	t.add(res)
	return nil
}

// perWork is a turn of which each unit of work took so many microseconds.
func perWork(work int64, seconds float64, cpu time.Duration) figures.Turn {
	turn := figures.Turn{Work: work, Seconds: seconds, CPUSeconds: cpu.Seconds()}
	if work > 0 {
		turn.Value = cpu.Seconds() / float64(work) * 1e6
	}
	return turn
}

func (t *trial) add(res figures.Result) {
	res.Sum()
	t.results = append(t.results, res)
	t.say("cluster: %s, %s: %.4g %s", res.Subject, res.Case, res.Value, res.Unit)
}

// idle signs everybody in and measures how much memory that takes.
func (t *trial) idle(ctx context.Context) error {
	if err := pause(ctx, t.c.Settle); err != nil {
		return err
	}
	rss, err := t.nodes.rss()
	if err != nil {
		return err
	}
	heap, err := t.nodes.heap(ctx)
	if err != nil {
		return err
	}
	people := t.crowd.Plan.People
	t.say("cluster: %s have %d KiB; signing %d people in", t.name(), rss>>10, people)
	began := time.Now()
	t.drivers = make([]*driver, t.c.Nodes)
	err = atOnce(t.c.Nodes, func(i int) (err error) {
		t.drivers[i], err = t.drive(ctx, t.nodes[i], job{
			Work: workCluster, Crowd: t.crowd, Turn: t.Turn,
			Share: share{First: i, Step: t.c.Nodes, Rate: t.c.Rate},
		})
		return err
	})
	if err != nil {
		return errors.Join(err, t.leave())
	}
	t.say("cluster: signed in within %.0f s; waiting %s until memory has settled", since(began), t.c.Settle)
	if err := pause(ctx, t.c.Settle); err != nil {
		return err
	}
	what := fmt.Sprintf("%d sessions at each, %d contacts", t.c.Sessions, t.c.Contacts)
	resident, live := t.result(what, "KiB/session"), t.result(what, "KiB heap/session")
	for range t.Turns {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		now, err := t.nodes.rss()
		if err != nil {
			return err
		}
		resident.Turns = append(resident.Turns, perSession(people, float64(now-rss)))
	}
	now, err := t.nodes.heap(ctx)
	if err != nil {
		return err
	}
	live.Turns = append(live.Turns, perSession(people, now-heap))
	resident.Extra = map[string]float64{"MiB of a node with nobody": float64(rss) / float64(t.c.Nodes) / (1 << 20)}
	t.add(resident)
	t.add(live)
	return nil
}

func perSession(people int, bytes float64) figures.Turn {
	return figures.Turn{Work: int64(people), Seconds: 1, Value: bytes / 1024 / float64(people)}
}

// leave ends the drivers.
func (t *trial) leave() error {
	return atOnce(len(t.drivers), func(i int) error {
		if t.drivers[i] == nil {
			return nil
		}
		return t.drivers[i].Stop()
	})
}

// presence measures changes of status, of which everybody's contacts hear.
func (t *trial) presence(ctx context.Context) error {
	idle, err := t.resting(ctx)
	if err != nil {
		return err
	}
	res := t.result(fmt.Sprintf("%d watchers, %.0f changes/s at each", t.c.Contacts, t.c.Rate), "µs CPU/change")
	counters := []string{metricBatches, metricSent, metricGaps}
	before := make([]float64, len(counters))
	for i, name := range counters {
		if t.c.Nodes > 1 {
			if before[i], err = t.nodes.metric(ctx, name); err != nil {
				return err
			}
		}
	}
	changes := int64(0)
	for range t.Turns {
		turn, err := t.changes(ctx, &res)
		if err != nil {
			return err
		}
		res.Turns = append(res.Turns, turn)
		changes += turn.Work
	}
	res.Extra = map[string]float64{"ms CPU/s of a node at rest": idle}
	for i, name := range []string{"packets/change", "bytes/change", "gaps"} {
		if t.c.Nodes == 1 {
			break
		}
		now, err := t.nodes.metric(ctx, counters[i])
		if err != nil {
			return err
		}
		if res.Extra[name] = now - before[i]; name != "gaps" {
			res.Extra[name] /= float64(changes)
		}
	}
	t.add(res)
	return nil
}

// resting returns how many milliseconds of a second of a processor a node takes whose people do
// nothing.
func (t *trial) resting(ctx context.Context) (float64, error) {
	before, err := t.nodes.cpu()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := pause(ctx, t.Turn); err != nil {
		return 0, err
	}
	after, err := t.nodes.cpu()
	return (after - before).Seconds() * 1e3 / since(began) / float64(t.c.Nodes), err
}

// changes has people change their status for a turn, and waits until everybody has heard.
func (t *trial) changes(ctx context.Context, res *figures.Result) (figures.Turn, error) {
	heard, _, err := t.steps(ctx, stepHeard)
	if err != nil {
		return figures.Turn{}, err
	}
	before, err := t.nodes.cpu()
	if err != nil {
		return figures.Turn{}, err
	}
	made, seconds, err := t.steps(ctx, stepTurn)
	if err != nil {
		return figures.Turn{}, err
	}
	want := heard + made*int64(t.c.Contacts)
	for end := time.Now().Add(drainTime); heard < want && time.Now().Before(end); {
		if heard, _, err = t.steps(ctx, stepHeard); err != nil {
			return figures.Turn{}, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return figures.Turn{}, err
		}
	}
	res.Lost += max(0, want-heard)
	res.Duplicated += max(0, heard-want)
	after, err := t.nodes.cpu()
	return perWork(made, seconds, after-before), err
}

// steps has all drivers do a step, and returns how much they did.
func (t *trial) steps(ctx context.Context, name string) (work int64, seconds float64, err error) {
	outcomes := make([]outcome, len(t.drivers))
	err = atOnce(len(t.drivers), func(i int) (err error) {
		outcomes[i], err = t.drivers[i].step(ctx, name)
		return err
	})
	for _, o := range outcomes {
		work, seconds = work+o.Work, max(seconds, o.Seconds)
	}
	return work, seconds, err
}

// profiles saves where the time of the nodes goes while people change their status, and what is
// in their memory.
func (t *trial) profiles(ctx context.Context) error {
	if t.Profile == "" {
		return nil
	}
	if err := os.MkdirAll(t.Profile, 0o750); err != nil {
		return err
	}
	first := t.nodes[0]
	saved := make(chan error, 1)
	go func() {
		name := filepath.Join(t.Profile, fileName(workCluster, t.name(), "cpu")+".pprof")
		saved <- download(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", first.ops, max(1, int(t.Turn.Seconds()))), name)
	}()
	_, _, err := t.steps(ctx, stepTurn)
	err = errors.Join(err, <-saved)
	name := filepath.Join(t.Profile, fileName(workCluster, t.name(), "heap")+".pprof")
	return errors.Join(err, download(ctx, "http://"+first.ops+"/debug/pprof/heap?gc=1", name))
}
