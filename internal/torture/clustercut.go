package torture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"monarch/internal/fleet"
)

// silentAfter is when a node that is not heard of any more is known to be away. docs/cluster.md
const silentAfter = 12 * time.Second

// partition cuts one node off from the others, all of which reach the database and are reached by
// people, and mends the network.
func (n *nation) partition(ctx context.Context) error {
	lengths := []time.Duration{silentAfter}
	if n.Grace {
		lengths = append(lengths, 2*time.Second, graceOver+10*time.Second)
	}
	for _, length := range lengths {
		if err := n.spread(ctx); err != nil {
			return err
		}
		if err := n.cutOff(ctx, n.node(n.random.IntN(n.Nodes)), length); err != nil {
			return err
		}
		if err := n.rest(ctx); err != nil {
			return err
		}
	}
	n.tellOf("times that a node was cut off", float64(len(lengths)), "")
	n.tellCounts(signIns)
	return nil
}

// cutOff cuts one node off from all the others for some time.
func (n *nation) cutOff(ctx context.Context, lone *fleet.Node, length time.Duration) error {
	others := slices.DeleteFunc(slices.Clone(n.fleet.Nodes), func(node *fleet.Node) bool { return node == lone })
	n.say("cut %s off for %v", lone.Name, length)
	for _, node := range others {
		if err := n.fleet.Cut(lone.Machine, node.Machine); err != nil {
			return err
		}
	}
	cut := time.Now()
	n.apart = true
	n.serve(ctx, "right after the cut")
	if length > silentAfter {
		wait(ctx, silentAfter)
		n.serve(ctx, "when the other side is silent")
	}
	n.changeSides(ctx, lone, others)
	n.serve(ctx, "when people are on both sides")
	wait(ctx, time.Until(cut.Add(length)))
	n.bustleAbout(ctx, n.people)
	for _, node := range others {
		if err := n.fleet.Mend(lone.Machine, node.Machine); err != nil {
			return err
		}
	}
	mended := time.Now()
	n.apart = false
	n.displaced(ctx, "after the network was mended")
	n.agree(ctx, "after the network was mended", time.Until(mended.Add(n.Within)))
	n.took(fmt.Sprintf("from the end of a cut of %v until all is right", length), time.Since(mended))
	n.ghosts(ctx, "after the network was mended")
	n.bustleAbout(ctx, n.people)
	n.agree(ctx, "some changes later", n.Within)
	n.crossTalk(ctx, "after the network was mended")
	return nil
}

// serve has people do things on all nodes, each with those of his own.
func (n *nation) serve(ctx context.Context, when string) {
	n.bustleAbout(ctx, n.people)
	for _, node := range n.fleet.Nodes {
		n.chatAt(ctx, when, n.at(node))
	}
}

// changeSides has people sign in on the other side, while their first sign-in goes on on this one, and
// others leave and come.
func (n *nation) changeSides(ctx context.Context, lone *fleet.Node, others []*fleet.Node) {
	there, here := n.at(lone), n.at(others[0])
	twice := slices.Concat(there[:len(there)/2], here[:len(here)/2])
	each(twice, func(c *citizen) {
		to := others[len(others)-1]
		if c.seat.node != lone {
			to = lone
		}
		began := time.Now()
		if err := c.move(ctx, to); err != nil {
			n.complain("%s cannot sign in on the other side, at %s: %v", c.handle, to.Name, err)
		}
		n.atMost(ctx, "longest sign-in of somebody who is signed in on the other side", time.Since(began), n.Within)
	})
	gone := slices.Concat(there[len(there)-1:], here[len(here)-1:])
	for _, c := range gone {
		c.leave()
	}
	n.must(ctx, gone[0], others[0])
	// The other stays away.
}

// atMost notes a time that is limited.
func (n *nation) atMost(ctx context.Context, what string, took, most time.Duration) {
	n.took(what, took)
	if took > most && ctx.Err() == nil {
		n.complain("%s: %v", what, took)
	}
}

// crossTalk has people of different nodes talk with each other.
func (n *nation) crossTalk(ctx context.Context, when string) {
	for k, node := range n.fleet.Nodes {
		here, there := n.at(node), n.at(n.node(k+1))
		if len(here) > 0 && len(there) > 0 {
			n.chat(ctx, when, here[0], there[len(there)-1])
			n.chat(ctx, when, there[0], here[len(here)-1])
		}
	}
}
