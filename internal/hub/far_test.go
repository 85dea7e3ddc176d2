package hub_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// trio is three nodes; ends is what each was told of ends.
type trio struct {
	t    *testing.T
	net  *clustertest.Net
	node [3]*place

	mu   sync.Mutex
	ends [3][]string
}

// threeNodes runs a test with three nodes.
func threeNodes(t *testing.T, test func(w *trio)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &trio{t: t, net: clustertest.NewNet()}
		for i := range w.node {
			w.node[i] = newPlace(t, w.net, string(rune('a'+i)), func(*nodeViewer, bool) {})
			w.node[i].OnEnd(func(user im.UserID, _ uint64, how hub.Ending) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.ends[i] = append(w.ends[i], fmt.Sprint(user, " ", how))
			})
			defer func() { w.node[i].end() }()
		}
		test(w)
	})
}

// in signs somebody in at a node, online, and lets all know.
func (w *trio) in(node int, p im.Person, s hub.Session) *hub.Entry {
	w.t.Helper()
	e := w.node[node].SignIn(hub.Login{Person: p, Version: msnp.MSNP9}, s)
	w.node[node].SetPresence(e, online, these(nil))
	pass(time.Second)
	return e
}

// ended returns what all were told of ends since the last call, if they were told the same.
func (w *trio) ended() []string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.ends
	w.ends = [3][]string{}
	for i, each := range all {
		if !slices.Equal(each, all[0]) {
			w.t.Errorf("node %d was told of the ends %q, node 0 of %q", i, each, all[0])
		}
	}
	return all[0]
}

func (w *trio) want(what string, got, want any) {
	w.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestPeopleElsewhereAreKnown(t *testing.T) {
	threeNodes(t, func(w *trio) {
		e := w.in(0, alice, new(listener))
		w.node[0].SetName(e, "Alice the second", these(nil))
		pass(time.Second)
		for i, n := range w.node {
			byID, ok := n.ByID(alice.ID)
			byHandle, ok2 := n.ByHandle(alice.Handle)
			w.want("found", []bool{ok, ok2}, []bool{true, true})
			w.want("name", byID.Person.Name, "Alice the second")
			w.want("presence", byID.Presence, online)
			w.want("version", byID.Version, msnp.MSNP9)
			w.want("number", byID.Number, e.Number())
			w.want("by handle", byHandle, byID)
			w.want("all, and here", []int{n.CountAll(), n.Count()}, []int{1, []int{1, 0, 0}[i]})
		}
		w.node[0].SignOut(e, these(nil), hub.Left)
		pass(time.Second)
		for _, n := range w.node {
			_, ok := n.ByID(alice.ID)
			_, ok2 := n.ByHandle(alice.Handle)
			w.want("found", []bool{ok, ok2}, []bool{false, false})
			w.want("all", n.CountAll(), 0)
		}
	})
}

func TestSomebodyElsewhereIsAsked(t *testing.T) {
	ask := func(w *trio, e *hub.Entry) (answer bool, took time.Duration) {
		start := time.Now()
		ok := w.node[1].Ask(w.t.Context(), alice.ID, e.Number(), hub.Invited{Cookie: "1.2"})
		return ok, time.Since(start)
	}
	threeNodes(t, func(w *trio) {
		willing := w.in(0, alice, new(listener))
		ok, _ := ask(w, willing)
		w.want("who may be called", ok, true)

		unwilling := w.in(0, alice, &listener{refuses: true})
		ok, _ = ask(w, unwilling)
		w.want("who may not be called", ok, false)
		ok, _ = ask(w, willing)
		w.want("an earlier sign-in", ok, false)

		w.net.CutOff(w.node[0].cluster.Self())
		ok, took := ask(w, unwilling)
		w.want("a node that was cut off just now", ok, false)
		w.want("in time", took <= 5*time.Second, true)
		pass(15 * time.Second)
		ok, took = ask(w, unwilling)
		w.want("a silent node, and how long it takes", []any{ok, took}, []any{false, time.Duration(0)})
		w.want("what is sent there", w.node[1].Deliver(alice.ID, hub.Notice{}), false)
	})
}

func TestKicksReachOtherNodes(t *testing.T) {
	threeNodes(t, func(w *trio) {
		her := new(listener)
		e := w.in(2, alice, her)
		w.want("an earlier one", w.node[0].DeliverTo(alice.ID, e.Number()-1, hub.Kicked{Why: hub.ByOperator}), false)
		w.want("this one", w.node[0].DeliverTo(alice.ID, e.Number(), hub.Kicked{Why: hub.ByOperator}), true)
		w.want("any", w.node[0].Expel(alice.ID, hub.AccountChanged), true)
		pass(time.Second)
		w.want("she hears", her.since(), []string{"kicked 1", "kicked 2"})

		w.node[2].SignOut(e, these(nil), hub.Revoked)
		pass(time.Second)
		w.want("ends", w.ended(), []string{"1 2"})
		w.want("nobody", w.node[0].Expel(alice.ID, hub.AccountChanged), false)
		pass(time.Second)
		w.want("ends of what is left", w.ended(), []string{"1 2"})
	})
}

func TestEndsAreToldEverywhere(t *testing.T) {
	threeNodes(t, func(w *trio) {
		first := w.in(0, alice, new(listener))
		second := w.in(1, alice, new(listener))
		w.mu.Lock()
		w.want("at the node of the first, before it has ended", w.ends[0], []string{})
		w.mu.Unlock()
		w.node[0].SignOut(first, these(nil), hub.Expelled)
		w.node[1].SignOut(second, these(nil), hub.Left)
		pass(time.Second)
		w.want("ends", w.ended(), []string{"1 1", "1 0"})

		third := w.in(2, alice, new(listener))
		w.node[2].SignOut(third, these(nil), hub.Stopped)
		pass(time.Second)
		w.want("ends", w.ended(), []string{"1 3"})
	})
}

// TestWhoComesBackSucceeds has somebody whom the server sent away come back, here or elsewhere: his
// conversations are told. Of one who displaces a sign-in they are not.
func TestWhoComesBackSucceeds(t *testing.T) {
	threeNodes(t, func(w *trio) {
		var moves [3][]string
		for i, n := range w.node {
			n.call(func(h *hooks) {
				h.move = func(user im.UserID, from, to uint64) {
					w.mu.Lock()
					defer w.mu.Unlock()
					moves[i] = append(moves[i], fmt.Sprint(user, " ", from, " ", to))
				}
			})
		}
		want := func(what string, old, now *hub.Entry) {
			t.Helper()
			w.mu.Lock()
			defer w.mu.Unlock()
			for i := range moves {
				if old == nil {
					w.want(what, moves[i], []string{})
				} else {
					w.want(what, moves[i], []string{fmt.Sprint(alice.ID, " ", old.Number(), " ", now.Number())})
				}
				moves[i] = nil
			}
		}
		first := w.in(0, alice, new(listener))
		w.node[0].SignOut(first, these(nil), hub.Stopped)
		pass(time.Second)
		second := w.in(1, alice, new(listener))
		want("elsewhere", first, second)
		w.node[1].SignOut(second, these(nil), hub.Stopped)
		pass(time.Second)
		third := w.in(1, alice, new(listener))
		want("here", second, third)
		fourth := w.in(2, alice, new(listener))
		w.node[1].SignOut(third, these(nil), hub.Expelled)
		pass(time.Second)
		want("displaced", nil, nil)
		w.node[2].SignOut(fourth, these(nil), hub.Left)
		pass(time.Second)
		w.in(0, alice, new(listener))
		want("after leaving", nil, nil)

		fifth := w.in(1, alice, new(listener))
		w.mu.Lock()
		w.ends = [3][]string{}
		w.mu.Unlock()
		w.node[1].draining.Store(true)
		pass(3 * time.Second)
		sixth := w.in(2, alice, new(listener)) // before its node knows that the client has gone
		w.node[1].SignOut(fifth, these(nil), hub.Expelled)
		pass(time.Second)
		want("quicker than a node that sends its people away", fifth, sixth)
		w.mu.Lock()
		w.want("ends that close conversations", slices.Contains(slices.Concat(w.ends[0], w.ends[1], w.ends[2]), "1 1"), false)
		w.mu.Unlock()
	})
}

// TestWhoseNodeIsGoneSucceeds, for what he did there has ended with it.
func TestWhoseNodeIsGoneSucceeds(t *testing.T) {
	threeNodes(t, func(w *trio) {
		var moves [3]atomic.Int64
		for i, n := range w.node {
			n.call(func(h *hooks) { h.move = func(im.UserID, uint64, uint64) { moves[i].Add(1) } })
		}
		w.in(2, alice, new(listener))
		w.net.CutOff(w.node[2].cluster.Self())
		pass(15 * time.Second)
		w.in(0, alice, new(listener))
		pass(time.Second)
		for i, want := range []int64{1, 1, 0} {
			if got := moves[i].Load(); got != want {
				t.Errorf("node %d knows of %d moves, want %d", i, got, want)
			}
		}
	})
}

func TestSwitchboardsElsewhereAreCounted(t *testing.T) {
	threeNodes(t, func(w *trio) {
		e := w.in(0, alice, new(listener))
		boards := func() int {
			pass(time.Second)
			l, _ := w.node[0].ByID(alice.ID)
			return l.Boards
		}
		for _, n := range w.node {
			n.AddBoards(alice.ID, e.Number(), 2)
		}
		w.want("two at each", boards(), 6)
		w.node[1].AddBoards(alice.ID, e.Number(), -1)
		w.node[1].AddBoards(alice.ID, e.Number()-1, 9)
		w.want("one less", boards(), 5)
		w.net.Lose(w.node[1].cluster.Self(), w.node[0].cluster.Self(), 1)
		w.node[1].AddBoards(alice.ID, e.Number(), -1)
		pass(10 * time.Second)
		w.want("when that was lost", boards(), 4)
		w.net.CutOff(w.node[2].cluster.Self())
		pass(time.Minute)
		w.want("without a node that is gone", boards(), 2)
		w.net.MendAll()
		pass(10 * time.Second)
		w.want("as far as it knows", boards(), 2)
	})
}

func TestWhoIsStoppedMayComeBack(t *testing.T) {
	for _, tc := range []struct {
		name string
		back int // the node; -1: never
		chg  bool
		at   time.Duration
		want string // what Bob and Carol hear, who are at nodes 0 and 1
	}{
		{"never", -1, false, 0, "[FLN Alice]"},
		{"here", 0, true, 20 * time.Second, "[]"},
		{"elsewhere", 2, true, 20 * time.Second, "[]"},
		{"here, too late", 0, true, time.Minute, "[FLN Alice NLN Alice]"},
		{"elsewhere, too late", 2, true, time.Minute, "[FLN Alice NLN Alice]"},
		{"here without coming on line", 0, false, 20 * time.Second, "[FLN Alice]"},
		{"elsewhere without coming on line", 2, false, 20 * time.Second, "[FLN Alice]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			threeNodes(t, func(w *trio) {
				admits := map[im.UserID]bool{alice.ID: true}
				viewers := []*viewerLog{{viewer: newViewer(w.node[0].Hub, admits)}, {viewer: newViewer(w.node[1].Hub, admits)}}
				w.in(0, bob, viewers[0])
				w.in(1, carol, viewers[1])
				viewers[0].here, viewers[1].here = true, true
				e := w.node[0].SignIn(hub.Login{Person: alice}, new(listener))
				w.node[0].SetPresence(e, online, these(both))
				pass(time.Second)
				for _, s := range viewers {
					s.lines()
				}
				w.node[0].SignOut(e, these(both), hub.Stopped)
				pass(tc.at)
				if tc.back >= 0 {
					n := w.node[tc.back]
					e := n.SignIn(hub.Login{Person: alice}, new(listener))
					if tc.chg {
						n.SetPresence(e, online, these(both))
					}
				}
				pass(time.Minute)
				for i, s := range viewers {
					w.want(fmt.Sprint("at node ", i), s.lines(), tc.want)
				}
			})
		})
	}
}

// viewerLog is a viewer that writes down what its client would be told.
type viewerLog struct {
	*viewer
	said []string
}

func (l *viewerLog) Deliver(ev hub.Event) bool {
	before := l.sight(alice.ID)
	l.viewer.Deliver(ev)
	switch now := l.sight(alice.ID); now {
	case before:
	case sight{}:
		l.said = append(l.said, "FLN Alice")
	default:
		l.said = append(l.said, fmt.Sprintf("%s %s", now.presence.Status, now.name))
	}
	return true
}

func (l *viewerLog) lines() []string {
	defer func() { l.said = nil }()
	return l.said
}

func TestTheLaterSignInWinsWhateverTheClocksSay(t *testing.T) {
	threeNodes(t, func(w *trio) {
		w.node[1].clock.Jump(-5 * time.Minute)
		w.node[2].clock.Jump(5 * time.Minute)
		var last uint64
		for _, node := range []int{0, 1, 2, 1, 0, 2, 2, 1} {
			e := w.in(node, alice, new(listener))
			if e.Number() <= last {
				t.Errorf("node %d gives the number %d after %d", node, e.Number(), last)
			}
			last = e.Number()
			for _, n := range w.node {
				l, _ := n.ByID(alice.ID)
				w.want("the present sign-in", l.Number, last)
			}
		}
	})
}

func TestTurnsAtSomebodyElsewhere(t *testing.T) {
	threeNodes(t, func(w *trio) {
		turn := make(chan struct{}, 1)
		w.node[0].GiveTurns(func(ctx context.Context, _ im.UserID) (func(), error) {
			select {
			case turn <- struct{}{}:
				return func() { <-turn }, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		take := func(n int) (end func(), took time.Duration) {
			start := time.Now()
			end = w.node[n].Turn(w.t.Context(), alice.ID)
			return end, time.Since(start).Round(100 * time.Millisecond)
		}
		end, took := take(1)
		w.want("at nobody", []any{took, len(turn)}, []any{time.Duration(0), 0})
		end()

		w.in(0, alice, new(listener))
		end, took = take(1)
		w.want("at once", []any{took, len(turn)}, []any{time.Duration(0), 1})
		time.AfterFunc(2*time.Second, end)
		end, took = take(2)
		w.want("after another", []any{took, len(turn)}, []any{2 * time.Second, 1})
		never, took := take(1)
		w.want("without getting it", took, 4*time.Second)
		never()
		w.want("which takes it from nobody", len(turn), 1)
		end()
		pass(time.Second)
		w.want("given back", len(turn), 0)

		take(1)
		pass(30 * time.Second)
		w.want("never given back", len(turn), 0)

		take(1)
		w.net.CutOff(w.node[1].cluster.Self())
		pass(13 * time.Second)
		w.want("taken by a node that is silent now", len(turn), 0)
		end, took = take(1)
		w.want("of a node that cannot be reached", took, time.Duration(0))
		end()
	})
}

func TestANodeThatLeaves(t *testing.T) {
	threeNodes(t, func(w *trio) {
		w.in(0, alice, new(listener))
		w.in(1, bob, new(listener))
		w.node[0].end()
		pass(time.Second)
		_, ok := w.node[1].ByID(alice.ID)
		w.want("who is not said to have ended, in sight and reached", []bool{ok, w.node[1].Deliver(alice.ID, hub.Notice{})}, []bool{true, false})
		w.want("who is elsewhere", w.node[2].Deliver(bob.ID, hub.Notice{}), true)
		pass(time.Minute)
		w.want("in the end", []int{w.node[1].CountAll(), w.node[2].CountAll()}, []int{1, 1})
		w.node[0] = newPlace(w.t, w.net, "a", nil)
		w.want("who starts knows all", w.node[0].CountAll(), 1)
	})
}

// A node knows of a newer sign-in that ended, and another does not: it has an older one that goes on.
func TestASignInThatOnlySomeKnowToBeDisplacedIsFoundAgain(t *testing.T) {
	for name, end := range map[string]func(w *trio, e *hub.Entry){
		"signed out": func(w *trio, e *hub.Entry) { w.node[1].SignOut(e, these(nil), hub.Left) },
		"crashed": func(w *trio, _ *hub.Entry) {
			w.node[1].crash()
			w.node[1] = newPlace(w.t, w.net, "b", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			threeNodes(t, func(w *trio) {
				old := w.in(0, alice, new(listener))
				w.net.Cut(w.node[0].cluster.Self(), w.node[1].cluster.Self())
				e := w.node[1].SignIn(hub.Login{Person: alice}, new(listener))
				ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
				defer cancel()
				w.node[1].AwaitPrior(ctx, e)
				end(w, e)
				pass(time.Minute)
				l, _ := w.node[2].ByID(alice.ID)
				w.want("at a node that knew of both", []any{l.Number, l.Presence}, []any{old.Number(), online})
			})
		})
	}
}

// A node begins to serve and is cut off before the others hear of that; what was lost is looked for.
func TestANodeThatIsCutOffAsItBeginsToServeMayHaveLostEvents(t *testing.T) {
	threeNodes(t, func(w *trio) {
		w.node[0].end()
		w.node[0] = newPlace(w.t, w.net, "a", nil)
		w.net.CutOff(w.node[0].cluster.Self())
		lapses := 0
		w.node[1].call(func(h *hooks) { h.lapse = func(l hub.Lapse) { lapses += len(l.Changes) } })
		w.in(1, bob, new(listener))
		pass(5 * time.Second)
		w.node[0].Deliver(bob.ID, hub.Notice{})
		w.in(0, alice, new(listener))
		w.net.MendAll()
		pass(10 * time.Second)
		w.want("sessions that look again", lapses, 1)
	})
}

// Somebody signs in elsewhere and does not come on line, and his earlier node fails before it tells that
// he has gone.
func TestADepartureThatNobodyTells(t *testing.T) {
	threeNodes(t, func(w *trio) {
		watcher := newViewer(w.node[1].Hub, map[im.UserID]bool{alice.ID: true})
		w.in(1, bob, watcher)
		watcher.come()
		e := w.node[0].SignIn(hub.Login{Person: alice}, new(listener))
		w.node[0].SetPresence(e, online, these(both))
		pass(time.Second)
		w.want("sees her", watcher.sight(alice.ID).presence, online)
		w.node[2].SignIn(hub.Login{Person: alice}, new(listener))
		w.node[0].crash()
		w.node[0] = newPlace(w.t, w.net, "a", nil)
		pass(time.Minute)
		w.want("sees her in the end", watcher.sight(alice.ID).presence, im.Presence{})
	})
}

// What is told of a sign-in that was silent for long is told once.
func TestWhoComesOnLineLateIsToldOnce(t *testing.T) {
	threeNodes(t, func(w *trio) {
		watcher := new(listener)
		w.in(1, bob, watcher)
		old := w.node[0].SignIn(hub.Login{Person: alice}, new(listener))
		w.node[0].SetPresence(old, online, these(both))
		pass(time.Second)
		e := w.node[2].SignIn(hub.Login{Person: alice}, new(listener))
		w.node[0].SignOut(old, these(both), hub.Expelled)
		pass(hold + 1500*time.Millisecond)
		w.node[2].SetPresence(e, busy, these(both))
		pass(time.Minute)
		w.want("what is heard", watcher.since(), []string{"NLN Alice", "FLN Alice", "hub.Missed", "BSY Alice"})
	})
}

// Somebody signs in at a node that is cut off, where he is known from another one, and leaves there again.
func TestWhoLeavesDuringACutIsFoundWhereHeStillIs(t *testing.T) {
	threeNodes(t, func(w *trio) {
		old := w.in(0, alice, new(listener))
		w.net.CutOff(w.node[2].cluster.Self())
		e := w.node[2].SignIn(hub.Login{Person: alice}, new(listener))
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		w.node[2].AwaitPrior(ctx, e)
		w.node[2].SignOut(e, these(nil), hub.Left)
		w.net.MendAll()
		pass(15 * time.Second)
		l, _ := w.node[2].ByID(alice.ID)
		w.want("at the node that was cut off", l.Number, old.Number())
	})
}

// The end of the service is announced at one node, while another is cut off, and is taken back at a
// third. A node that starts meanwhile knows of it.
func TestTheEndOfTheServiceIsThatOfAllNodes(t *testing.T) {
	threeNodes(t, func(w *trio) {
		var ended [3]int
		var called [3][]string
		people := [3]*listener{new(listener), new(listener), new(listener)}
		watch := func(n int) {
			w.node[n].OnStop(func() { ended[n]++ })
			w.node[n].OnCountdown(func(left time.Duration) {
				called[n] = append(called[n], left.Round(time.Minute).String())
			})
		}
		for n, p := range []im.Person{alice, bob, carol} {
			watch(n)
			w.in(n, p, people[n])
		}
		heard := func(want ...string) {
			w.t.Helper()
			pass(15 * time.Second)
			for n, l := range people {
				w.want(fmt.Sprint("heard at node ", n), l.since(), want)
			}
		}
		w.node[0].Announce(30)
		heard("notice 30")
		w.net.CutOff(w.node[2].cluster.Self())
		w.node[0].Announce(20)
		pass(15 * time.Second)
		w.want("heard beyond the cut", people[2].since(), []string{})
		w.net.MendAll()
		pass(15 * time.Second)
		for n, want := range []string{"[notice 20]", "[notice 20]", "[notice 20]"} {
			w.want(fmt.Sprint("heard after the cut at node ", n), people[n].since(), want)
		}
		w.want("taken back elsewhere", w.node[1].Cancel(), true)
		heard()
		w.want("taken back twice", w.node[2].Cancel(), false)
		pass(time.Hour)
		w.want("ended", ended, [3]int{})

		w.node[1].Announce(5)
		heard("notice 5")
		w.node[0].end()
		w.node[0] = newPlace(w.t, w.net, "a", nil)
		watch(0)
		minutes, ok := w.node[0].Announced()
		w.want("known to a node that started", []any{minutes, ok}, []any{5, true})
		pass(5 * time.Minute)
		w.want("ended", ended, [3]int{1, 1, 1})
		w.want("told to those who keep books", called[2], []string{"30m0s", "20m0s", "0s", "5m0s"})
	})
}

// What is done for other nodes may take as long as people do, but not longer than the node is there.
func TestNothingIsDoneForOtherNodesAfterTheEnd(t *testing.T) {
	threeNodes(t, func(w *trio) {
		a, over := w.node[0], 0
		a.GiveTurns(func(ctx context.Context, _ im.UserID) (func(), error) {
			<-ctx.Done()
			over++
			return nil, ctx.Err()
		})
		w.in(0, alice, new(listener))
		w.in(0, bob, new(listener))
		var asking sync.WaitGroup
		asking.Go(func() { w.node[1].Turn(w.t.Context(), alice.ID) })
		newer := w.node[1].SignIn(hub.Login{Person: bob}, new(listener)) // whose older session does not end
		asking.Go(func() { w.node[1].AwaitPrior(w.t.Context(), newer) })
		pass(time.Second)
		w.net.Cut(a.cluster.Self(), w.node[2].cluster.Self())
		asking.Go(func() { a.AwaitPrior(w.t.Context(), a.SignIn(hub.Login{Person: carol}, new(listener))) }) // waits in vain, and looks again
		pass(2500 * time.Millisecond)
		ctx, cancel := context.WithCancel(w.t.Context())
		cancel()
		a.cluster.Leave(ctx)
		a.Close()
		w.want("turns that are waited for", over, 1)
		synctest.Wait()
		asking.Wait()
	}) // where a goroutine that waits for the end of a session would be found
}
