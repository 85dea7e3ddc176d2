package torture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"monarch/internal/fleet"
	"monarch/msnclient"
	"monarch/msnp"
)

// database takes the database away for a while.
func (n *nation) database(ctx context.Context) error {
	db := n.fleet.DB
	ways := []struct {
		verb       string
		begin, end func() error
	}{
		{"stop", db.Stop, db.Start},
		{"kill", db.Kill, db.Start},
		{"freeze", db.Freeze, db.Thaw}, // it does not even say that it is gone
	}
	for round := range n.Rounds {
		if err := n.spread(ctx); err != nil {
			return err
		}
		out := n.people[n.random.IntN(n.Nodes)]
		out.leave()
		n.agree(ctx, "when somebody has left", n.Within)
		n.crossTalk(ctx, "before the database goes away")
		way := ways[round%len(ways)]
		n.say("%s the database", way.verb)
		if err := way.begin(); err != nil {
			return err
		}
		n.serve(ctx, "without a database")
		n.crossTalk(ctx, "without a database")
		n.refusedClearly(ctx, out)
		n.agree(ctx, "without a database", n.Within)
		if err := way.end(); err != nil {
			return err
		}
		back := time.Now()
		if !await(ctx, func() bool { return out.signIn(ctx, n.node(round), nil) == nil }) {
			n.complain("nobody can sign in when the database is back")
		}
		n.took("from the return of the database until somebody can sign in", time.Since(back))
		n.agree(ctx, "when the database is back", n.Within)
		if err := n.rest(ctx); err != nil {
			return err
		}
	}
	n.tellOf("times that the database was away", float64(n.Rounds), "")
	n.tellCounts(clearAnswers, signIns)
	return nil
}

// refusedClearly looks what people are told without a database.
func (n *nation) refusedClearly(ctx context.Context, out *citizen) {
	for _, node := range n.fleet.Nodes {
		began := time.Now()
		err := out.signIn(ctx, node, nil)
		took := time.Since(began)
		switch {
		case err == nil:
			n.complain("somebody can sign in at %s without a database", node.Name)
			out.leave()
		case !isClear(err):
			n.complain("at %s somebody who signs in without a database is told: %v", node.Name, err)
		default:
			n.count(clearAnswers, 1)
		}
		n.atMost(ctx, "longest time until somebody is told that he cannot sign in", took, patience/2)
		people := n.at(node)
		if len(people) < 2 {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, patience)
		began = time.Now()
		err = people[0].seat.client.Block(asked, people[1].handle)
		cancel()
		n.atMost(ctx, "longest time until somebody is told that his lists cannot be changed", time.Since(began), patience/2)
		switch {
		case !isClear(err):
			n.complain("at %s somebody who changes his lists without a database is told: %v", node.Name, err)
		default:
			n.count(clearAnswers, 1)
		}
		if people[0].seat.isOver() {
			n.complain("at %s somebody who changes his lists without a database is thrown out: %v", node.Name, people[0].seat.why)
		}
	}
}

const clearAnswers = "clear answers without a database"

// isClear reports whether a client was told that something cannot be done now.
func isClear(err error) bool {
	return errors.Is(err, msnclient.ErrUnavailable) || errors.Is(err, msnp.CodeUnavailable) || errors.Is(err, msnp.CodeInternal)
}

// restartNATS takes the NATS server away at which the nodes meet, for shorter and longer than they
// wait for each other.
func (n *nation) restartNATS(ctx context.Context) error {
	lengths := []time.Duration{time.Second, silentAfter}
	if n.Grace {
		lengths = append(lengths, graceOver+10*time.Second)
	}
	for _, length := range lengths {
		if err := n.spread(ctx); err != nil {
			return err
		}
		n.say("take NATS away for %v", length)
		n.fleet.NATS.Stop()
		stopped := time.Now()
		n.apart = true
		n.serve(ctx, "without NATS")
		wait(ctx, time.Until(stopped.Add(length)))
		n.serve(ctx, "some time without NATS")
		if err := n.fleet.NATS.Start(); err != nil {
			return err
		}
		back := time.Now()
		n.apart = false
		n.agree(ctx, "when NATS is back", n.Within)
		n.took(fmt.Sprintf("from the return of NATS after %v until all is right", length), time.Since(back))
		n.crossTalk(ctx, "when NATS is back")
		n.ghosts(ctx, "when NATS is back")
		if err := n.rest(ctx); err != nil {
			return err
		}
	}
	n.tellOf("times that NATS was away", float64(len(lengths)), "")
	n.tellCounts(signIns)
	return nil
}

// longWay is how long everything between NATS and one node takes, in each direction.
const longWay = 300 * time.Millisecond

// slowNATS has one node reach NATS over a long way.
func (n *nation) slowNATS(ctx context.Context) error {
	way, err := fleet.NewSlow(n.fleet.Here()+":0", n.fleet.NATS.Addr(), longWay)
	if err != nil {
		return err
	}
	remote := n.node(n.Nodes - 1)
	was := remote.Settings["cluster.nats_url"]
	remote.Settings["cluster.nats_url"] = n.fleet.NATS.URLAt(way.Addr())
	err = n.restart(ctx, remote)
	if err == nil {
		err = n.spread(ctx)
	}
	if err == nil {
		n.live(ctx, "over a slow way")
	}
	n.partAll()
	remote.Settings["cluster.nats_url"] = was
	return errors.Join(err, n.restart(ctx, remote), way.Close())
}

// restart stops a node and starts it with what it is to be now.
func (n *nation) restart(ctx context.Context, node *fleet.Node) error {
	if err := node.Stop(); err != nil {
		return err
	}
	return node.Start(ctx)
}

// live has people do on all nodes, and between them, what they do: change what they show, talk, and go from each node to
// each other without a word.
func (n *nation) live(ctx context.Context, how string) {
	for range n.Rounds {
		began := time.Now()
		n.bustleAbout(ctx, n.people)
		n.agree(ctx, how, n.Within)
		n.took("from changes of everybody's status until all is right", time.Since(began))
		n.crossTalk(ctx, how)
		for step := 1; step < n.Nodes; step++ {
			each(n.people, func(c *citizen) {
				if c.seat == nil || ctx.Err() != nil {
					return // he could not sign in, which was told
				}
				to := n.node(n.number(c.seat.node) + step)
				began := time.Now()
				if err := c.move(ctx, to); err != nil {
					n.complain("%s: %s cannot go from %s to %s: %v", how, c.handle, c.seat.node.Name, to.Name, err)
				}
				n.took("longest sign-in of somebody who is signed in elsewhere", time.Since(began))
			})
			n.displaced(ctx, how)
			n.agree(ctx, how, n.Within)
			n.ghosts(ctx, how)
		}
	}
	n.tellCounts(signIns)
}

// astray is how far clocks are wrong.
const astray = 5 * time.Minute

// clock has the clock of one node be ahead and that of another late.
func (n *nation) clock(ctx context.Context) error {
	was := n.node(0).Argv
	for k, by := range map[int]time.Duration{0: astray, 1: -astray} {
		node := n.node(k)
		node.Argv = []string{n.Self, "astray", "--by=" + by.String()}
		if err := n.restart(ctx, node); err != nil {
			return err
		}
	}
	err := n.spread(ctx)
	if err == nil {
		n.live(ctx, "with clocks that are wrong")
	}
	n.partAll()
	for k := range 2 {
		node := n.node(k)
		node.Argv = was
		err = errors.Join(err, n.restart(ctx, node))
	}
	return err
}

// upgrade has nodes of an earlier release and of this one be one service, and then upgrades the others.
func (n *nation) upgrade(ctx context.Context) error {
	now := n.node(0).Argv
	for k := range n.Nodes - 1 {
		node := n.node(k)
		node.Argv = []string{n.Old, "serve"}
		if err := n.restart(ctx, node); err != nil {
			return err
		}
	}
	err := n.spread(ctx)
	for k := n.Nodes - 2; err == nil && k >= 0; k-- {
		n.live(ctx, "with an earlier release beside this one")
		node := n.node(k)
		node.Argv = now
		for _, c := range n.at(node) {
			c.leave()
			n.must(ctx, c, n.node(k+1))
		}
		err = n.restart(ctx, node)
		n.agree(ctx, "after an upgrade of a node", n.Within)
	}
	return err
}
