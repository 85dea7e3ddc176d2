package hub

import (
	"context"
	"encoding/binary"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/im"
)

// TurnFunc waits for the turn at somebody's lists, which ends with end.
type TurnFunc func(ctx context.Context, id im.UserID) (end func(), err error)

// GiveTurns registers the function by which turns are given to other nodes. It is for construction
// time.
func (h *Hub) GiveTurns(fn TurnFunc) { h.turns = fn }

// Turn waits for the turn at the lists of somebody who is signed in at another node, where his own
// commands take it; end gives it back. Where he is not, or his node does not answer, there is
// nobody to wait for.
func (h *Hub) Turn(ctx context.Context, id im.UserID) (end func()) {
	if f, ok := h.where(id); ok && f.reachable() {
		return h.peers.takeTurn(ctx, id, f.node)
	}
	return func() {}
}

// Debts are what somebody did too recently to do it again, as nodes tell each other of it when he signs
// in, so that another node is no way around limits. Neither function may wait.
type Debts struct {
	Give func(im.UserID) []byte // nil: there is nothing
	Take func(im.UserID, []byte)
}

// ShareDebts registers these functions. It is for construction time.
func (h *Hub) ShareDebts(d Debts) { h.debts = d }

func (p *peers) takeTurn(ctx context.Context, id im.UserID, n *node) (end func()) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := p.cluster.Ask(ctx, n.id, encode(question{Turn: id}))
	if err != nil || len(answer) != 8 {
		return func() {}
	}
	over := encode(message{TurnOver: binary.BigEndian.Uint64(answer)})
	return func() { p.cluster.Send(n.id, over, cluster.Soon) }
}

// turnTime is how long another node may keep a turn; its database may have gone away meanwhile.
const turnTime = 20 * time.Second

// giveTurn gives one to another node, if it gets one while that still waits.
func (p *peers) giveTurn(ctx context.Context, n *node, id im.UserID, reply func([]byte)) {
	ctx, cancel := context.WithTimeout(ctx, answerTime-time.Second)
	defer cancel()
	end, err := p.hub.turns(ctx, id)
	if err != nil {
		reply(nil)
		return
	}
	p.mu.Lock()
	p.given++
	number := p.given
	t := &turn{node: n, end: end}
	p.turns[number] = t
	p.hub.clock.Set(&t.timer, turnTime, func() { p.endTurn(number) })
	p.mu.Unlock()
	if n.silent.Load() {
		p.endTurn(number)
		return
	}
	reply(binary.BigEndian.AppendUint64(nil, number))
}

// turn is one that another node has.
type turn struct {
	node  *node
	end   func()
	timer clock.Timer
}

func (p *peers) endTurn(number uint64) {
	p.mu.Lock()
	t := p.turns[number]
	delete(p.turns, number)
	p.mu.Unlock()
	if t != nil {
		p.hub.clock.Stop(&t.timer)
		t.end()
	}
}

// endTurns takes back what a node has that cannot be reached any more.
func (p *peers) endTurns(n *node) {
	var over []uint64
	p.mu.Lock()
	for number, t := range p.turns {
		if t.node == n {
			over = append(over, number)
		}
	}
	p.mu.Unlock()
	for _, number := range over {
		p.endTurn(number)
	}
}
