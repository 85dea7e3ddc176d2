package hub

import (
	"context"
	"slices"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/im"
	"monarch/msnp"
)

// peers is what a hub has besides when there are other nodes. docs/cluster.md
//
// Each hub tells all others what happens to the people of its node, in one stream to each, so
// that every one knows where everybody is, and how. Who is to hear of a change is found where
// it happens, and each is told by the hub that has his session. When a part of a stream was
// lost, everything is said again, and people are told what they missed.
type peers struct {
	hub     *Hub
	cluster *cluster.Cluster
	spreads sync.Pool // of spread
	errands errands

	// turn is held while something from elsewhere takes its effect, or the end of a time does. It is
	// taken before any other lock of the hub.
	turn    sync.Mutex
	missed  map[im.UserID]Known // whom people here were not told of, as they knew them
	doubted []Known             // who may have gone without anybody telling, if they are still silent
	collect clock.Timer         // of both

	mu    sync.Mutex               // leaf, but for the clock's
	nodes map[cluster.NodeID]*node // those not gone, and this one
	lost  []lost                   // by age
	grace clock.Timer
	turns map[uint64]*turn // that other nodes have, by the number that was answered
	given uint64           // the last of these numbers

	unsettled []Session // that signed in here when not every node could be told
	sought    []im.UserID
	catching  bool // catchUp is to run, or runs
	catch     clock.Timer
}

// lost is somebody whom his node has let go of.
type lost struct {
	user   im.UserID
	number uint64
	since  time.Duration // by the clock's Elapsed
}

const (
	answerTime  = 5 * time.Second  // for another node, when somebody waits
	graceTime   = 50 * time.Second // for people to come back elsewhere, when their node let go of them
	collectTime = time.Second      // for changes that come late, to be told together
)

// Join makes the hub one of several, in the cluster that is built for it. It is for construction
// time, before the cluster starts.
func (h *Hub) Join(build func(cluster.Member) *cluster.Cluster) {
	p := newPeers(h)
	p.cluster = build(p)
	h.mark, h.peers = markOf(string(p.cluster.Self())), p
}

// Close ends what is still being done for other nodes, after the cluster has been left.
func (h *Hub) Close() {
	if h.peers != nil {
		h.peers.errands.close()
	}
}

func newPeers(h *Hub) *peers {
	p := &peers{hub: h, nodes: make(map[cluster.NodeID]*node), missed: make(map[im.UserID]Known), turns: make(map[uint64]*turn)}
	p.spreads.New = func() any { return make(spread) }
	p.errands.init()
	return p
}

// Lapse tells of sessions that may have missed events from other nodes.
type Lapse struct {
	Changes  []Session // of people's lists; of how people are they were told
	Presence []Session // of these not even all nodes knew, so they were not told that either
}

// OnLapse registers a function to be told of that. It must not wait. It is for construction time.
func (h *Hub) OnLapse(fn func(Lapse)) { h.lapsed = append(h.lapsed, fn) }

// node finds a node, or enters it.
func (p *peers) node(id cluster.NodeID) *node {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[id]
	if n == nil {
		n = &node{id: id}
		p.nodes[id] = n
	}
	return n
}

// all tells every other node.
func (p *peers) all(m message) { p.cluster.SendAll(encode(m), cluster.Later) }

// deliver hands an event to somebody's session at another node, if that can be reached. number
// is that of the only sign-in it is for; 0 is any.
func (p *peers) deliver(id im.UserID, number uint64, ev Event) bool {
	f, ok := p.hub.where(id)
	if !ok || number != 0 && f.number != number || !f.reachable() {
		return false
	}
	p.cluster.Send(f.node.id, encode(message{Event: address(id, number, ev)}), cluster.Soon)
	return true
}

// Ask is [Hub.Deliver], or where number is not 0 [Hub.DeliverTo], for those who may wait: it finds
// out whether the session takes the event where that is at another node, too.
func (h *Hub) Ask(ctx context.Context, id im.UserID, number uint64, ev Event) bool {
	if e := h.present(id); e != nil || h.peers == nil {
		return e != nil && (number == 0 || e.number == number) && e.session.Deliver(ev)
	}
	f, ok := h.where(id)
	return ok && (number == 0 || f.number == number) && f.reachable() && h.peers.ask(ctx, f.node, question{Event: address(id, number, ev)})
}

// ask puts a question to another node. No answer is no.
func (p *peers) ask(ctx context.Context, n *node, q question) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := p.cluster.Ask(ctx, n.id, encode(q))
	return err == nil && len(answer) == 1 && answer[0] == yes
}

// The answers to a question.
const (
	no byte = iota
	yes
)

// spread is watchers at other nodes, by node.
type spread map[cluster.NodeID][]im.UserID

// spread finds the nodes of watchers who are not here, in memory that is lent until put back.
func (p *peers) spread(watchers []im.UserID) spread {
	s := p.spreads.Get().(spread)
	for _, id := range watchers {
		if p.hub.present(id) != nil {
			continue
		}
		if f, ok := p.hub.where(id); ok {
			s[f.node.id] = append(s[f.node.id], id)
		}
	}
	return s
}

func (p *peers) putBack(s spread) {
	for n, ids := range s {
		s[n] = ids[:0]
	}
	p.spreads.Put(s)
}

// change is a change of a sign-in here, for nobody's ears.
func change(e *Entry, p im.Presence, name string) changed {
	return changed{User: e.User(), Number: e.number, Handle: e.handle, Name: name, Now: p}
}

// tell sends a change to every node, with those who are to hear of it there, and the departure
// of somebody who is in no directory any more only to these; out, if it is not nil, to all, and
// where both are sent they arrive together or not at all. What watchers were told of the user is
// locked, so changes of one person stay in order. Very many watchers are told of in several messages.
func (p *peers) tell(m changed, watchers []im.UserID, out *signedOut) {
	s := p.spread(watchers)
	defer p.putBack(s)
	var plain []byte
	p.cluster.SendEach(func(to cluster.NodeID) ([]byte, cluster.Haste) {
		m.Watchers = s[to][:min(len(s[to]), mostUsers)]
		m.More = len(s[to]) > mostUsers
		switch {
		case len(m.Watchers) > 0:
			return encode(message{SignedOut: out, Changed: &m}), cluster.Later
		case plain != nil:
		case out != nil:
			plain = encode(message{SignedOut: out})
		case m.Now.Status != msnp.Offline:
			plain = encode(message{Changed: &m})
		}
		return plain, cluster.Later
	})
	for to, rest := range s {
		for len(rest) > mostUsers {
			rest = rest[mostUsers:]
			m.Watchers, m.More = rest[:min(len(rest), mostUsers)], len(rest) > mostUsers
			p.cluster.Send(to, encode(message{Changed: &m}), cluster.Later)
		}
	}
}

// entered tells all nodes of a sign-in. The user's stripe is locked.
func (p *peers) entered(e *Entry) {
	p.cluster.SendAll(encode(message{SignedIn: e.signedIn()}), cluster.Soon)
}

func (e *Entry) signedIn() *signedIn {
	return &signedIn{User: e.User(), Number: e.number, Handle: e.handle, Name: e.name, Version: e.version, Presence: e.presence()}
}

// displace makes a sign-in here the one that people know from elsewhere. What watchers were
// told of it is locked.
func (p *peers) displace(e *Entry, f far) {
	if f.status != 0 {
		e.told.note(f.presence(), f.name)
		e.told.spoke = f.number
	}
	p.doubt(f.known())
	st := p.hub.stripe(e.User())
	st.mu.Lock()
	st.prior[e.number] = f.whereabouts
	st.mu.Unlock()
}

// doubt has everybody here look again at somebody who was displaced at another node, unless the newer
// sign-in comes on line in time: that node tells that he has gone, if it can.
func (p *peers) doubt(k Known) {
	if !k.Presence.Visible() {
		return
	}
	timer := new(clock.Timer)
	p.hub.clock.Set(timer, time.Duration(p.hub.hold.Load()), func() {
		p.turn.Lock()
		defer p.turn.Unlock()
		p.doubted = append(p.doubted, k)
		p.lookSoon()
	})
}

// leaving prepares for the end of a sign-in: other nodes may wait for it. One that the server ends
// because it stops is kept for a time, like those of a node that is silent: here, and at all nodes. The
// user's stripe is locked.
func (p *peers) leaving(st *stripe, e *Entry, how Ending) {
	st.ends[e.number] = make(chan struct{})
	if how != Stopped {
		return
	}
	f := e.signedIn().far(p.node(p.cluster.Self()))
	f.left = true
	p.hub.addFar(st, f)
	p.lose(f.whereabouts)
	p.cluster.SendAll(encode(message{SignedOut: &signedOut{User: e.User(), Number: e.number, How: Stopped}}), cluster.Soon)
}

// signOut returns what all nodes are told of the end of a sign-in.
func (p *peers) signOut(e *Entry, how Ending) *signedOut {
	st := p.hub.stripe(e.User())
	st.mu.RLock()
	defer st.mu.RUnlock()
	_, unsure := st.prior[e.number]
	return &signedOut{User: e.User(), Number: e.number, How: how, Unsure: unsure}
}

// drains reports whether a node sends its people away, or stops.
func (p *peers) drains(id cluster.NodeID) bool {
	return slices.ContainsFunc(p.cluster.Nodes(), func(n cluster.Node) bool { return n.ID == id && n.Draining })
}

// displaced tells nodes that have not heard of the newer sign-in.
func (p *peers) displaced(e *Entry) {
	p.all(message{SignedOut: &signedOut{User: e.User(), Number: e.number, How: Expelled, Displaced: true}})
}

// succeeded reports whether a newer sign-in at another node tells e's watchers of the user. If it does
// not yet, and has displaced e, it will have e forgo that.
func (p *peers) succeeded(e *Entry, displaced bool) bool {
	st := p.hub.stripe(e.User())
	st.mu.Lock()
	defer st.mu.Unlock()
	f := st.far.find(e.User())
	if f != nil && f.status() == 0 && displaced {
		st.departing[e.User()] = e
	}
	return f != nil && f.number() > e.number && f.status() != 0
}
