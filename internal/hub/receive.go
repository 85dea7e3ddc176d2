package hub

import (
	"context"

	"monarch/internal/cluster"
	"monarch/internal/im"
)

// Receive lets something take effect that happened at another node. What cannot be read is of a
// later release, which knows that this one does not know it.
func (p *peers) Receive(from cluster.NodeID, b []byte) {
	var m message
	if decoding.Unmarshal(b, &m) != nil {
		return
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	n := p.node(from)
	if m.SignedOut != nil { // with what is said of that
		p.signedOut(n, m.SignedOut)
	}
	switch {
	case m.SignedIn != nil:
		if m.SignedIn.User.Possible() {
			p.signedIn(n, m.SignedIn)
		}
	case m.Changed != nil:
		p.changed(n, m.Changed)
	case m.Boards != nil:
		p.boards(n, m.Boards)
	case m.TurnOver != 0:
		p.endTurn(m.TurnOver)
	case m.Sought != nil:
		p.found(n, m.Sought)
	case m.CountingDown != nil:
		p.countingDown(m.CountingDown)
	case m.Event != nil:
		p.event(m.Event)
	}
}

// signedIn enters a sign-in elsewhere, or what a snapshot says of it. One of the same user before it
// is over, wherever it is. Of one after it the other node knows, or will.
func (p *peers) signedIn(n *node, m *signedIn) {
	h := p.hub
	if !h.heard(m.Number) {
		return
	}
	st := h.stripe(m.User)
	st.mu.Lock()
	e := h.present(m.User)
	old, elsewhere := st.far.get(m.User)
	if e != nil && e.number > m.Number || elsewhere && old.number > m.Number {
		st.mu.Unlock()
		return
	}
	f, before := m.far(n), Known{Who: im.Person{ID: m.User, Handle: m.Handle, Name: m.Name}}
	switch {
	case e != nil:
		before = Known{e.person(), e.presence()}
		h.remove(e)
		st.ends[e.number], st.departing[m.User] = make(chan struct{}), e
	case elsewhere:
		before = old.known()
	}
	ending := st.ending(m.User)
	h.addFar(st, f)
	st.mu.Unlock()

	switch {
	case e != nil:
		e.session.Deliver(Kicked{Elsewhere})
	case elsewhere && old.number != f.number:
		h.succeed(old.whereabouts, f.number)
		p.doubt(before)
	}
	if ending != nil && f.status != 0 {
		h.forgo(m.User, ending).mu.Unlock()
	}
	if m.Noted && (f.status == 0 || before.Presence != f.presence() || before.Who.Name != f.name) {
		p.miss(before) // of one that is silent, the departure of an earlier one may be what was lost
	}
}

func (m *signedIn) far(n *node) far {
	f := far{
		whereabouts: whereabouts{node: n, number: m.Number, user: m.User}, handle: m.Handle, name: m.Name, version: m.Version,
	}
	f.setPresence(m.Presence)
	return f
}

// changed tells watchers here of a change elsewhere, unless they have heard from a later sign-in.
func (p *peers) changed(n *node, m *changed) {
	h := p.hub
	if !h.heard(m.Number) {
		return
	}
	before := Known{im.Person{ID: m.User, Handle: m.Handle, Name: m.Name}, m.Before}
	if n.unheard() { // it may not know who is to hear of that
		p.miss(before)
	}
	n.tells(before, m.More)
	ev := &PresenceChanged{Who: im.Person{ID: m.User, Handle: m.Handle, Name: m.Name}, Before: m.Before, Now: m.Now, Renamed: m.Renamed}
	st := h.stripe(m.User)
	st.mu.Lock()
	e := h.present(m.User)
	f, elsewhere := st.far.get(m.User)
	later := elsewhere && f.number > m.Number && f.status != 0
	var ending *told
	if elsewhere && f.number == m.Number {
		f.setPresence(m.Now)
		f.name = m.Name
		st.far.put(f)
		if f.status != 0 {
			ending = st.ending(m.User)
		}
	}
	st.mu.Unlock()
	switch {
	case e != nil:
		t := e.lock()
		defer t.mu.Unlock()
		if later = t.spoke > m.Number; !later { // it displaced that one, which spoke meanwhile
			t.note(m.Now, m.Name)
			t.spoke = m.Number
		}
	case ending != nil:
		defer h.forgo(m.User, ending).mu.Unlock() // so what that one was just telling comes first
	}
	if later {
		return
	}
	if e != nil || elsewhere && f.number > m.Number { // its departure is not certain to come either
		p.doubt(Known{ev.Who, m.Now})
	}
	h.spread(ev, m.Watchers)
}

// signedOut takes somebody out of the directory, or lets him have time to come back elsewhere.
func (p *peers) signedOut(n *node, m *signedOut) {
	h := p.hub
	st := h.stripe(m.User)
	st.mu.Lock()
	f, elsewhere := st.far.get(m.User)
	current := elsewhere && f.number == m.Number
	if current && m.How == Stopped {
		st.far.find(m.User).set(leftBit)
		p.lose(f.whereabouts)
	} else if current {
		h.removeFar(st, f)
		if n.unheard() || m.Displaced {
			p.miss(f.known())
		}
		if d := st.departing[m.User]; d != nil {
			defer h.leaveNow(d)
		}
	}
	st.mu.Unlock()
	if current || !m.Displaced {
		h.end(m.User, m.Number, m.How)
	}
	if current && (m.Unsure || m.Displaced) {
		p.seek(m.User)
	}
}

// boards keeps count of somebody's switchboard connections at another node.
func (p *peers) boards(n *node, m *boards) {
	st := p.hub.stripe(m.User)
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := p.hub.present(m.User); e == nil || e.number != m.Number {
		return
	}
	counts := st.boards[m.Number]
	if counts == nil {
		counts = make(map[*node]int)
		st.boards[m.Number] = counts
	}
	if counts[n] = m.Count; m.Count == 0 {
		delete(counts, n)
	}
}

// event hands an event to a session here, and reports whether it takes it.
func (p *peers) event(a *addressed) bool {
	ev, err := a.event()
	e := p.hub.present(a.User)
	return err == nil && e != nil && (a.Number == 0 || a.Number == e.number) && e.session.Deliver(ev)
}

// Answer answers another hub.
func (p *peers) Answer(from cluster.NodeID, b []byte, reply func([]byte)) {
	var q question
	answer := func(ok bool) {
		if ok {
			reply([]byte{yes})
		} else {
			reply([]byte{no})
		}
	}
	switch err := decoding.Unmarshal(b, &q); {
	case err != nil:
		answer(false)
	case q.Event != nil:
		answer(p.event(q.Event))
	case q.Ended != nil:
		p.answerEnd(q.Ended, answer)
	case q.Debts != 0:
		if give := p.hub.debts.Give; give != nil {
			if debts := give(q.Debts); len(debts) > 1 {
				reply(debts)
				return
			}
		}
		answer(false)
	case q.Turn != 0:
		n := p.node(from)
		if !p.errands.begin(func(ctx context.Context) { p.giveTurn(ctx, n, q.Turn, reply) }) { // it waits for a command that is under way
			reply(nil)
		}
	default:
		answer(false)
	}
}

// answerEnd answers when nothing is left of a sign-in here.
func (p *peers) answerEnd(m *signedOut, answer func(bool)) {
	st := p.hub.stripe(m.User)
	st.mu.RLock()
	end := st.ends[m.Number]
	st.mu.RUnlock()
	waits := end != nil && p.errands.begin(func(ctx context.Context) {
		select {
		case <-end: // the session was being closed
			answer(true)
		case <-ctx.Done():
			answer(false)
		}
	})
	if !waits {
		answer(end == nil)
	}
}
