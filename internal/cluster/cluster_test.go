package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
)

func TestWhoStartsKnowsEverythingAndIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		start := time.Now()
		d := newNode(net, "d")
		d.set("z", 7, cluster.Later)
		d.start(t)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("starting took %v", took)
		}
		for _, other := range []*node{a, b, c} {
			if got := d.knows(other.Self()); len(got) != 2 {
				t.Errorf("when it has started it knows of %s %v", other.Self(), got)
			}
		}
		synctest.Wait()
		if got := a.states(); got != "b alive, c alive, d alive" {
			t.Errorf("a sees %s", got)
		}
		nodes := a.Nodes()
		if n := nodes[3]; n.ID != d.Self() || n.Release != "1.2.3" || n.Sessions != 1 || n.Protocol != cluster.Protocol || time.Since(n.Heard) > time.Second {
			t.Errorf("a knows %+v", n)
		}
		if nodes[0].State != cluster.Here || nodes[0].ID != a.Self() || nodes[0].Name != "a" {
			t.Errorf("of itself a knows %+v", nodes[0])
		}
		mustAgree(t, a, b, c, d)
	})
}

func TestMessagesComeInOrderAndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		pass(a.clock.Until(time.Second) + 100*time.Millisecond)
		for i, step := range []struct {
			haste  cluster.Haste
			within time.Duration
		}{
			{cluster.Soon, 0},
			{cluster.Soon, 5 * time.Millisecond},
			{cluster.Soon, 5 * time.Millisecond},
			{cluster.Later, 140 * time.Millisecond}, // to a quarter of a second
			{cluster.Soon, 5 * time.Millisecond},
			{cluster.Later, 245 * time.Millisecond},
			{cluster.Later, 250 * time.Millisecond},
		} {
			a.set("x", 100+i, step.haste)
			if step.within > 0 {
				pass(step.within - 1)
				if b.knows(a.Self())["x"] == 100+i {
					t.Errorf("step %d: it did not wait for others", i)
				}
				pass(1)
			}
			synctest.Wait()
			if got := b.knows(a.Self())["x"]; got != 100+i {
				t.Errorf("step %d: after %v b knows of %d", i, step.within, got)
			}
		}
		pass(300 * time.Millisecond)
		a.set("x", 200, cluster.Later)
		pass(5 * time.Millisecond) // after some silence
		if got := b.knows(a.Self())["x"]; got != 200 {
			t.Errorf("after some silence b knows of %d", got)
		}
		for i := range 1000 {
			haste := cluster.Later
			if i%7 == 0 {
				haste = cluster.Soon
			}
			a.set("x", 1000+i, haste)
			a.Send(b.Self(), fmt.Appendf(nil, "y=%d", 1000+i), haste)
		}
		settle(t, a)
		if got := b.knows(a.Self()); got["x"] != 1999 || got["y"] != 1999 {
			t.Errorf("b knows of %v", got)
		}
		a.set("y", 2000, cluster.Later)
		settle(t, a)
		mustAgree(t, a, b, c) // which tells whether a value came after a greater one
	})
}

// Whoever is woken finds everything that the others have to say.
func TestNodesSpeakAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		pass(a.clock.Until(4*time.Second) + time.Millisecond)
		rest := a.counter.packets()
		pass(20 * time.Second)
		if all, times := a.counter.packets().since(rest); all != 2*10 || times != 10 {
			t.Errorf("at rest a received %d packets at %d times in 20 s", all, times)
		}
		work := a.counter.packets()
		for i := range 500 {
			b.set("x", 100+i, cluster.Later)
			pass(15 * time.Millisecond)
			c.set("x", 100+i, cluster.Later)
			pass(25 * time.Millisecond)
		}
		if all, times := a.counter.packets().since(work); all > 2*(80+10)+2 || times > 80+2 {
			t.Errorf("of 1000 changes a received %d packets at %d times in 20 s", all, times)
		}
		settle(t, b, c)
		mustAgree(t, a, b, c)
	})
}

func TestWhatIsLostComesWithASnapshot(t *testing.T) {
	for _, tc := range []struct {
		name string
		more int // messages after the lost one
	}{{"and the next message shows it", 1}, {"and only a heartbeat shows it", 0}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net, a, b, c := trio(t)
				pass(10 * time.Millisecond)
				net.Lose(a.Self(), b.Self(), 1)
				a.set("y", 0, cluster.Soon)
				pass(time.Second / 10)
				for range tc.more {
					a.set("x", 50, cluster.Soon)
				}
				pass(3 * time.Second)
				mustAgree(t, a, b, c)
				if got := b.heard(); got != "begin a, end a" {
					t.Errorf("b was told %s", got)
				}
				if got := c.heard() + a.heard(); got != "" {
					t.Errorf("the others were told %s", got)
				}
			})
		})
	}
}

func TestABatchThatIsNotUnderstoodCostsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		pass(10 * time.Millisecond)
		b.counter.spoilNext()
		a.set("x", 60, cluster.Soon)
		a.set("y", 61, cluster.Soon)
		pass(3 * time.Second)
		mustAgree(t, a, b, c)
		if got, none := b.heard(), c.heard(); got != "begin a, end a" || none != "" {
			t.Errorf("b was told %q, and c %q", got, none)
		}
	})
}

// A connection may take nothing for some seconds. Locks are not held as long. (No bubble has time pass while
// somebody waits for a lock.)
func TestABusThatMakesWaitHoldsUpNobodyElse(t *testing.T) {
	net, a, b, c := trio(t)
	a.counter.gate.Lock()
	defer a.counter.gate.Unlock()
	net.Lose(b.Self(), a.Self(), 1)
	for i := range 10 { // a misses something, asks for it, and goes on listening
		b.set("x", 60+i, cluster.Soon)
		c.set("x", 60+i, cluster.Soon)
		eventually(t, func() bool { return a.knows(c.Self())["x"] == 60+i })
	}
	a.set("x", 70, cluster.Soon)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := a.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("settled: %v", err)
	}
}

func TestAMessageThatIsTooLongCostsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		a.shards[0].facts["x"] = 60 // which only the snapshot tells
		a.Send(b.Self(), make([]byte, cluster.MaxMessage+1), cluster.Soon)
		a.set("y", 61, cluster.Soon)
		if _, err := a.Ask(t.Context(), c.Self(), make([]byte, cluster.MaxMessage+1)); !errors.Is(err, cluster.ErrUnreachable) {
			t.Errorf("a question that is too long: %v", err)
		}
		pass(4 * time.Second)
		if got, none := b.heard(), c.heard(); got != "begin a, end a" || none != "" {
			t.Errorf("b was told %q, and c %q", got, none)
		}
		mustAgree(t, a, b)

		long := strings.Repeat("z", cluster.MaxMessage)
		a.set(long, 1, cluster.Soon) // too long for the snapshot too, which comes without it
		pass(4 * time.Second)
		a.set("y", 62, cluster.Soon)
		pass(time.Second)
		if got := b.knows(a.Self()); got["y"] != 62 || len(got) != 2 {
			t.Errorf("b knows %d things, and y is %d", len(got), got["y"])
		}
	})
}

func TestWhoIsCutOffIsSilentThenGoneAndMayComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		net.CutOff(c.Self())
		pass(9 * time.Second)
		if got := a.heard(); got != "" {
			t.Errorf("after 9 s a was told %s", got)
		}
		pass(4 * time.Second)
		if got := a.heard(); got != "silent c" {
			t.Errorf("after 13 s a was told %s", got)
		}
		c.set("x", 70, cluster.Soon)
		net.MendAll()
		pass(3 * time.Second)
		if got := a.heard(); got != "begin c, end c" {
			t.Errorf("when it is there again, a was told %s", got)
		}
		mustAgree(t, a, b, c)

		net.CutOff(c.Self())
		pass(47 * time.Second)
		if got := a.heard(); got != "silent c" {
			t.Errorf("after 47 s a was told %s", got)
		}
		pass(6 * time.Second)
		if got, states := a.heard(), a.states(); got != "gone c" || states != "b alive" {
			t.Errorf("after 53 s a was told %s, and sees %s", got, states)
		}
		c.set("x", 80, cluster.Soon)
		net.MendAll()
		pass(5 * time.Second)
		mustAgree(t, a, b, c)
	})
}

// TestWhoIsKilledIsSilentAtOnce for whoever sends it something, where the bus knows that it is not there.
func TestWhoIsKilledIsSilentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		net.TellAbsent()
		pass(10 * time.Millisecond)
		_ = b.bus.Close() // it does not fail
		start := time.Now()
		_, err := a.AskAll(t.Context(), []byte("well?"))
		if err = errors.Join(err, a.Settle(t.Context())); err != nil || time.Since(start) > 100*time.Millisecond {
			t.Errorf("%v, after %v", err, time.Since(start))
		}
		if got := a.states(); got != "b silent, c alive" {
			t.Error(got)
		}
		c.Send(b.Self(), []byte("hello"), cluster.Soon)
		pass(10 * time.Millisecond)
		if got := c.heard(); got != "silent b" {
			t.Error(got)
		}
		pass(50 * time.Second)
		if got := c.heard(); got != "gone b" {
			t.Error(got)
		}
	})
}

func TestWhoIsHeardInOneDirectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		net.Lose(b.Self(), a.Self(), 1<<30)
		pass(time.Minute)
		if got := a.heard(); got != "silent b, gone b" {
			t.Errorf("a was told %s", got)
		}
		a.set("x", 90, cluster.Soon)
		b.set("x", 90, cluster.Soon)
		net.Lose(b.Self(), a.Self(), 0)
		pass(5 * time.Second)
		mustAgree(t, a, b, c)
	})
}

func TestWhoLeavesIsSilentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		c.set("x", 60, cluster.Later)
		c.end()
		synctest.Wait()
		if got := a.heard(); got != "silent c" {
			t.Errorf("a was told %s", got)
		}
		if got := a.knows(c.Self())["x"]; got != 60 {
			t.Errorf("of what was said last, a knows %d", got)
		}
		if got := a.states(); got != "b alive, c left" {
			t.Errorf("a sees %s", got)
		}
		pass(51 * time.Second)
		if got := a.heard() + "; " + b.heard(); got != "gone c; silent c, gone c" {
			t.Errorf("a and b were told %s", got)
		}
	})
}

func TestANewRunOfANodeSilencesTheOneThatCrashed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		c.crash(net)
		again := newNode(net, "c").start(t)
		synctest.Wait()
		if got := a.heard(); got != "begin c, end c, silent c" {
			t.Errorf("a was told %s", got)
		}
		if got := a.states(); got != "b alive, c alive, c silent" && got != "b alive, c silent, c alive" {
			t.Errorf("a sees %s", got)
		}
		mustAgree(t, a, b, again)
		pass(55 * time.Second)
		if got, states := a.heard(), a.states(); got != "gone c" || states != "b alive, c alive" {
			t.Errorf("a was told %s and sees %s", got, states)
		}
	})
}

func TestTwoNodesCannotHaveOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, a, b, c := trio(t)
		twin := newNode(net, "b")
		err := twin.Start(t.Context())
		twin.clock.Close()
		if !errors.Is(err, cluster.ErrNameTaken) || !strings.Contains(fmt.Sprint(err), string(b.Self())) {
			t.Errorf("it started: %v", err)
		}
		pass(time.Minute)
		if got := a.states(); got != "b alive, c alive" {
			t.Errorf("a sees %s", got)
		}
		mustAgree(t, a, b, c)
	})
}

func TestOfTwoThatStartWithOneNameOneDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := clustertest.NewNet()
		nodes := []*node{newNode(net, "a"), newNode(net, "a")}
		results := make(chan error)
		for _, n := range nodes {
			go func() { results <- n.Start(t.Context()) }()
		}
		first, second := <-results, <-results
		if (first == nil) == (second == nil) {
			t.Errorf("%v and %v", first, second)
		}
		for _, n := range nodes {
			n.end()
		}
	})
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(clustertest.NewNet(), "a")
		defer n.clock.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := n.Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it said %v", err)
		}
		n.Leave(t.Context())
	})
}

func TestABusThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		a.bus.Break()
		a.set("x", 30, cluster.Soon)
		pass(5 * time.Second)
		a.bus.Repair()
		pass(time.Second)
		if got := b.heard(); got != "" {
			t.Errorf("after 5 s b was told %s", got)
		}
		mustAgree(t, a, b, c) // from the queue

		a.bus.Break()
		filler := make([]byte, 100<<10)
		copy(filler, "y=77")
		for i := range filler[4:] {
			filler[4+i] = '0'
		}
		for range 50 {
			a.Send(b.Self(), filler, cluster.Later)
		}
		a.set("x", 40, cluster.Later)
		a.bus.Repair()
		pass(4 * time.Second)
		if got := b.heard(); got != "begin a, end a" {
			t.Errorf("after more than it keeps b was told %s", got)
		}
		mustAgree(t, a, b, c)
	})
}

func TestWhoStoodStillTakesNobodyForSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := trio(t)
		for range 5 {
			a.clock.Advance(time.Minute)
			pass(3 * time.Second)
		}
		if got := a.heard(); got != "" {
			t.Errorf("a was told %s", got)
		}
		mustAgree(t, a, b, c)
	})
}

func TestLargeSnapshotsComeWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := clustertest.NewNet()
		a, b := newNode(net, "a").start(t), newNode(net, "b")
		const facts = 20_000 // of 200 bytes: far more than may be on its way at once
		for i := range facts {
			a.set(fmt.Sprintf("%d%0200d", i%10, i), 1, cluster.Later)
		}
		net.Delay(a.Self(), b.Self(), 20*time.Millisecond)
		b.start(t)
		if got := len(b.knows(a.Self())); got != facts {
			t.Errorf("it knows %d facts when it has started", got)
		}
	})
}

func TestSendingIsCheap(t *testing.T) {
	net := clustertest.NewNet()
	a, b := newNode(net, "a"), newNode(net, "b")
	for _, n := range []*node{a, b} {
		n.deaf = true // what receiving costs is not the question
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer n.end()
	}
	settle(t, a)
	msg := []byte("x=1")
	if n := testing.AllocsPerRun(2000, func() { a.SendAll(msg, cluster.Later) }); n > 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

// A message to nine nodes, with receiving it at all of them.
func BenchmarkSendAll(b *testing.B) {
	net := clustertest.NewNet()
	var nodes []*node
	for i := range 10 {
		n := newNode(net, fmt.Sprint("n", i))
		n.deaf = true
		if err := n.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		defer n.end()
		nodes = append(nodes, n)
	}
	msg := make([]byte, 40) // like somebody's presence
	b.ReportAllocs()
	for b.Loop() {
		nodes[0].SendAll(msg, cluster.Later)
	}
}

// Who has waited until another node knows something also knows what that one said before it did.
func TestWhoHasSettledKnowsWhatWasSaidBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _ := trio(t)
		for i := range 20 {
			pass(time.Second)
			a.set("x", 100+i, cluster.Later)
			b.set("y", 100+i, cluster.Soon)
			if err := b.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := b.knows(a.Self())["x"]; got != 100+i {
				t.Fatalf("b knows %d of a, not %d", got, 100+i)
			}
		}
	})
}
