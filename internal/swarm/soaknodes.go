package swarm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"monarch/internal/figures"
	"monarch/internal/process"
)

// rolling is a soak of several nodes, which are restarted one after the other.
type rolling struct {
	*run
	c      SoakCase
	engine string
	fell   context.CancelCauseFunc // told of a node that ends by itself
	nodes  []*rollingNode

	mu     sync.Mutex // held for one step of the driver
	driver *driver

	// Of the goroutine that restarts nodes, until it has ended.
	cpu      time.Duration // of processes that have ended
	restarts int
	took     map[string]float64 // seconds, the most for each thing
}

// rollingNode is a node that runs, or is started again with the same settings.
type rollingNode struct {
	*subject
	name, dir string
	settings  map[string]string
	addrs     map[string]string // of its listeners, which stay
}

// soakNodes is a soak of several nodes on a database that they share.
func (r *run) soakNodes(ctx context.Context, c SoakCase, engine string) (err error) {
	p := plan{Shape: ring, People: c.People, Contacts: c.Contacts}
	if err := p.check(); err != nil {
		return err
	}
	ctx, fell := context.WithCancelCause(ctx)
	defer fell(nil)
	database, end, err := emptyDatabase("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	people, err := r.populate(ctx, database, p)
	if err != nil {
		return fmt.Errorf("make the accounts: %w", err)
	}
	s := &rolling{run: r, c: c, engine: engine, fell: fell, took: make(map[string]float64)}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.start(ctx, database); err != nil {
		return err
	}
	r.say("soak: signing %d people in to %d nodes", c.People, c.Nodes)
	s.driver, err = r.drive(ctx, nil, job{
		Work: workSoak, Crowd: people, Soak: c, Turn: min(time.Second, c.Length/12), Dispatch: s.doors(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.driver.Stop()) }()
	return s.live(ctx)
}

// start starts all nodes at free ports, which they keep.
func (s *rolling) start(ctx context.Context, database string) error {
	peers, err := freePeers(s.c.Nodes)
	if err != nil {
		return err
	}
	for i := range peers {
		n := &rollingNode{name: nodeName(i), dir: s.nodeDir(i, s.c.Nodes), settings: nodeSettings(i, peers, database)}
		if s.engine != DefaultEngine {
			n.settings["conn.engine"] = s.engine
		}
		s.nodes = append(s.nodes, n)
	}
	return atOnce(len(s.nodes), func(i int) error {
		if err := s.spawn(ctx, i); err != nil {
			return err
		}
		for name, addr := range s.nodes[i].addrs {
			if key, ok := listenKeys[name]; ok {
				s.nodes[i].settings[key] = addr
			}
		}
		return nil
	})
}

// spawn starts one node.
func (s *rolling) spawn(ctx context.Context, i int) (err error) {
	n := s.nodes[i]
	if n.subject, n.addrs, err = s.spawnNode(ctx, i, n.dir, n.settings); err != nil {
		return err
	}
	p := n.Process
	go func() {
		<-p.Ended
		if p.Fell() {
			s.fell(p.Explain(p.Gone()))
		}
	}()
	return nil
}

// doors are where people come.
func (s *rolling) doors() []string {
	var all []string
	for _, n := range s.nodes {
		all = append(all, n.addrs["dispatch"])
	}
	return all
}

// stop stops all.
func (s *rolling) stop() error {
	return atOnce(len(s.nodes), func(i int) error {
		if s.nodes[i].subject == nil {
			return nil
		}
		return s.nodes[i].Stop()
	})
}

// live lets people live there until the time is over and the last node is back.
func (s *rolling) live(ctx context.Context) error {
	began := time.Now()
	rolled := make(chan error, 1)
	go func() { rolled <- s.roll(ctx, began) }()
	var o outcome
	var err, failed error
	for told, over := began, false; !over && err == nil; {
		select {
		case failed = <-rolled:
			over = true
			continue
		default:
		}
		if o, err = s.step(ctx, stepTurn); err == nil && time.Since(told) >= tellEvery {
			told = time.Now()
			s.tell(told.Sub(began), o)
		}
	}
	if err != nil {
		s.fell(err) // and so ends the other
		failed = <-rolled
	}
	if err = errors.Join(err, failed); err == nil {
		s.say("soak: everybody comes to rest")
		o, err = s.step(ctx, stepEnd)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, s.conclude(o, since(began)))
}

// step has the driver do one step; others wait meanwhile.
func (s *rolling) step(ctx context.Context, name string) (outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.driver.step(ctx, name)
}

// roll restarts one node after the other until the time is over.
func (s *rolling) roll(ctx context.Context, began time.Time) error {
	end := began.Add(s.c.Length)
	for next := began; ; {
		next = next.Add(s.c.Roll)
		if s.c.Roll <= 0 || next.After(end) {
			return pause(ctx, time.Until(end))
		}
		if err := pause(ctx, time.Until(next)); err != nil {
			return err
		}
		if err := s.restart(ctx, s.restarts%len(s.nodes)); err != nil {
			return err
		}
		if now := time.Now(); now.After(next) {
			next = now
		}
		s.restarts++
	}
}

// restart drains a node, stops it when nobody is signed in there any more, and starts it again, as for an
// upgrade.
func (s *rolling) restart(ctx context.Context, i int) error {
	n := s.nodes[i]
	host := nodeHost(i)
	s.say("soak: %s is drained", n.name)
	if _, err := s.step(ctx, stepRestarts+host); err != nil {
		return err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, s.Monarch, "--data", n.dir, "drain", n.name)
	cmd.Env = process.Environment(n.dir, n.settings)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("drain %s: %w\n%s", n.name, err, said)
	}
	for {
		here, err := n.metric(ctx, metricSessions)
		if err != nil {
			return err
		}
		if here == 0 {
			break
		}
		if time.Since(began) > 2*patience {
			return fmt.Errorf("%s was drained, and %.0f people are still there", n.name, here)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	talking, err := n.metric(ctx, metricSeated)
	if err != nil {
		return err
	}
	s.most("s until a drained node had nobody", since(began))
	s.say("soak: %s has nobody after %.1f s, and %.0f in conversations; it is stopped", n.name, since(began), talking)
	if err := s.again(ctx, i); err != nil {
		return err
	}
	_, err = s.step(ctx, stepRestarted+host)
	return err
}

// again stops a node and starts it.
func (s *rolling) again(ctx context.Context, i int) error {
	n, began := s.nodes[i], time.Now()
	cpu, err := n.use.CPU()
	if err != nil {
		return err
	}
	s.cpu += cpu
	if err := n.Stop(); err != nil {
		return err
	}
	s.most("s until a node had stopped", since(began))
	if err := s.spawn(ctx, i); err != nil {
		return err
	}
	s.most("s from the stop of a node until it was back", since(began))
	s.say("soak: %s is back after %.1f s", n.name, since(began))
	return nil
}

// most remembers the longest that something took.
func (s *rolling) most(what string, seconds float64) { s.took[what] = max(s.took[what], seconds) }

func (s *rolling) tell(after time.Duration, o outcome) {
	s.say("soak: %s: %.0f on line, %.0f messages, %.0f acknowledged, in %.0f conversations, %.0f of which ended with their node, "+
		"%.0f sign-ins, %.0f lines of status, %d lost, %d duplicated, %d out of order, %.0f failures",
		after.Round(time.Second), o.Extra[extraOnline], o.Extra["messages"], o.Extra["acknowledged"], o.Extra["conversations"],
		o.Extra[extraCutShort], o.Extra["sign-ins"], o.Extra["status lines"], o.Lost, o.Duplicated, o.Reordered, o.Extra[extraFailures])
}

// conclude makes the result.
func (s *rolling) conclude(o outcome, seconds float64) error {
	cpu := s.cpu
	for _, n := range s.nodes {
		if n.subject == nil {
			continue // it was not back
		}
		one, err := n.use.CPU()
		if err != nil {
			return err
		}
		cpu += one
	}
	if o.Extra == nil {
		o.Extra = make(map[string]float64)
	}
	o.Extra[extraRestarts] = float64(s.restarts)
	for what, most := range s.took {
		o.Extra[what] = most
	}
	t := figures.Turn{Work: o.Work, Seconds: seconds, CPUSeconds: cpu.Seconds(), Value: 100 * cpu.Seconds() / seconds}
	s.results = append(s.results, figures.Result{
		Work: workSoak, Case: s.c.String(), Subject: fmt.Sprintf("%d nodes", s.c.Nodes), Unit: "% of a processor",
		Turns: []figures.Turn{t}, Value: t.Value, Extra: o.Extra,
		Lost: o.Lost, Duplicated: o.Duplicated, Reordered: o.Reordered,
	})
	return nil
}
