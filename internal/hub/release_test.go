package hub_test

import (
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/metrics"
)

// Messages as a later release might send them: with keys that this one does not know, in messages
// that it does, and of kinds that it does not. internal/hub/message.go has the keys of this one.
func TestWhatALaterReleaseSaysIsUnderstoodAsFarAsItIsKnown(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	h := hub.New(clk, hold)
	var far cluster.Member
	h.Join(func(m cluster.Member) *cluster.Cluster {
		far = m
		return cluster.New(cluster.Config{Name: "a", Bus: clustertest.NewNet().Bus(), Member: m, Clock: clk, Metrics: metrics.New()})
	})
	watcher := new(listener)
	h.SignIn(hub.Login{Person: alice}, watcher)

	const later = cluster.NodeID("later/aaaaaaaaaaaaa")
	type keys = map[int]any
	encode := func(m any) []byte {
		b, err := cbor.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const number = 1 << 40
	presence := map[string]any{"Status": "BSY", "Flags": 4, "Mood": "fine"}
	for _, m := range []any{
		keys{1: keys{1: int(bob.ID), 2: number, 3: bob.Handle, 4: bob.Name, 5: 9, 90: "more"}, 91: keys{1: 2}},
		keys{92: keys{1: int(bob.ID), 2: []int{1, 2, 3}}},
		keys{2: keys{1: int(bob.ID), 2: number, 3: bob.Handle, 4: bob.Name, 5: presence, 8: []int{int(alice.ID)}, 93: true}},
		keys{4: keys{1: int(alice.ID), 3: 1000, 4: keys{1: "an event of another kind"}}},
		keys{2: keys{1: "no number"}},
		"nonsense",
	} {
		far.Receive(later, encode(m))
	}
	if l, ok := h.ByHandle(bob.Handle); !ok || l.Presence.Status != busy.Status || cluster.NodeID(l.Node) != later {
		t.Errorf("found %+v, %v", l, ok)
	}
	if got := watcher.since(); !slices.Equal(got, []string{"BSY Bob"}) {
		t.Errorf("heard %q", got)
	}
	var answers [][]byte
	for _, q := range []any{keys{94: 1}, keys{1: keys{1: int(alice.ID), 3: 1000, 4: keys{}}}, "nonsense"} {
		far.Answer(later, encode(q), func(b []byte) { answers = append(answers, b) })
	}
	if !slices.EqualFunc(answers, [][]byte{{0}, {0}, {0}}, slices.Equal) {
		t.Errorf("answered %v", answers)
	}
	far.Receive(later, encode(keys{3: keys{1: int(bob.ID), 2: number, 3: int(hub.Left), 95: "why"}, 96: 0}))
	if _, ok := h.ByID(bob.ID); ok {
		t.Error("he is still there")
	}
}
