package swarm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"monarch/internal/figures"
	"monarch/internal/pgtest"
	"monarch/internal/process"
)

const workCluster = "cluster"

// ClusterCase says how many nodes are one service, and how many people are at each.
type ClusterCase struct {
	Nodes    int
	Sessions int           // at each node
	Contacts int           // of each person; all of them are there, too, each at another node where there are so many
	Rate     float64       // changes of status in a second, at each node
	Pairs    int           // besides, of people at different nodes who chat, all on one switchboard
	Settle   time.Duration // how long the nodes may take until they have given back what sign-ins took
	Postgres string        // the url of a database with nothing in it; "": one is started
}

// What several nodes may cost, as a multiple of one.
const clusterGoal = 1.3

// Cluster measures what people cost who are at several nodes: memory, changes of status and
// messages. The first case is what the others are compared with. Its nodes and people stay, so that
// they take turns with those of each other case.
func Cluster(ctx context.Context, c Config, cases []ClusterCase) (figures.Report, error) {
	var base *trial
	report, err := measure(ctx, c, cases, func(r *run, ctx context.Context, each ClusterCase) error {
		t, err := r.startTrial(ctx, each)
		if err != nil {
			return err
		}
		t.base = base
		if base == nil {
			base = t // ended below
			return t.measure(ctx)
		}
		return errors.Join(t.measure(ctx), t.end())
	})
	if base != nil {
		err = errors.Join(err, base.end())
	}
	return report, err
}

// trial is one case under way.
type trial struct {
	*run
	c        ClusterCase
	crowd    crowd
	nodes    nodes
	database func() error // ends it
	base     *trial       // what this one is compared with; nil: it is the first
	cold     int64        // resident memory of all nodes when they have just started
	memory   []figures.Result
	drivers  []*driver // one for each node, with those who are there
	talk     *driver   // with those who chat
	rest     float64   // processor time that all nodes take in a second when nobody does anything
}

// startTrial starts the nodes of a case, with a database that has the accounts.
func (r *run) startTrial(ctx context.Context, c ClusterCase) (*trial, error) {
	p := plan{Shape: ring, People: c.Nodes * c.Sessions, Contacts: c.Contacts, Strangers: 2 * c.Pairs}
	if err := p.check(); err != nil {
		return nil, err
	}
	if c.Pairs < 1 {
		return nil, errors.New("choose one pair at least")
	}
	database, end, err := emptyDatabase(c.Postgres)
	if err != nil {
		return nil, err
	}
	t := &trial{run: r, c: c, database: end}
	if t.crowd, err = r.populate(ctx, database, p); err != nil {
		return nil, errors.Join(fmt.Errorf("make the accounts: %w", err), t.end())
	}
	if t.nodes, err = r.startNodes(ctx, c.Nodes, database); err != nil {
		return nil, errors.Join(err, t.end())
	}
	return t, nil
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

// end ends everything that was started, by force: nobody needs to be told that so many people leave.
func (t *trial) end() error {
	var errs []error
	var all []*process.Process
	for _, n := range t.nodes {
		if n != nil {
			all = append(all, n.Process)
		}
	}
	for _, d := range append(t.drivers, t.talk) {
		if d != nil {
			all = append(all, d.Process)
		}
	}
	for _, p := range all {
		if p.Fell() && !errors.Is(p.Gone(), context.Canceled) { // else the person has had enough
			errs = append(errs, p.Explain(p.Gone()))
		}
		p.Shoot()
	}
	for _, p := range all {
		<-p.Ended
	}
	return errors.Join(append(errs, t.database())...)
}

// measure does everything there is to it.
func (t *trial) measure(ctx context.Context) error {
	for _, part := range []func(context.Context) error{t.warm, t.idle, t.presence, t.chat, t.profiles} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
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

// add enters a result that is compared with base, unless there is nothing to compare it with.
func (t *trial) add(res figures.Result, base *figures.Result) {
	if base == nil {
		res.Goal = 0
	} else {
		res.Against(*base)
	}
	t.results = append(t.results, res)
	t.say("cluster: %s, %s: %.4g %s", res.Subject, res.Case, res.Value, res.Unit)
}

// warm lets a few people come, chat and go again: what that brings in is not the sessions'.
func (t *trial) warm(ctx context.Context) (err error) {
	if t.cold, err = t.nodes.rss(); err != nil {
		return err
	}
	t.say("cluster: a few people come to %s and go again; then %s until memory has settled", t.name(), t.c.Settle)
	if err := t.connect(ctx); err != nil {
		return err
	}
	if _, err := t.talk.step(ctx, stepTurn); err != nil {
		return err
	}
	return errors.Join(t.hangUp(), pause(ctx, t.c.Settle))
}

// idle signs everybody in and measures how much memory that takes: on top of nodes that are warm, and
// all that the nodes have.
func (t *trial) idle(ctx context.Context) error {
	rss, err := t.nodes.rss()
	if err != nil {
		return err
	}
	heap, err := t.nodes.heap(ctx)
	if err != nil {
		return err
	}
	people := t.crowd.Plan.People
	t.say("cluster: signing %d people in", people)
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
		return err
	}
	t.say("cluster: signed in within %.0f s; waiting %s until memory has settled", since(began), t.c.Settle)
	if err := pause(ctx, t.c.Settle); err != nil {
		return err
	}
	what := fmt.Sprintf("%d sessions at each, %d contacts", t.c.Sessions, t.c.Contacts)
	onTop, all := t.result(what, "KiB/session"), t.result(what, "KiB/session in all")
	for range t.Turns {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		now, err := t.nodes.rss()
		if err != nil {
			return err
		}
		onTop.Turns = append(onTop.Turns, perSession(people, float64(now-rss)))
		all.Turns = append(all.Turns, perSession(people, float64(now)))
	}
	now, err := t.nodes.heap(ctx)
	if err != nil {
		return err
	}
	mib := func(bytes int64) float64 { return float64(bytes) / float64(t.c.Nodes) / (1 << 20) }
	onTop.Extra = map[string]float64{"KiB heap/session": perSession(people, now-heap).Value}
	all.Extra = map[string]float64{"MiB of a node just started": mib(t.cold), "MiB of a node that is warm, with nobody": mib(rss)}
	t.memory = []figures.Result{onTop, all}
	for i := range t.memory {
		t.memory[i].Sum()
		var base *figures.Result
		if t.base != nil {
			base = &t.base.memory[i]
		}
		t.add(t.memory[i], base)
	}
	return nil
}

func perSession(people int, bytes float64) figures.Turn {
	return figures.Turn{Work: int64(people), Seconds: 1, Value: bytes / 1024 / float64(people)}
}
