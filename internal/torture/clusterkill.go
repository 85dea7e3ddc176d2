package torture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"monarch/internal/fleet"
	"monarch/msnclient"
)

// Times that are promised. docs/cluster.md
const (
	graceOver  = 60 * time.Second // after which nobody sees people of a node that is lost
	ghostAfter = 60 * time.Second // after which it is looked once more
)

// addChangers makes those who change their lists, whose accounts there are, the first of which has
// the given number. They know nobody but each other.
func (n *nation) addChangers(first, count int) {
	for k := first; k < first+count; k++ {
		var others []string
		for m := first; m < first+count; m++ {
			if m != k {
				others = append(others, handleOf(m))
			}
		}
		p := n.newPerson(k, others)
		p.secret.now = everybodysPassword
		n.world.people = append(n.world.people, p)
	}
}

// kill ends nodes in the middle of everything.
func (n *nation) kill(ctx context.Context) error {
	for range n.Rounds {
		if err := n.spread(ctx); err != nil {
			return err
		}
		n.gatherChangers(ctx)
		changing, stop := context.WithCancel(ctx)
		var changers sync.WaitGroup
		for i, p := range n.world.people {
			changers.Go(func() { n.changeOn(changing, p, i) })
		}
		wait(ctx, time.Duration(200+n.random.IntN(1500))*time.Millisecond)
		err := n.killOne(ctx)
		stop()
		changers.Wait()
		if err != nil {
			return err
		}
		n.ghosts(ctx, "when a node was killed and is back")
		n.gatherChangers(ctx)
		if err := n.rest(ctx); err != nil {
			return err
		}
	}
	n.tellOf("nodes killed", float64(n.Rounds), "")
	n.tellCounts(acknowledged, unanswered, doneUntold, undone, comparedLists, signIns)
	return nil
}

// killOne kills a node, has those of its people come back elsewhere who do, and starts it again.
func (n *nation) killOne(ctx context.Context) error {
	victim := n.node(n.random.IntN(n.Nodes))
	homeless := n.at(victim)
	for _, c := range n.people {
		c.forget()
	}
	n.say("kill %s, where %d people are", victim.Name, len(homeless))
	killed := time.Now()
	victim.Kill()
	back := homeless
	if n.Grace {
		back = homeless[:len(homeless)/2]
	}
	for _, c := range homeless {
		c.leave()
	}
	n.signInElsewhere(ctx, killed, back, n.number(victim)+1)
	n.comeAndGo(ctx, n.node(n.number(victim)+1))
	n.bustleAbout(ctx, n.people)
	if n.Grace {
		n.watchLeaving(ctx, killed, homeless[len(back):])
	}
	n.agree(ctx, "after a node was killed", n.Within)
	n.nobodyLeft(back)
	if n.Grace {
		wait(ctx, ghostAfter)
		n.agree(ctx, "a minute later", 0)
	}
	if err := victim.Start(ctx); err != nil {
		return fmt.Errorf("after a kill: %w", err)
	}
	each(homeless[len(back):], func(c *citizen) { n.must(ctx, c, victim) })
	n.agree(ctx, "when the node is back", n.Within)
	n.nobodyLeft(back)
	return nil
}

// must signs somebody in.
func (n *nation) must(ctx context.Context, c *citizen, node *fleet.Node) {
	if err := c.signIn(ctx, node, nil); err != nil {
		n.complain("%s cannot sign in at %s: %v", c.handle, node.Name, err)
	}
}

// signInElsewhere signs people in at the other nodes, all at once.
func (n *nation) signInElsewhere(ctx context.Context, since time.Time, people []*citizen, from int) {
	each(people, func(c *citizen) {
		began := time.Now()
		n.must(ctx, c, n.node(from+slices.Index(people, c)%(n.Nodes-1)))
		n.atMost(ctx, "longest sign-in of somebody whose node was killed", time.Since(began), n.Within)
	})
	n.took("from the kill until all are back who come back", time.Since(since))
}

// comeAndGo has somebody leave and come back who has nothing to do with the node that was killed.
func (n *nation) comeAndGo(ctx context.Context, node *fleet.Node) {
	here := n.at(node)
	if len(here) == 0 {
		return
	}
	here[0].leave()
	began := time.Now()
	n.must(ctx, here[0], node)
	n.took("longest sign-in of somebody else right after", time.Since(began))
	for _, c := range n.people {
		c.pardon(here[0].handle)
	}
}

// watchLeaving waits until nobody sees those any more who did not come back.
func (n *nation) watchLeaving(ctx context.Context, since time.Time, people []*citizen) {
	n.agree(ctx, "when the grace of a killed node is over", time.Until(since.Add(graceOver)))
	n.took("from the kill until those who stay away are seen to have left", time.Since(since))
	for _, c := range n.people {
		for _, other := range people {
			if c.seat != nil && c != other && c.departures(other.handle) != 1 {
				n.complain("%s saw %s leave %d times, who is gone with his node", c.handle, other.handle, c.departures(other.handle))
			}
		}
	}
}

// nobodyLeft looks whether anybody saw people leave who came back at once.
func (n *nation) nobodyLeft(people []*citizen) {
	for _, c := range n.people {
		for _, other := range people {
			if c != other && c.departures(other.handle) > 0 {
				n.complain("%s saw %s leave, who came back at once", c.handle, other.handle)
			}
		}
	}
}

// gatherChangers signs those in who change their lists, each somewhere, and compares their lists
// with what they were told, and with each other.
func (n *nation) gatherChangers(ctx context.Context) {
	all := true
	for _, p := range n.world.people {
		node := n.node(n.random.IntN(n.Nodes))
		was, cached := p.kept, n.random.IntN(2) == 0
		if err := p.signIn(ctx, serverOf(node), cached); err != nil {
			n.complain("%s cannot sign in at %s: %v", p.handle, node.Name, err)
			all = false
		}
		if !cached || was == nil {
			p.kept = nil // he has got all of it
		}
	}
	if all {
		n.world.compareAll()
		n.count(comparedLists, 1)
	}
}

// changeOn has somebody change his lists until ctx ends, who signs in at another node when his has gone.
func (n *nation) changeOn(ctx context.Context, p *person, at int) {
	defer p.leave()
	for ctx.Err() == nil {
		if p.client != nil {
			p.live(ctx, func(error) bool { return false })
			p.leave()
		}
		at++
		node := n.node(at)
		if !node.Running() {
			continue
		}
		if err := p.signIn(ctx, serverOf(node), false); err != nil && ctx.Err() == nil {
			if node.Running() && !errors.Is(err, msnclient.ErrNotConnected) {
				n.complain("%s cannot sign in at %s: %v", p.handle, node.Name, err)
			}
			wait(ctx, 10*time.Millisecond)
		}
	}
}

const comparedLists = "comparisons of everybody's lists with what all were told"
