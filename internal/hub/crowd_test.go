package hub_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// fan is one of very many who watch Alice. Only his hub calls him, one event after another.
type fan struct {
	hears func()
	told  int
	again bool
}

func (f *fan) Deliver(ev hub.Event) bool {
	switch ev := ev.(type) {
	case *hub.PresenceChanged:
		f.told++
		f.hears()
	case hub.Missed:
		_, f.again = ev.People[alice.ID]
	}
	return true
}

// fans is Alice at a node, and very many who watch her at another: more than are told of in one message.
type fans struct {
	net      *clustertest.Net
	node     [2]*place
	alice    *hub.Entry
	all      []*fan
	watchers []im.UserID
	hears    func() // called when anybody is told of her
}

func withFans(t *testing.T, count int, test func(w *fans)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &fans{net: clustertest.NewNet(), hears: func() {}}
		for i := range w.node {
			w.node[i] = newPlace(t, w.net, string(rune('a'+i)), nil)
			defer func() { w.node[i].end() }()
		}
		for i := range count {
			p := im.Person{ID: im.UserID(100_000 + i), Handle: fmt.Sprint(i, "@example.com")}
			f := &fan{hears: func() { w.hears() }}
			w.node[1].SignIn(hub.Login{Person: p}, f)
			w.all, w.watchers = append(w.all, f), append(w.watchers, p.ID)
		}
		pass(5 * time.Second)
		w.alice = w.node[0].SignIn(hub.Login{Person: alice}, new(listener))
		test(w)
	})
}

func TestAChangeReachesVeryManyAtAnotherNode(t *testing.T) {
	withFans(t, 60_000, func(w *fans) { // as many as no message could hold
		w.node[0].SetPresence(w.alice, online, these(w.watchers))
		w.node[0].SetPresence(w.alice, busy, these(w.watchers))
		w.node[0].SignOut(w.alice, these(w.watchers), hub.Left)
		pass(5 * time.Second)
		for i, f := range w.all {
			if f.told != 3 || f.again {
				t.Fatalf("watcher %d was told %d times of three changes, and to look again: %v", i, f.told, f.again)
			}
		}
		if _, ok := w.node[1].ByID(alice.ID); ok {
			t.Error("she is still there")
		}
	})
}

// Where only some have heard of a change when nodes are cut off, all look again.
func TestAChangeThatOnlySomeHeardOfIsLookedAtAgain(t *testing.T) {
	withFans(t, 20_000, func(w *fans) {
		w.hears = func() { w.net.Cut(w.node[0].cluster.Self(), w.node[1].cluster.Self()) }
		w.node[0].SetPresence(w.alice, online, these(w.watchers))
		pass(3 * time.Second)
		w.net.MendAll()
		pass(10 * time.Second)
		told := 0
		for i, f := range w.all {
			if told += f.told; !f.again {
				t.Fatalf("watcher %d was not told to look again", i)
			}
		}
		if told == 0 || told >= len(w.all) {
			t.Errorf("%d were told", told)
		}
	})
}
