package hub_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

const hold = 10 * time.Second

// The people of the tests.
var (
	alice = im.Person{ID: 1, Handle: "alice@example.com", Name: "Alice"}
	bob   = im.Person{ID: 2, Handle: "bob@example.com", Name: "Bob"}
	carol = im.Person{ID: 3, Handle: "carol@example.com", Name: "Carol"}
)

// Some presences.
var (
	online  = im.Presence{Status: msnp.Online, Flags: 4}
	busy    = im.Presence{Status: msnp.Busy, Flags: 4}
	picture = im.Presence{Status: msnp.Online, Flags: 4, Object: "<msnobj/>"}
	hidden  = im.Presence{Status: msnp.Hidden, Flags: 4}
)

// listener is a session that writes down what it hears.
type listener struct {
	refuses bool // immutable

	mu    sync.Mutex
	heard []string
}

func (l *listener) Deliver(ev hub.Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ev, ok := ev.(*hub.PresenceChanged); ok && ev.Before == ev.Now && !ev.Renamed {
		return true // what sessions keep from clients who know it
	}
	l.heard = append(l.heard, describe(ev))
	return !l.refuses
}

// since returns what was heard since the last call.
func (l *listener) since() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := l.heard
	l.heard = nil
	return heard
}

// describe writes an event in one line.
func describe(ev hub.Event) string {
	switch ev := ev.(type) {
	case *hub.PresenceChanged:
		if !ev.Now.Visible() {
			return "FLN " + ev.Who.Name
		}
		s := fmt.Sprintf("%s %s", ev.Now.Status, ev.Who.Name)
		if ev.Now.Object != "" {
			s += " with a picture"
		}
		if ev.Renamed && ev.Before.Visible() {
			s += " renamed"
		}
		return s
	case hub.PrivacyChanged:
		if ev.Allowed {
			return fmt.Sprintf("allowed by %s, %q", ev.Who.Name, ev.Now.Status)
		}
		return fmt.Sprintf("blocked by %s, %q", ev.Who.Name, ev.Now.Status)
	case hub.Kicked:
		return fmt.Sprintf("kicked %d", ev.Why)
	case hub.Notice:
		return fmt.Sprintf("notice %d", ev.Minutes)
	}
	return fmt.Sprintf("%T", ev)
}

// world is a hub with Bob and Carol on it, who listen.
type world struct {
	t          *testing.T
	clock      *clock.Clock
	hub        *hub.Hub
	bob, carol *listener
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.New(), bob: new(listener), carol: new(listener)}
	t.Cleanup(w.clock.Close)
	w.hub = hub.New(w.clock, hold)
	w.hub.SignIn(hub.Login{Person: bob}, w.bob)
	w.hub.SignIn(hub.Login{Person: carol}, w.carol)
	return w
}

// these is how the hub asks for watchers; so is how it asks whom a change of privacy concerns.
func these(watchers []im.UserID) hub.Watchers {
	return func(to []im.UserID) []im.UserID { return append(to, watchers...) }
}

func so(allowed bool, users []im.UserID) func() ([]im.UserID, bool) {
	return func() ([]im.UserID, bool) { return users, allowed }
}

// both are Alice's watchers in most tests.
var both = []im.UserID{bob.ID, carol.ID}

// session is a sign-in of Alice.
type session struct {
	w     *world
	entry *hub.Entry
	listener
}

func (w *world) signIn() *session {
	s := &session{w: w}
	s.entry = w.hub.SignIn(hub.Login{Person: alice, Version: msnp.MSNP9}, &s.listener)
	return s
}

// chg gives the session a presence, rename a name, of which both watchers may hear.
func (s *session) chg(p im.Presence)  { s.w.hub.SetPresence(s.entry, p, these(both)) }
func (s *session) rename(name string) { s.w.hub.SetName(s.entry, name, these(both)) }

// leave ends the session, as its connection's Closed does.
func (s *session) leave() { s.w.hub.SignOut(s.entry, these(both), hub.Left) }

// heard checks what Bob heard since the last call, and that Carol heard the same.
func (w *world) heard(want ...string) {
	w.t.Helper()
	b, c := w.bob.since(), w.carol.since()
	if !slices.Equal(b, want) {
		w.t.Errorf("Bob heard %q, want %q", b, want)
	}
	if !slices.Equal(b, c) {
		w.t.Errorf("Bob heard %q, Carol %q", b, c)
	}
}

// seen checks what the directory says of Alice; "" is that she is not there.
func (w *world) seen(want msnp.Status) {
	w.t.Helper()
	l, ok := w.hub.ByID(alice.ID)
	if ok != (want != "") || ok && l.Presence.Status != want {
		w.t.Errorf("the directory says %q, %t; want %q", l.Presence.Status, ok, want)
	}
}
