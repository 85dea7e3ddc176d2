package cluster_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
)

func TestAskIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _ := trio(t)
		b.answers = func(reply func([]byte)) {
			time.AfterFunc(time.Minute, func() { reply([]byte("at last")) })
		}
		start := time.Now()
		got, err := a.Ask(t.Context(), b.Self(), []byte("well?"))
		if took := time.Since(start); string(got) != "at last" || err != nil || took > time.Minute+10*time.Millisecond {
			t.Errorf("%q, %v, after %v", got, err, took)
		}
	})
}

type world struct {
	net  *clustertest.Net
	a, b *node
	whom cluster.NodeID
}

// kill ends b without a word.
func (w *world) kill() { _ = w.b.bus.Close() } // it does not fail

func TestAskThatIsNotAnswered(t *testing.T) {
	for _, tc := range []struct {
		name   string
		spoil  func(w *world)
		within time.Duration
		want   error
	}{
		{"because nobody is asked", func(w *world) { w.whom = "nobody/xyz" }, 0, cluster.ErrUnreachable},
		{"because the node left", func(w *world) { w.b.end(); synctest.Wait() }, 0, cluster.ErrUnreachable},
		{"because the node leaves", func(w *world) { time.AfterFunc(time.Second, w.b.end) }, 3 * time.Second, cluster.ErrUnreachable},
		{"because the node is cut off", func(w *world) { w.net.CutOff(w.b.Self()) }, 4 * time.Second, cluster.ErrUnreachable},
		{"because the node was killed", func(w *world) { w.kill() }, 4 * time.Second, cluster.ErrUnreachable},
		{"because the bus tells that the node was killed", func(w *world) { w.net.TellAbsent(); w.kill() }, 0, cluster.ErrUnreachable},
		{"because the question is lost", func(w *world) { w.net.Lose(w.a.Self(), w.b.Self(), 1) }, 3 * time.Second, cluster.ErrUnreachable},
		{"because the answer is lost", func(w *world) {
			w.b.answers = func(reply func([]byte)) {
				w.net.Lose(w.b.Self(), w.a.Self(), 1)
				reply([]byte("lost"))
			}
		}, 3 * time.Second, cluster.ErrUnreachable},
		{"in time", func(*world) {}, 20 * time.Second, context.DeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := new(world)
				w.net, w.a, w.b, _ = trio(t)
				w.whom = w.b.Self()
				w.b.answers = func(func([]byte)) {}
				pass(10 * time.Millisecond)
				tc.spoil(w)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				start := time.Now()
				_, err := w.a.Ask(ctx, w.whom, []byte("well?"))
				if took := time.Since(start); !errors.Is(err, tc.want) || took > tc.within {
					t.Errorf("%v after %v, want %v within %v", err, took, tc.want, tc.within)
				}
			})
		})
	}
}

func TestAskingAllReceivesWhatTheySentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		b.set("x", 1, cluster.Later)
		c.set("y", 2, cluster.Later)
		if answers, err := a.AskAll(t.Context(), []byte("well?")); err != nil || len(answers) != 2 || string(answers[0]) != "yes" {
			t.Fatalf("%q, %v", answers, err)
		}
		if x, y := a.knows(b.Self())["x"], a.knows(c.Self())["y"]; x != 1 || y != 2 {
			t.Errorf("x is %d and y %d", x, y)
		}

		net.CutOff(b.Self())
		start := time.Now()
		answers, err := a.AskAll(t.Context(), []byte("well?"))
		if took := time.Since(start); !errors.Is(err, cluster.ErrUnreachable) || len(answers) != 1 || took > 4*time.Second {
			t.Errorf("with a node cut off: %v, after %v", err, took)
		}
	})
}

func TestAskingAllFailsWhenSomethingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, _ := trio(t)
		pass(10 * time.Millisecond)
		net.Lose(a.Self(), b.Self(), 1)
		if _, err := a.AskAll(t.Context(), []byte("well?")); !errors.Is(err, cluster.ErrUnreachable) {
			t.Error(err)
		}
		b.answers = func(func([]byte)) {}
		pass(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.AskAll(ctx, []byte("well?")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestOthersKnowWhatTheyWereTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		net.Delay(a.Self(), b.Self(), 300*time.Millisecond)
		before := a.facts()
		a.set("new", 1, cluster.Later)
		if a.facts() == before {
			t.Fatal("there is nothing to tell")
		}
		if err := a.Tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*node{b, c} {
			for _, of := range n.Nodes() {
				if of.ID == a.Self() && of.Sessions != a.facts() {
					t.Errorf("%s knows of %d, not %d", n.Self(), of.Sessions, a.facts())
				}
			}
		}
		net.CutOff(b.Self())
		if err := a.Tell(t.Context()); !errors.Is(err, cluster.ErrUnreachable) {
			t.Errorf("with a node cut off: %v", err)
		}
	})
}
