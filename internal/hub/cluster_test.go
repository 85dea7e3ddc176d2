package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
)

// place is a node in a test: a hub, and what it needs to be one of several.
type place struct {
	*hub.Hub
	cluster *cluster.Cluster
	member  cluster.Member
	clock   *clock.Clock
	bus     *clustertest.Bus

	draining atomic.Bool

	mu    sync.Mutex // leaf but for what the hooks take
	hooks hooks
}

func newPlace(t testing.TB, net *clustertest.Net, name string, refresh func(v *nodeViewer, anew bool)) *place {
	p := &place{clock: clock.New(), bus: net.Bus()}
	p.hooks = hooks{func(im.UserID, uint64, uint64) {}, func(hub.Lapse) {}}
	p.Hub = hub.New(p.clock, hold)
	p.Join(func(m cluster.Member) *cluster.Cluster {
		p.member = m
		p.cluster = cluster.New(cluster.Config{
			Name: name, Bus: p.bus, Member: m, Clock: p.clock, Metrics: metrics.New(),
			Status: func() cluster.Status { return cluster.Status{Draining: p.draining.Load()} },
			Log:    slog.New(slog.DiscardHandler),
		})
		return p.cluster
	})
	p.OnMove(func(user im.UserID, from, to uint64) { p.call(func(h *hooks) { h.move(user, from, to) }) })
	p.OnLapse(func(l hub.Lapse) {
		p.call(func(h *hooks) { h.lapse(l) })
		for _, each := range l.Changes {
			if s, ok := each.(*nodeViewer); ok {
				refresh(s, false)
			}
		}
		for _, each := range l.Presence {
			if s, ok := each.(*nodeViewer); ok {
				refresh(s, true)
			}
		}
	})
	if err := p.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// hooks are what a test wants to be told besides.
type hooks struct {
	move  hub.MoveFunc
	lapse func(hub.Lapse)
}

// call uses the hooks, or changes them, which may be when the node runs already.
func (p *place) call(fn func(*hooks)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(&p.hooks)
}

func (p *place) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p.cluster.Leave(ctx)
	p.Close()
	p.clock.Close()
}

// crash ends a node without a word.
func (p *place) crash() {
	_ = p.bus.Close() // it does not fail
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.cluster.Leave(ctx)
	p.Close()
	p.clock.Close()
}

// places is a model of several nodes. Of people it knows what the database would, and who is signed
// in where.
type places struct {
	t       testing.TB
	net     *clustertest.Net
	nodes   []*place
	people  map[im.UserID]*nodePerson
	viewers map[im.UserID][]*nodeViewer
	cut     bool // nodes were parted, so what is seen now may be wrong
	grace   bool // people may be shown who are not there any more
}

// nodePerson is somebody who signs in at any of several nodes, even at two before these know of each other.
type nodePerson struct {
	im.Person
	allows map[im.UserID]bool
	logins []*nodeLogin
	latest *nodeLogin
}

// nodeLogin is one sign-in of somebody at one node.
type nodeLogin struct {
	at       *place
	entry    *hub.Entry
	presence im.Presence
	watchers []im.UserID
	kicked   atomic.Bool
}

func (s *nodeLogin) Deliver(ev hub.Event) bool {
	if _, ok := ev.(hub.Kicked); ok {
		s.kicked.Store(true)
	}
	return true
}

// nodeViewer is a viewer at a node.
type nodeViewer struct {
	nodeLogin
	*viewer
}

func (s *nodeViewer) Deliver(ev hub.Event) bool {
	return s.nodeLogin.Deliver(ev) && s.viewer.Deliver(ev)
}

// happening is a step of a play. What it does with the numbers is up to its kind.
type happening struct {
	Kind            string
	Node, Who, Whom int
	N               int
}

var somePresences = []im.Presence{online, busy, picture, hidden, online}

var happenings = map[string]func(m *places, at *place, p *nodePerson, h happening){
	"sign in":               func(m *places, at *place, p *nodePerson, h happening) { m.signIn(at, p, h.N%4 != 0, false) },
	"sign in while cut off": func(m *places, at *place, p *nodePerson, h happening) { m.signIn(at, p, h.N%4 != 0, true) },
	"set presence": func(_ *places, _ *place, p *nodePerson, h happening) {
		if l := p.login(h.N); l != nil {
			l.presence = somePresences[h.N%len(somePresences)]
			l.at.SetPresence(l.entry, l.presence, these(l.watchers))
		}
	},
	"set name": func(m *places, _ *place, p *nodePerson, h happening) {
		if l := p.login(0); l != nil && !m.cut {
			p.Name = fmt.Sprint("name ", h.N%3)
			l.at.SetName(l.entry, p.Name, these(l.watchers))
		}
	},
	"set privacy": (*places).setPrivacy,
	"sign out": func(_ *places, _ *place, p *nodePerson, h happening) {
		if l := p.login(h.N); l != nil {
			p.leave(l, hub.Left)
		}
	},
	"stop": func(m *places, _ *place, p *nodePerson, h happening) {
		if l := p.login(h.N); l != nil {
			p.leave(l, hub.Stopped)
			m.grace = true
		}
	},
	"crash": func(m *places, at *place, _ *nodePerson, h happening) { m.restart(h.Node, at.crash) },
	"leave": func(m *places, at *place, _ *nodePerson, h happening) {
		for _, p := range m.people {
			for _, l := range slices.Clone(p.logins) {
				if l.at == at {
					p.leave(l, hub.Stopped)
				}
			}
		}
		m.restart(h.Node, at.end)
	},
	"set the clock": func(_ *places, at *place, _ *nodePerson, h happening) {
		at.clock.Jump(time.Duration(h.N-15) * time.Minute)
	},
	"close what was kicked": func(m *places, at *place, p *nodePerson, h happening) {
		if h.N%2 == 1 {
			slices.Reverse(p.logins)
		}
		p.close()
	},
	"part": func(m *places, at *place, _ *nodePerson, h happening) {
		m.net.Cut(at.cluster.Self(), m.nodes[h.Whom].cluster.Self())
		m.cut = true
	},
	"a viewer comes": func(m *places, at *place, _ *nodePerson, h happening) { m.come(at, im.UserID(101+h.Whom)) },
	"time passes": func(_ *places, _ *place, _ *nodePerson, h happening) {
		pass(time.Duration(h.N) * 100 * time.Millisecond)
	},
	"settle": func(m *places, _ *place, _ *nodePerson, _ happening) { m.settle() },
	"cut off": func(m *places, at *place, _ *nodePerson, _ happening) {
		m.net.CutOff(at.cluster.Self())
		m.cut = true
	},
	"lose": func(m *places, at *place, _ *nodePerson, h happening) {
		other := m.nodes[h.Whom]
		m.net.Lose(at.cluster.Self(), other.cluster.Self(), 1+h.N%3)
		m.cut = true
	},
	"mend": func(m *places, _ *place, _ *nodePerson, _ happening) { m.net.MendAll() },
	"miss": func(m *places, at *place, _ *nodePerson, h happening) {
		at.bus.Miss(m.nodes[h.Whom].cluster.Self())
		m.cut = true
	},
	"tell absent": func(m *places, _ *place, _ *nodePerson, _ happening) { m.net.TellAbsent() },
}

// login is one of a person's sign-ins that were not kicked, or nil.
func (p *nodePerson) login(n int) *nodeLogin {
	var able []*nodeLogin
	for _, l := range p.logins {
		if !l.kicked.Load() {
			able = append(able, l)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return able[n%len(able)]
}

func (p *nodePerson) leave(l *nodeLogin, how hub.Ending) {
	p.logins = slices.DeleteFunc(p.logins, func(each *nodeLogin) bool { return each == l })
	l.at.SignOut(l.entry, these(l.watchers), how)
}

// close ends the sessions that were kicked.
func (p *nodePerson) close() {
	for _, l := range slices.Clone(p.logins) {
		if l.kicked.Load() {
			p.leave(l, hub.Expelled)
		}
	}
}

func (p *nodePerson) watchers() []im.UserID {
	var ids []im.UserID
	for id, yes := range p.allows {
		if yes {
			ids = append(ids, id)
		}
	}
	return ids
}

// restart ends a node and starts it again.
func (m *places) restart(n int, end func()) {
	at := m.nodes[n]
	m.grace = true
	end()
	for _, p := range m.people {
		p.logins = slices.DeleteFunc(p.logins, func(l *nodeLogin) bool { return l.at == at })
	}
	for id, viewers := range m.viewers {
		m.viewers[id] = slices.DeleteFunc(viewers, func(v *nodeViewer) bool { return v.at == at })
	}
	m.nodes[n] = newPlace(m.t, m.net, string(rune('a'+n)), m.refresh)
}

func (m *places) signIn(at *place, p *nodePerson, online, cut bool) {
	l := &nodeLogin{at: at, watchers: p.watchers()}
	l.entry = at.SignIn(hub.Login{Person: p.Person}, l)
	if cut {
		m.net.CutOff(at.cluster.Self())
		m.cut = true
	}
	p.logins = append(p.logins, l)
	p.latest = l
	m.await(at, l.entry)
	if online {
		l.presence = busy
		at.SetPresence(l.entry, l.presence, these(l.watchers))
	}
}

// await is what sessions do before they read their lists; the connection of an earlier one is closed
// meanwhile.
func (m *places) await(at *place, e *hub.Entry) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		at.AwaitPrior(ctx, e)
		close(done)
	}()
	pass(10 * time.Millisecond)
	m.close()
	<-done
}

// close ends the sessions that were kicked.
func (m *places) close() {
	for _, p := range m.people {
		p.close()
	}
	for id, viewers := range m.viewers {
		m.viewers[id] = slices.DeleteFunc(viewers, func(v *nodeViewer) bool {
			if !v.kicked.Load() {
				return false
			}
			v.at.SignOut(v.entry, these(nil), hub.Expelled)
			return true
		})
	}
}

func (m *places) setPrivacy(_ *place, p *nodePerson, h happening) {
	l := p.login(0)
	if l == nil || len(p.logins) > 1 {
		return
	}
	id := im.UserID(101 + h.Whom)
	allowed := !p.allows[id]
	p.allows[id] = allowed
	l.watchers = p.watchers()
	l.at.SetPrivacy(l.entry, hub.Known{}, so(allowed, []im.UserID{id}))
}

func (m *places) come(at *place, id im.UserID) {
	admits := make(map[im.UserID]bool)
	v := &nodeViewer{viewer: newViewer(at.Hub, admits)}
	v.at = at
	v.entry = at.SignIn(hub.Login{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com")}}, v)
	m.await(at, v.entry)
	for _, p := range m.people {
		admits[p.ID] = p.allows[id]
	}
	v.come(slices.Collect(maps.Keys(m.people))...)
	m.viewers[id] = append(m.viewers[id], v)
}

// refresh is what sessions do when events may have been lost.
func (m *places) refresh(s *nodeViewer, anew bool) {
	id := s.entry.User()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range m.people {
		s.admits[p.ID] = p.allows[id]
		_, shown := s.sees[p.ID]
		l, in := s.hub.ByID(p.ID)
		if !p.allows[id] {
			l.Presence = im.Presence{}
		}
		if s.here && (anew || in && shown != p.allows[id]) {
			s.see(p.ID, l.Presence, l.Person.Name)
		}
	}
}

// settle lets everything arrive that was sent, and what is sent for that.
func (m *places) settle() {
	for range 3 {
		for _, n := range m.nodes {
			if err := n.cluster.Settle(m.t.Context()); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	synctest.Wait()
}

// agree compares what everybody knows with the truth, and checks that nobody is signed in twice.
func (m *places) agree() error {
	m.close()
	for _, p := range m.people {
		if len(p.logins) > 1 {
			return fmt.Errorf("person %d is signed in %d times", p.ID, len(p.logins))
		}
		if !m.cut && len(p.logins) == 1 && p.latest.kicked.Load() {
			return fmt.Errorf("the last sign-in of person %d is over, and an earlier one is not", p.ID)
		}
	}
	m.settle()
	pass(hold)
	for _, p := range m.people {
		now := p.login(0)
		for _, n := range m.nodes {
			l, ok := n.ByID(p.ID)
			if ok != (now != nil) || ok && (l.Number != now.entry.Number() || l.Presence != now.presence || (l.Node == "") != (now.at == n)) {
				return fmt.Errorf("person %d is %+v; %s says %t, %+v", p.ID, now, n.cluster.Self(), ok, l)
			}
		}
		for id, viewers := range m.viewers {
			for _, v := range viewers {
				var want sight
				if now != nil && now.presence.Visible() && p.allows[id] {
					want = sight{now.presence, p.Name}
				}
				if got := v.sight(p.ID); got != want {
					return fmt.Errorf("viewer %d at %s sees %d as %+v, the truth is %+v", id, v.at.cluster.Self(), p.ID, got, want)
				}
			}
		}
	}
	return nil
}

// play lets things happen, and compares in the end.
func (m *places) play(t *testing.T, steps []happening) error {
	m.t, m.net = t, clustertest.NewNet()
	m.people, m.viewers = make(map[im.UserID]*nodePerson), make(map[im.UserID][]*nodeViewer)
	for id := im.UserID(1); id <= 2; id++ {
		m.people[id] = &nodePerson{
			Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com"), Name: "name"},
			allows: map[im.UserID]bool{101: true, 102: id == 1, 103: true},
		}
	}
	for i := range 3 {
		m.nodes = append(m.nodes, newPlace(t, m.net, string(rune('a'+i)), m.refresh))
		defer func() { m.nodes[i].end() }()
	}
	for i, n := range m.nodes {
		m.come(n, im.UserID(101+i))
	}
	for i, s := range steps {
		happenings[s.Kind](m, m.nodes[s.Node], m.people[im.UserID(1+s.Who)], s)
		if !m.cut && !m.grace && s.Kind == "settle" {
			if err := m.agree(); err != nil {
				return fmt.Errorf("after step %d: %w", i, err)
			}
		}
	}
	m.net.MendAll()
	for _, a := range m.nodes {
		for _, b := range m.nodes {
			m.net.Lose(a.cluster.Self(), b.cluster.Self(), 0)
		}
	}
	pass(15 * time.Second)
	if m.grace {
		pass(time.Minute)
	}
	return m.agree()
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestNodesAgree(t *testing.T) {
	names := slices.Sorted(maps.Keys(happenings))
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) happening {
		return happening{
			Kind: rapid.SampledFrom(names).Draw(t, "kind"),
			Node: rapid.IntRange(0, 2).Draw(t, "node"),
			Who:  rapid.IntRange(0, 1).Draw(t, "who"),
			Whom: rapid.IntRange(0, 2).Draw(t, "whom"),
			N:    rapid.IntRange(0, 30).Draw(t, "n"),
		}
	}), 0, 40)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := steps.Draw(rt, "steps")
		var err error
		synctest.Test(t, func(t *testing.T) { err = new(places).play(t, drawn) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}
