package swarm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"monarch/internal/figures"
	"monarch/msnp"
)

// The metrics that are read.
const (
	metricHeap     = "go_memstats_heap_alloc_bytes"
	metricBatches  = "monarch_cluster_batches_sent_total"
	metricSent     = "monarch_cluster_sent_bytes_total"
	metricSessions = "monarch_sessions"
	metricSeated   = "monarch_switchboard_participants"
	metricGaps     = "monarch_cluster_gaps_total"
)

// compare lets the trial, and the one that it is compared with, take turns, and enters the results: a turn
// yields one turn of each of them.
func (t *trial) compare(ctx context.Context, results []figures.Result, turn func(*trial, context.Context) ([]figures.Turn, Tally, error)) error {
	take := func(one *trial, results []figures.Result) error {
		turns, tally, err := turn(one, ctx)
		for i, each := range turns {
			results[i].Turns = append(results[i].Turns, each)
		}
		first := &results[0]
		first.Lost, first.Duplicated, first.Reordered = first.Lost+tally.Lost, first.Duplicated+tally.Duplicated, first.Reordered+tally.Reordered
		return err
	}
	var bases []figures.Result
	if t.base != nil {
		for _, res := range results {
			bases = append(bases, t.base.result(res.Case, res.Unit))
		}
	}
	for range t.Turns {
		if err := take(t, results); err != nil {
			return err
		}
		if t.base != nil {
			if err := take(t.base, bases); err != nil {
				return err
			}
		}
	}
	for i := range results {
		results[i].Sum()
		if t.base == nil {
			t.add(results[i], nil)
			continue
		}
		bases[i].Sum()
		bases[i].Goal, bases[i].Case = 0, "in turn with "+t.name()+": "+bases[i].Case
		t.results = append(t.results, bases[i])
		t.add(results[i], &bases[i])
	}
	return nil
}

// presence measures changes of status, of which everybody's contacts hear.
func (t *trial) presence(ctx context.Context) error {
	idle, err := t.resting(ctx)
	if err != nil {
		return err
	}
	res := t.result(fmt.Sprintf("%d watchers, %.0f changes/s at each", t.c.Contacts, t.c.Rate), "µs CPU/change")
	res.Extra = map[string]float64{"ms CPU/s of a node at rest": idle * 1e3 / float64(t.c.Nodes)}
	before, err := t.traffic(ctx)
	if err != nil {
		return err
	}
	results := []figures.Result{res}
	if err := t.compare(ctx, results, (*trial).changes); err != nil {
		return err
	}
	after, err := t.traffic(ctx)
	if err != nil {
		return err
	}
	changes := 0.0
	for _, turn := range results[0].Turns {
		changes += float64(turn.Work)
	}
	if t.c.Nodes == 1 || changes == 0 {
		return nil
	}
	res.Extra["packets/change"], res.Extra["bytes/change"] = (after[0]-before[0])/changes, (after[1]-before[1])/changes
	res.Extra["gaps"] = after[2] - before[2]
	return nil
}

// traffic returns how many packets and bytes nodes have sent each other, and how often one was missed.
func (t *trial) traffic(ctx context.Context) (sums [3]float64, err error) {
	if t.c.Nodes == 1 {
		return sums, nil
	}
	for i, name := range []string{metricBatches, metricSent, metricGaps} {
		if sums[i], err = t.nodes.metric(ctx, name); err != nil {
			return sums, err
		}
	}
	return sums, nil
}

// resting returns how much of a second of a processor all nodes take whose people do nothing.
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
	return (after - before).Seconds() / since(began), err
}

// changes has people change their status for a turn, and waits until everybody has heard.
func (t *trial) changes(ctx context.Context) ([]figures.Turn, Tally, error) {
	var tally Tally
	heard, _, err := t.steps(ctx, stepHeard)
	if err != nil {
		return nil, tally, err
	}
	before, err := t.nodes.cpu()
	if err != nil {
		return nil, tally, err
	}
	made, seconds, err := t.steps(ctx, stepTurn)
	if err != nil {
		return nil, tally, err
	}
	want := heard + made*int64(t.c.Contacts)
	for end := time.Now().Add(drainTime); heard < want && time.Now().Before(end); {
		if heard, _, err = t.steps(ctx, stepHeard); err != nil {
			return nil, tally, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, tally, err
		}
	}
	tally.Lost, tally.Duplicated = max(0, want-heard), max(0, heard-want)
	after, err := t.nodes.cpu()
	return []figures.Turn{perWork(made, seconds, after-before)}, tally, err
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

// chat measures messages between people at different nodes, in rooms that are all at the first one: what
// they take there, and what they take at all nodes besides what these take at rest.
func (t *trial) chat(ctx context.Context) (err error) {
	for _, one := range []*trial{t, t.base} {
		if one == nil {
			continue
		}
		if err := one.connect(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, one.hangUp()) }()
		if one.rest, err = one.resting(ctx); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("%d pairs, 1 in flight, on one switchboard", t.c.Pairs)
	results := []figures.Result{t.result(what, "µs CPU/message"), t.result(what, "µs CPU/message at all nodes")}
	return t.compare(ctx, results, (*trial).messages)
}

// connect brings the pairs together.
func (t *trial) connect(ctx context.Context) (err error) {
	t.talk, err = t.drive(ctx, t.nodes[0], job{
		Work: workRelay, Nodes: t.nodes.addrs(), Crowd: t.crowd, Turn: t.Turn, Share: share{First: t.crowd.Plan.People},
		Relay: RelayCase{Pairs: t.c.Pairs, InFlight: 1, Bytes: 300, Ack: msnp.AckNone},
	})
	return err
}

// hangUp has them leave, if they are there.
func (t *trial) hangUp() error {
	if t.talk == nil {
		return nil
	}
	d := t.talk
	t.talk = nil
	return d.Stop()
}

// messages has them chat for a turn.
func (t *trial) messages(ctx context.Context) ([]figures.Turn, Tally, error) {
	before, err := t.cpus()
	if err != nil {
		return nil, Tally{}, err
	}
	o, err := t.talk.step(ctx, stepTurn)
	if err != nil {
		return nil, Tally{}, err
	}
	after, err := t.cpus()
	rest := time.Duration(t.rest * o.Seconds * float64(time.Second))
	return []figures.Turn{
		perWork(o.Work, o.Seconds, after[0]-before[0]),
		perWork(o.Work, o.Seconds, max(after[1]-before[1]-rest, 0)),
	}, o.Tally, err
}

// cpus is the processor time that the first node has used, and all together.
func (t *trial) cpus() (both [2]time.Duration, err error) {
	if both[0], err = t.nodes[:1].cpu(); err != nil {
		return both, err
	}
	both[1], err = t.nodes.cpu()
	return both, err
}

// perWork is a turn of which each unit of work took so many microseconds.
func perWork(work int64, seconds float64, cpu time.Duration) figures.Turn {
	turn := figures.Turn{Work: work, Seconds: seconds, CPUSeconds: cpu.Seconds()}
	if work > 0 {
		turn.Value = cpu.Seconds() / float64(work) * 1e6
	}
	return turn
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
