package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// asks are the questions that wait for an answer.
type asks struct {
	mu      sync.Mutex // leaf
	last    uint64
	waiting map[uint64]question
}

type question struct {
	node   NodeID
	answer chan []byte // of one; closed when there will be none
}

// Ask sends a message, soon, and waits for the answer of that node's member. It fails with
// [ErrUnreachable] at once when the node is not alive, as soon as it turns out that question or answer
// may have been lost, and when the node is not heard of any more; and when ctx is over.
func (c *Cluster) Ask(ctx context.Context, to NodeID, msg []byte) ([]byte, error) {
	call, answer := c.asks.open(to)
	defer c.asks.close(call)
	p := c.peers.find(to)
	if p == nil || !c.sendTo(p, message{askMessage, call, msg}, Soon) {
		return nil, fmt.Errorf("ask %s: %w", to, ErrUnreachable)
	}
	msg, err := c.await(ctx, poll{p, answer})
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", to, err)
	}
	return msg, nil
}

// doubtful is how long a node is quiet, for whom a heartbeat is due every two seconds, when it is no
// longer waited for by those who wait for all.
const doubtful = 3 * time.Second

// AskAll asks all other nodes that are alive, waits until each has answered, or is not heard of any
// more, and returns the answers. It fails when question or answer may have been lost, when a node is
// not heard of that may yet be, and when ctx is over. If not, this node has received what the others
// sent before they received what it sent before.
func (c *Cluster) AskAll(ctx context.Context, msg []byte) (answers [][]byte, err error) {
	var all []poll
	for _, p := range c.peers.all() {
		call, answer := c.asks.open(p.id)
		defer c.asks.close(call)
		switch {
		case c.sendTo(p, message{askMessage, call, msg}, Soon):
			all = append(all, poll{p, answer})
		case p.alive():
			err = fmt.Errorf("ask %s: %w", p.id, ErrUnreachable)
		}
	}
	for _, q := range all {
		answer, why := c.await(ctx, q)
		switch {
		case why == nil:
			answers = append(answers, answer)
		case ctx.Err() != nil || q.peer.alive():
			err = fmt.Errorf("ask %s: %w", q.peer.id, why)
		}
	}
	return answers, err
}

// Tell tells the others how this node is, and waits until all that are alive know, as AskAll does.
func (c *Cluster) Tell(ctx context.Context) error {
	for _, p := range c.peers.all() {
		c.owe(p, introduction) // which is paid before any question is sent
	}
	_, err := c.AskAll(ctx, nil)
	return err
}

// poll is a question to one node.
type poll struct {
	peer   *peer
	answer <-chan []byte
}

// await waits for the answer to a question.
func (c *Cluster) await(ctx context.Context, q poll) ([]byte, error) {
	var look alarm
	look.init(c.cfg.Clock)
	defer look.stop()
	for {
		look.set(glance)
		select {
		case msg, ok := <-q.answer:
			if !ok {
				return nil, ErrUnreachable
			}
			return msg, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-look.rung:
			if !c.answers(q.peer) {
				return nil, ErrUnreachable
			}
		}
	}
}

// answers reports whether a node is there to be waited for.
func (c *Cluster) answers(p *peer) bool {
	return p.alive() && p.quiet(c.cfg.Clock.Elapsed()) <= doubtful
}

// asked has the member answer.
func (c *Cluster) asked(from NodeID, m message) {
	call := m.call
	c.cfg.Member.Answer(from, m.body, func(msg []byte) {
		c.send(from, message{answerMessage, call, msg}, Soon)
	})
}

func (a *asks) open(node NodeID) (call uint64, answer <-chan []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	q := question{node, make(chan []byte, 1)}
	a.waiting[a.last] = q
	return a.last, q.answer
}

func (a *asks) close(call uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, call)
}

// answered hands an answer over, which is copied, if somebody still waits for it.
func (a *asks) answered(node NodeID, m message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q, ok := a.waiting[m.call]; ok && q.node == node {
		delete(a.waiting, m.call)
		q.answer <- append([]byte{}, m.body...)
	}
}

// fail gives up waiting for a node's answers.
func (a *asks) fail(node NodeID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for call, q := range a.waiting {
		if q.node == node {
			delete(a.waiting, call)
			close(q.answer)
		}
	}
}
