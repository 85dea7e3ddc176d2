package hub_test

import (
	"slices"
	"testing"
	"time"

	"monarch/internal/hub"
	"monarch/internal/im"
)

// Where the bus tells that a node is not there, nobody waits for it who signs in: neither its own
// people nor others. Where it does not, nobody waits for longer than it is quiet.
func TestWhoSignsInDoesNotWaitForANodeThatWasKilled(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tells  bool
		atMost time.Duration
	}{{"and the bus tells", true, 100 * time.Millisecond}, {"and nobody tells", false, 4 * time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			threeNodes(t, func(w *trio) {
				if tc.tells {
					w.net.TellAbsent()
				}
				w.in(0, alice, new(listener))
				w.in(1, carol, new(listener))
				_ = w.node[0].bus.Close() // it does not fail
				for _, p := range []im.Person{alice, bob} {
					start := time.Now()
					e := w.node[1].SignIn(hub.Login{Person: p}, new(listener))
					w.node[1].AwaitPrior(w.t.Context(), e)
					if took := time.Since(start); took > tc.atMost {
						w.t.Errorf("%s is in after %v", p.Name, took)
					}
				}
				start := time.Now()
				if w.node[2].Ask(w.t.Context(), alice.ID, 0, hub.Invited{}) != true || w.node[2].Ask(w.t.Context(), carol.ID, 0, hub.Invited{}) != true {
					w.t.Error("they cannot be called")
				}
				if took := time.Since(start); took > 100*time.Millisecond {
					w.t.Errorf("calls take %v", took)
				}
				pass(time.Minute)
				for _, n := range w.node[1:] {
					w.want("all who are signed in", n.CountAll(), 3)
				}
			})
		})
	}
}

// A sign-in that was displaced elsewhere comes on line before its node hears of that, which is killed
// before it can tell that the sign-in has ended. The newer one does not come on line.
func TestADisplacedSignInOfANodeThatWasKilledIsSeenToLeave(t *testing.T) {
	threeNodes(t, func(w *trio) {
		admits := map[im.UserID]bool{alice.ID: true}
		viewers := []*viewerLog{{viewer: newViewer(w.node[0].Hub, admits)}, {viewer: newViewer(w.node[1].Hub, admits)}}
		w.in(0, bob, viewers[0])
		w.in(1, carol, viewers[1])
		viewers[0].here, viewers[1].here = true, true
		e := w.node[2].SignIn(hub.Login{Person: alice}, new(listener))
		pass(10 * time.Millisecond)
		w.node[2].SetPresence(e, online, these(both)) // which is told later
		w.node[1].SignIn(hub.Login{Person: alice}, new(listener))
		pass(time.Second)
		_ = w.node[2].bus.Close() // it does not fail
		pass(2 * time.Minute)
		for _, s := range viewers {
			w.want("what is seen", s.lines(), "[NLN Alice FLN Alice]")
		}
	})
}

// A node is not heard of for some seconds, and nothing is lost. Whoever signs in meanwhile does not wait
// for it, and looks again when it knows of him: it told others only.
func TestWhoDidNotWaitForANodeThatWasLateLooksAgain(t *testing.T) {
	threeNodes(t, func(w *trio) {
		there := w.in(1, bob, new(listener))
		var seen []im.Presence
		session := new(listener)
		w.node[0].call(func(h *hooks) {
			h.lapse = func(l hub.Lapse) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if slices.Contains(l.Presence, hub.Session(session)) {
					of, _ := w.node[0].ByID(bob.ID)
					seen = append(seen, of.Presence)
				}
			}
		})
		a, b := w.node[0].cluster.Self(), w.node[1].cluster.Self()
		w.net.Delay(a, b, 5*time.Second)
		w.net.Delay(b, a, 5*time.Second)
		start := time.Now()
		e := w.node[0].SignIn(hub.Login{Person: alice}, session)
		time.AfterFunc(time.Second, func() { w.node[1].SetPresence(there, busy, these(nil)) })
		w.node[0].AwaitPrior(w.t.Context(), e)
		if took := time.Since(start); took > 4*time.Second {
			w.t.Errorf("she is in after %v", took)
		}
		w.net.Delay(a, b, 0)
		w.net.Delay(b, a, 0)
		pass(20 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.want("what she sees when she looks again", seen, []im.Presence{busy})
	})
}

// The server sends somebody away from a node, which is given up before the time is over in which he may
// come back. How his sign-in ended is told already.
func TestTheEndOfASignInIsToldOnce(t *testing.T) {
	threeNodes(t, func(w *trio) {
		a := w.node[0].cluster.Self()
		e := w.in(0, alice, new(listener))
		w.node[0].SignOut(e, these(nil), hub.Stopped)
		pass(time.Second)
		_ = w.node[0].bus.Close() // it does not fail
		for _, n := range w.node[1:] {
			n.member.Gone(a)
		}
		pass(2 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, ends := range w.ends[1:] {
			w.want("ends", ends, []string{"1 3"})
		}
		w.want("all who are signed in", w.node[1].CountAll(), 0)
	})
}
