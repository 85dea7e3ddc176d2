package hub_test

import (
	"slices"
	"testing"
	"time"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// changes are what may happen to a sign-in, and what of it watchers hear.
var changes = []struct {
	name string
	run  func(w *world, a *session)
}{
	{"nothing of a sign-in alone", func(w *world, a *session) {
		w.heard()
		a.leave()
		w.heard()
	}},
	{"the first presence", func(w *world, a *session) {
		a.chg(online)
		w.heard("NLN Alice")
		w.seen(msnp.Online)
	}},
	{"nothing of the same presence again", func(w *world, a *session) {
		a.chg(online)
		a.chg(online)
		w.heard("NLN Alice")
	}},
	{"a status and a picture that change", func(w *world, a *session) {
		a.chg(online)
		a.chg(busy)
		a.chg(picture)
		w.heard("NLN Alice", "BSY Alice", "NLN Alice with a picture")
	}},
	{"a sign-out", func(w *world, a *session) {
		a.chg(online)
		a.leave()
		w.heard("NLN Alice", "FLN Alice")
		w.seen("")
	}},
	{"hiding as leaving", func(w *world, a *session) {
		a.chg(online)
		a.chg(hidden)
		w.heard("NLN Alice", "FLN Alice")
		w.seen(msnp.Hidden)
		a.chg(hidden)
		a.leave()
		w.heard()
	}},
	{"nothing of somebody who came hidden", func(w *world, a *session) {
		a.chg(hidden)
		a.rename("Hidden Alice")
		a.leave()
		w.heard()
	}},
	{"a name that changes", func(w *world, a *session) {
		a.chg(online)
		a.rename("Ally")
		a.rename("Ally")
		w.heard("NLN Alice", "NLN Ally renamed")
	}},
	{"a name from before the first presence, with that", func(w *world, a *session) {
		a.rename("Ally")
		w.heard()
		a.chg(online)
		w.heard("NLN Ally")
	}},
	{"a name from a hidden time, when that ends", func(w *world, a *session) {
		a.chg(online)
		a.chg(hidden)
		a.rename("Ally")
		a.chg(online)
		w.heard("NLN Alice", "FLN Alice", "NLN Ally")
	}},
	{"the same after coming back", func(w *world, a *session) {
		a.chg(online)
		a.leave()
		w.signIn().chg(online)
		w.heard("NLN Alice", "FLN Alice", "NLN Alice")
	}},
}

func TestWatchersHearOfChanges(t *testing.T) {
	for _, tc := range changes {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.run(w, w.signIn())
			w.clock.Advance(2 * hold)
			w.heard()
		})
	}
}

func TestOnlyWatchersHear(t *testing.T) {
	w := newWorld(t)
	a := w.signIn()
	w.hub.SetPresence(a.entry, online, these([]im.UserID{bob.ID, 99}))
	w.hub.SetName(a.entry, "Ally", these([]im.UserID{bob.ID, 99}))
	w.hub.SignOut(a.entry, these([]im.UserID{bob.ID, 99}), hub.Left)
	if got := w.bob.since(); !slices.Equal(got, []string{"NLN Alice", "NLN Ally renamed", "FLN Ally"}) {
		t.Errorf("Bob heard %q", got)
	}
	if got := w.carol.since(); got != nil {
		t.Errorf("Carol heard %q", got)
	}
	if got := a.since(); got != nil {
		t.Errorf("Alice heard %q", got)
	}
}

// displacements are what may happen once a second sign-in, a2, has displaced the first, a1.
var displacements = []struct {
	name string
	run  func(w *world, a1, a2 *session)
}{
	{"nobody hears of it when the presence is the same", func(w *world, a1, a2 *session) {
		a1.leave()
		w.clock.Advance(hold - time.Second)
		a2.chg(online)
		w.heard()
	}},
	{"only what is different is told", func(w *world, a1, a2 *session) {
		a1.leave()
		a2.chg(busy)
		w.heard("BSY Alice")
	}},
	{"another name is told", func(w *world, a1, a2 *session) {
		a1.leave()
		a2.rename("Ally")
		w.heard()
		a2.chg(online)
		w.heard("NLN Ally renamed")
	}},
	{"hidden is told as leaving, once", func(w *world, a1, a2 *session) {
		a1.leave()
		a2.chg(hidden)
		w.heard("FLN Alice")
	}},
	{"hidden is told as leaving, also before the old session has closed", func(w *world, a1, a2 *session) {
		a2.chg(hidden)
		w.heard("FLN Alice")
		a1.leave()
	}},
	{"the departure is told after the hold", func(w *world, a1, a2 *session) {
		a1.leave()
		w.clock.Advance(hold - time.Second)
		w.heard()
		w.clock.Advance(time.Second)
		w.heard("FLN Alice")
	}},
	{"who comes on line after the hold is told anew", func(w *world, a1, a2 *session) {
		a1.leave()
		w.clock.Advance(hold)
		a2.chg(online)
		w.heard("FLN Alice", "NLN Alice")
	}},
	{"leaving again before the first presence is told at once", func(w *world, a1, a2 *session) {
		a1.leave()
		a2.leave()
		w.heard("FLN Alice")
		w.seen("")
	}},
	{"leaving again before the old session has closed is told when that does", func(w *world, a1, a2 *session) {
		a2.leave()
		w.heard()
		a1.leave()
		w.heard("FLN Alice")
	}},
	{"the old session's late end says nothing", func(w *world, a1, a2 *session) {
		a2.chg(busy)
		a1.leave()
		w.heard("BSY Alice")
		w.seen(msnp.Busy)
	}},
	{"the old session's late end says nothing after the new one's", func(w *world, a1, a2 *session) {
		a2.chg(busy)
		a2.leave()
		a1.leave()
		w.heard("BSY Alice", "FLN Alice")
	}},
	{"the old session is not heard", func(w *world, a1, a2 *session) {
		a1.chg(busy)
		a1.rename("Ally")
		w.hub.SetPrivacy(a1.entry, hub.Known{}, so(false, both))
		w.heard()
		a2.chg(online)
		w.heard()
	}},
	{"a third one takes over from both", func(w *world, a1, a2 *session) {
		a3 := w.signIn()
		a2.leave()
		w.heard()
		a1.leave()
		w.heard()
		w.clock.Advance(hold - time.Second)
		a3.chg(online)
		w.heard()
	}},
	{"a third one that does not come is gone after the hold", func(w *world, a1, a2 *session) {
		w.signIn()
		a1.leave()
		a2.leave()
		w.clock.Advance(hold)
		w.heard("FLN Alice")
	}},
	{"one that comes after the second has left is known already, and outlasts the first", func(w *world, a1, a2 *session) {
		a2.leave()
		w.seen("")
		w.signIn().chg(online)
		a1.leave()
		w.clock.Advance(hold)
		w.heard()
		w.seen(msnp.Online)
	}},
	{"twice in a row nothing is told while it is quick", func(w *world, a1, a2 *session) {
		a1.leave()
		a2.chg(online)
		a3 := w.signIn()
		a2.leave()
		w.clock.Advance(hold - time.Second)
		a3.chg(online)
		w.heard()
	}},
}

// A second sign-in displaces the first, a1. docs/protocol/signin.md#elsewhere
func TestDisplacedSignIn(t *testing.T) {
	for _, tc := range displacements {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			a1 := w.signIn()
			a1.chg(online)
			w.heard("NLN Alice")
			a2 := w.signIn()
			if got := a1.since(); !slices.Equal(got, []string{"kicked 0"}) {
				t.Errorf("the old session heard %q", got)
			}
			tc.run(w, a1, a2)
			w.clock.Advance(2 * hold)
			w.heard()
			if got := a2.since(); len(got) > 1 {
				t.Errorf("the new session heard %q", got)
			}
		})
	}
}

func TestDisplacedWhileHiddenOrUnheard(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world, a1 *session)
	}{
		{"hidden", func(_ *world, a1 *session) { a1.chg(hidden) }},
		{"before the first presence", func(*world, *session) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			a1 := w.signIn()
			tc.run(w, a1)
			a2 := w.signIn()
			a1.leave()
			w.clock.Advance(2 * hold)
			w.heard()
			a2.chg(online)
			w.heard("NLN Alice")
		})
	}
}

// ear is a session that counts the presences it hears, also those that change nothing.
type ear struct{ heard int }

func (e *ear) Deliver(ev hub.Event) bool {
	if _, ok := ev.(*hub.PresenceChanged); ok {
		e.heard++
	}
	return true
}

// Who came while a new sign-in was silent knows nothing of the user, whatever the others
// were told before. docs/protocol/signin.md#elsewhere
func TestTheFirstWordOfASignInIsTold(t *testing.T) {
	for _, tc := range []struct {
		name string
		word im.Presence
		want int
	}{
		{"the same as before", online, 1},
		{"another status", busy, 1},
		{"hidden, when that is nothing new", hidden, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			newcomer := new(ear)
			w.hub.SignIn(hub.Login{Person: im.Person{ID: 4, Handle: "dave@example.com"}}, newcomer)
			watchers := these([]im.UserID{4})
			a1 := w.signIn()
			if tc.want > 0 {
				a1.chg(online) // when the newcomer was not there
			}
			a2 := w.signIn()
			a1.leave()
			for range 2 { // the second is no news
				w.hub.SetPresence(a2.entry, tc.word, watchers)
			}
			if newcomer.heard != tc.want {
				t.Errorf("a newcomer was told %d times, want %d", newcomer.heard, tc.want)
			}
		})
	}
}

func TestPrivacyIsToldToWhomItConcerns(t *testing.T) {
	w := newWorld(t)
	a := w.signIn()
	w.hub.SetPrivacy(a.entry, hub.Known{}, so(false, []im.UserID{bob.ID}))
	a.chg(online)
	w.hub.SetPrivacy(a.entry, hub.Known{}, so(true, []im.UserID{bob.ID, 99}))
	if got := w.bob.since(); !slices.Equal(got, []string{`blocked by Alice, ""`, "NLN Alice", `allowed by Alice, "NLN"`}) {
		t.Errorf("Bob heard %q", got)
	}
	if got := w.carol.since(); !slices.Equal(got, []string{"NLN Alice"}) {
		t.Errorf("Carol heard %q", got)
	}
}

func TestLinesAreRenderedOncePerVersion(t *testing.T) {
	var ev hub.PresenceChanged
	rendered := 0
	render := func() []byte { rendered++; return []byte{byte(rendered)} }
	got := ""
	for _, v := range []msnp.Version{msnp.MSNP8, msnp.MSNP9, msnp.MSNP8, msnp.MSNP9, msnp.MSNP8} {
		got += string('0' + rune(ev.Line(v, render)[0]))
	}
	if got != "12121" || rendered != 2 {
		t.Errorf("lines %s, rendered %d times", got, rendered)
	}
}
