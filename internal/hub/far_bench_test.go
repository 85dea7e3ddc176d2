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

// spreadOut is a node with Alice on it, and so many watchers at eight others.
type spreadOut struct {
	nodes    []*place
	alice    *hub.Entry
	watchers []im.UserID
}

func newSpreadOut(t testing.TB, watchers int) *spreadOut {
	w, net := new(spreadOut), clustertest.NewNet()
	for i := range 9 {
		w.nodes = append(w.nodes, newPlace(t, net, fmt.Sprint("node", i), nil))
	}
	for i := range watchers {
		id := im.UserID(100 + i)
		w.nodes[1+i%8].SignIn(hub.Login{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com")}}, deaf{})
		w.watchers = append(w.watchers, id)
	}
	w.alice = w.nodes[0].SignIn(hub.Login{Person: alice}, deaf{})
	<-time.After(2 * time.Second)
	return w
}

func (w *spreadOut) change(i int) {
	w.nodes[0].SetPresence(w.alice, im.Presence{Status: online.Status, Flags: uint64(i)}, these(w.watchers))
}

func (w *spreadOut) end() {
	for _, n := range w.nodes {
		n.end()
	}
}

// Telling watchers at other nodes takes memory for each node, and for none of them. In a bubble no time
// passes while this runs, so nothing is sent yet.
func TestFarWatchersMakeNoGarbageEach(t *testing.T) {
	cost := func(watchers int) (allocs float64) {
		synctest.Test(t, func(t *testing.T) {
			w := newSpreadOut(t, watchers)
			defer w.end()
			i := 0
			allocs = testing.AllocsPerRun(200, func() { i++; w.change(i) })
		})
		return allocs
	}
	none, few, many := cost(0), cost(8), cost(800)
	t.Logf("allocations for a change: %v without watchers elsewhere, %v with one at each of 8 nodes, %v with a hundred at each", none, few, many)
	if many > few+200 || few > none+200 {
		t.Errorf("too many allocations: %v, %v, %v", none, few, many)
	}
}

func BenchmarkPresenceElsewhere(b *testing.B) {
	for _, watchers := range []int{0, 10, 100} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			w := newSpreadOut(b, watchers)
			defer w.end()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w.change(i)
			}
		})
	}
}
