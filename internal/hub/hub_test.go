package hub_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// An entry has 32 bits for the time, which begin anew in 2106.
func TestSignInsHaveTheRightDate(t *testing.T) {
	for _, since := range []int64{1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<32 + 1<<31} {
		for _, ago := range []time.Duration{-time.Hour, 0, time.Hour, 365 * 24 * time.Hour} {
			w := newWorld(t)
			when := time.Unix(since, 0)
			w.clock.Jump(when.Add(ago).Sub(w.clock.Now()))
			w.hub.SignIn(hub.Login{Person: alice, Version: msnp.MSNP8, Since: when}, &session{w: w})
			if l, ok := w.hub.ByID(alice.ID); !ok || !l.Since.Equal(when) {
				t.Errorf("signed in %v, found %v", when.UTC(), l.Since.UTC())
			}
		}
	}
}

func TestDirectory(t *testing.T) {
	w := newWorld(t)
	since, client := time.Unix(1_100_000_000, 0), netip.MustParseAddrPort("192.0.2.7:1029")
	a := &session{w: w}
	a.entry = w.hub.SignIn(hub.Login{
		Person: alice, Version: msnp.MSNP8, Since: since, Addr: client, Client: "MSMSGS 5.0.0544",
		Presence: online, // does not count: she has said nothing yet
	}, &a.listener)
	want := hub.Login{
		Person: alice, Number: a.entry.Number(), Version: msnp.MSNP8, Since: since, Addr: client, Client: "MSMSGS 5.0.0544",
	}
	found := func(when string) {
		t.Helper()
		byID, ok1 := w.hub.ByID(alice.ID)
		byHandle, ok2 := w.hub.ByHandle(alice.Handle)
		if !ok1 || !ok2 || byID != want || byHandle != want {
			t.Errorf("%s: %+v, %t; %+v, %t; want %+v", when, byID, ok1, byHandle, ok2, want)
		}
		logins := w.hub.Logins()
		if !slices.Contains(logins, want) || len(logins) != 3 || w.hub.Count() != 3 {
			t.Errorf("%s: %d of %+v", when, w.hub.Count(), logins)
		}
	}
	found("signed in")
	a.chg(picture)
	a.rename("Ally")
	want.Presence, want.Person.Name = picture, "Ally"
	found("with a presence and another name")

	a2 := w.signIn()
	if a2.entry.Number() <= a.entry.Number() {
		t.Error("the numbers do not grow")
	}
	a.leave()
	if l, ok := w.hub.ByHandle(alice.Handle); !ok || l.Number != a2.entry.Number() {
		t.Errorf("displaced: %+v, %t", l, ok)
	}
	a2.leave()
	if _, ok := w.hub.ByID(alice.ID); ok {
		t.Error("found by id after the end")
	}
	if _, ok := w.hub.ByHandle(alice.Handle); ok {
		t.Error("found by handle after the end")
	}
	if w.hub.Count() != 2 || len(w.hub.Logins()) != 2 {
		t.Errorf("%d are left", w.hub.Count())
	}
}

func TestLoginsComeById(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	h := hub.New(clk, hold)
	all := []im.UserID{1, 2, 255, 256, 511, 512, 513, 1024, 5000}
	for _, id := range slices.Backward(all) {
		h.SignIn(hub.Login{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com")}}, new(listener))
	}
	for i, after := range append([]im.UserID{0}, all...) {
		var got []im.UserID
		for l := range h.LoginsAfter(after) {
			got = append(got, l.Person.ID)
		}
		if !slices.Equal(got, all[i:]) {
			t.Errorf("after %d come %d, want %d", after, got, all[i:])
		}
	}
}

// What is meant for one sign-in does not reach the next: a call carries a cookie that only the
// one who was called may use. docs/protocol/switchboard.md#cookies
func TestDeliverTo(t *testing.T) {
	w := newWorld(t)
	a1 := w.signIn()
	n1 := a1.entry.Number()
	if !w.hub.DeliverTo(alice.ID, n1, hub.Notice{Minutes: 1}) {
		t.Error("the sign-in that is present did not get it")
	}
	a2 := w.signIn()
	if w.hub.DeliverTo(alice.ID, n1, hub.Notice{Minutes: 2}) {
		t.Error("the sign-in after it got it, or the one that was displaced")
	}
	a1.leave()
	a2.leave()
	if w.hub.DeliverTo(alice.ID, a2.entry.Number(), hub.Notice{Minutes: 3}) {
		t.Error("a sign-in that has ended got it")
	}
}

func TestDeliver(t *testing.T) {
	w := newWorld(t)
	ev := hub.Kicked{Why: hub.ByOperator}
	if !w.hub.Deliver(bob.ID, ev) || !slices.Equal(w.bob.since(), []string{"kicked 1"}) {
		t.Error("Bob did not get it")
	}
	if w.carol.since() != nil {
		t.Error("Carol got it too")
	}
	for _, nobody := range []im.UserID{alice.ID, 0, -1, 1 << 62} {
		if w.hub.Deliver(nobody, ev) {
			t.Errorf("%d took it", nobody)
		}
	}
	w.hub.SignIn(hub.Login{Person: alice}, &listener{refuses: true})
	if w.hub.Deliver(alice.ID, ev) {
		t.Error("a refusal was not told")
	}
	w.hub.DeliverAll(hub.Notice{Minutes: 3})
	w.heard("notice 3")
}

func TestDeliverGoesToThePresentSignIn(t *testing.T) {
	w := newWorld(t)
	a1 := w.signIn()
	a2 := w.signIn()
	a1.since()
	w.hub.Deliver(alice.ID, hub.Notice{Minutes: 1})
	if a1.since() != nil || !slices.Equal(a2.since(), []string{"notice 1"}) {
		t.Error("the wrong session got it")
	}
}

func TestAnnouncement(t *testing.T) {
	w := newWorld(t)
	announced := func(want int) {
		t.Helper()
		if got, ok := w.hub.Announced(); got != want || ok != (want > 0) {
			t.Errorf("%d minutes, %t; want %d", got, ok, want)
		}
	}
	announced(0)
	w.hub.Announce(5)
	w.heard("notice 5")
	announced(5)
	w.clock.Advance(90 * time.Second)
	announced(4)
	w.clock.Advance(3 * time.Minute)
	w.heard("notice 1")
	announced(1)
	w.hub.Announce(10)
	w.heard("notice 10")
	announced(10)
	w.clock.Advance(10 * time.Minute)
	announced(0)
}

func TestBoardsAreCountedForTheSignInTheyCameFrom(t *testing.T) {
	w := newWorld(t)
	a1 := w.signIn()
	boards := func(want int) {
		t.Helper()
		if l, _ := w.hub.ByID(alice.ID); l.Boards != want {
			t.Errorf("%d boards, want %d", l.Boards, want)
		}
	}
	w.hub.AddBoards(alice.ID, a1.entry.Number(), 1)
	w.hub.AddBoards(alice.ID, a1.entry.Number(), 1)
	w.hub.AddBoards(alice.ID, a1.entry.Number(), -1)
	boards(1)
	a2 := w.signIn()
	w.hub.AddBoards(alice.ID, a1.entry.Number(), -1)
	boards(0)
	w.hub.AddBoards(alice.ID, a2.entry.Number(), 1)
	boards(1)
	a2.leave()
	w.hub.AddBoards(alice.ID, a2.entry.Number(), -1)
	w.hub.AddBoards(99, 1, 1)
	boards(0)
}

func TestEveryEndIsTold(t *testing.T) {
	w := newWorld(t)
	var got []string
	for i := range 2 {
		w.hub.OnEnd(func(user im.UserID, number uint64, how hub.Ending) {
			got = append(got, fmt.Sprint(i, user, number, how))
		})
	}
	a1, a2 := w.signIn(), w.signIn()
	w.hub.SignOut(a1.entry, these(nil), hub.Expelled)
	w.hub.SignOut(a2.entry, these(nil), hub.Left)
	n1, n2 := a1.entry.Number(), a2.entry.Number()
	w.hub.Expel(alice.ID, hub.ByOperator) // of whom somebody may still talk on a switchboard
	var want []string
	for _, end := range []string{
		fmt.Sprint(alice.ID, n1, hub.Expelled), fmt.Sprint(alice.ID, n2, hub.Left), fmt.Sprint(alice.ID, n2, hub.Expelled),
	} {
		want = append(want, "0 "+end, "1 "+end)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A new sign-in waits for the end of the one it displaced. docs/protocol/signin.md#elsewhere
func TestAwaitPrior(t *testing.T) {
	for _, how := range []hub.Ending{hub.Left, hub.Expelled, hub.Revoked, hub.Stopped} {
		w := newWorld(t)
		a1 := w.signIn()
		w.hub.AwaitPrior(t.Context(), a1.entry) // there is none
		a1.chg(online)
		a2 := w.signIn()
		var ended atomic.Bool // the watchers of a1 were asked for, or are of no interest
		waited := make(chan struct{})
		go func() {
			defer close(waited)
			w.hub.AwaitPrior(t.Context(), a2.entry)
			if !ended.Load() {
				t.Error("a sign-in did not wait for the end of the one before")
			}
		}()
		for range 1000 {
			runtime.Gosched() // as far as it gets
		}
		ended.Store(how == hub.Stopped)
		w.hub.SignOut(a1.entry, func(to []im.UserID) []im.UserID {
			ended.Store(true)
			return append(to, both...)
		}, how)
		<-waited
		w.hub.AwaitPrior(t.Context(), a2.entry) // it stays over
		a2.leave()
		a3 := w.signIn()
		w.hub.AwaitPrior(t.Context(), a3.entry) // it displaced nobody
	}
}

func TestAwaitPriorEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	a2 := w.signIn()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.hub.AwaitPrior(ctx, a2.entry)
}

func TestWatchersAreNotToldWhenTheServerStops(t *testing.T) {
	w := newWorld(t)
	a := w.signIn()
	a.chg(online)
	w.hub.SignOut(a.entry, these(both), hub.Stopped)
	w.heard("NLN Alice")
	w.seen("")
}

// Whoever signs in last is the one, by id, by handle, and to the watchers.
func TestConcurrentSignInsLeaveOne(t *testing.T) {
	for range 50 {
		w := newWorld(t)
		sessions := make([]*session, 8)
		var all sync.WaitGroup
		for i := range sessions {
			all.Go(func() { sessions[i] = w.signIn() })
		}
		all.Wait()
		l, _ := w.hub.ByID(alice.ID)
		if byHandle, ok := w.hub.ByHandle(alice.Handle); !ok || byHandle != l {
			t.Fatalf("by handle %+v, %t; by id %+v", byHandle, ok, l)
		}
		for _, s := range sessions {
			heard := s.since()
			if s.entry.Number() == l.Number && heard != nil || s.entry.Number() != l.Number && !slices.Equal(heard, []string{"kicked 0"}) {
				t.Fatalf("sign-in %d of %d heard %q", s.entry.Number(), l.Number, heard)
			}
			s.chg(im.Presence{Status: msnp.Online, Flags: s.entry.Number()})
		}
		w.heard("NLN Alice")
		for _, s := range sessions {
			s.leave()
		}
		w.heard("FLN Alice")
		if _, ok := w.hub.ByHandle(alice.Handle); ok {
			t.Fatal("still there by handle")
		}
	}
}

func TestAnIDThatTheStoreDoesNotGiveIsRefusedBeforeAnythingIsLocked(t *testing.T) {
	w := newWorld(t)
	enter := func(id im.UserID) (panicked any) {
		defer func() { panicked = recover() }()
		w.hub.SignIn(hub.Login{Person: im.Person{ID: id, Handle: "eve@example.com"}}, deaf{})
		return nil
	}
	for _, id := range []im.UserID{0, -1, 1 << 31, 1<<32 + 1, math.MinInt64} {
		if enter(id) == nil {
			t.Errorf("%d was entered", id)
		}
	}
	for _, id := range []im.UserID{256, 255, 1} { // of the stripes of those
		if what := enter(id); what != nil {
			t.Errorf("%d: %v", id, what)
		}
	}
}

func BenchmarkSetPresence(b *testing.B) {
	clk := clock.New()
	defer clk.Close()
	h := hub.New(clk, hold)
	watchers := make([]im.UserID, 150)
	for i := range watchers {
		watchers[i] = im.UserID(100 + i)
		h.SignIn(hub.Login{Person: im.Person{ID: watchers[i], Handle: fmt.Sprint(i, "@example.com")}}, deaf{})
	}
	a := h.SignIn(hub.Login{Person: alice}, deaf{})
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		h.SetPresence(a, im.Presence{Status: msnp.Online, Flags: i}, these(watchers))
	}
}

// deaf is a session that takes everything and does nothing.
type deaf struct{}

func (deaf) Deliver(hub.Event) bool { return true }
