package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// webTime is when the tests of the website take place.
var webTime = time.Unix(1_100_000_000, 0)

// begins makes a session of alice with a token, so many minutes after webTime.
func (w *world) begins(token string, minutes int) {
	w.t.Helper()
	at := webTime.Add(time.Duration(minutes) * time.Minute).Unix()
	err := w.s.AddWebSession(w.t.Context(), w.user("alice"), token,
		store.WebSession{Created: at, Seen: at, Agent: "Mozilla/5.0 \x00\xff", Address: "192.0.2.1"})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) user(name string) im.User {
	w.t.Helper()
	u, err := w.s.UserByID(w.t.Context(), w.ids[name])
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// isIn reports whether a token is of a session of alice.
func (w *world) isIn(token string, at time.Time) bool {
	w.t.Helper()
	u, _, err := w.s.WebSession(w.t.Context(), token, at)
	if err != nil && !errors.Is(err, store.ErrNoWebSession) {
		w.t.Fatal(err)
	}
	if err == nil && u.ID != w.ids["alice"] {
		w.t.Errorf("%s is of %v", token, u)
	}
	lasts, lastErr := w.s.WebSessionLasts(w.t.Context(), auth.TokenHash(token), at)
	if lastErr != nil || lasts != (err == nil) {
		w.t.Errorf("%s lasts: %t, %v; recognized: %v", token, lasts, lastErr, err)
	}
	return err == nil
}

func TestAWebSession(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.begins("token", 0)
	u, got, err := w.s.WebSession(t.Context(), "token", webTime)
	if err != nil || u != w.user("alice") {
		t.Fatalf("of %+v, %v", u, err)
	}
	want := store.WebSession{
		ID: got.ID, Created: webTime.Unix(), Seen: webTime.Unix(), Agent: "Mozilla/5.0 \x00\xff", Address: "192.0.2.1",
	}
	if diff := cmp.Diff(want, got); diff != "" || got.ID == "token" {
		t.Errorf("it is %s", diff)
	}
	later := webTime.Add(time.Hour)
	w.mustAll(w.s.SeeWebSession(t.Context(), got.ID, "2001:db8::1", later))
	want.Seen, want.Address = later.Unix(), "2001:db8::1"
	all, err := w.s.WebSessions(t.Context(), w.ids["alice"], later)
	if diff := cmp.Diff([]store.WebSession{want}, all); diff != "" || err != nil {
		t.Errorf("listed: %s, %v", diff, err)
	}
	for name, c := range map[string]struct {
		token string
		at    time.Time
		want  bool
	}{
		"at once":                      {"token", webTime, true},
		"with another token":           {"tokem", webTime, false},
		"with its id":                  {got.ID, webTime, false},
		"just before it has been idle": {"token", later.Add(store.WebSessionIdle - time.Second), true},
		"idle for too long":            {"token", later.Add(store.WebSessionIdle), false},
	} {
		if w.isIn(c.token, c.at) != c.want {
			t.Errorf("%s: want %t", name, c.want)
		}
	}
}

func (w *world) mustAll(errs ...error) {
	w.t.Helper()
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhatEndsWebSessions(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(w *world) error
		a, b  bool
		swept int
	}{
		"nothing": {func(*world) error { return nil }, true, true, 2},
		"its end": {func(w *world) error { return w.s.EndWebSession(t.Context(), w.ids["alice"], w.sessionID("a")) }, false, true, 1},
		"its end by another": {func(w *world) error {
			err := w.s.EndWebSession(t.Context(), w.ids["bob"], w.sessionID("a"))
			if !errors.Is(err, store.ErrNoWebSession) {
				return fmt.Errorf("bob ends it: %w", err)
			}
			return nil
		}, true, true, 2},
		"the end of the others": {func(w *world) error {
			return w.s.EndWebSessions(t.Context(), w.ids["alice"], w.sessionID("b"))
		}, false, true, 1},
		"the end of all": {func(w *world) error { return w.s.EndWebSessions(t.Context(), w.ids["alice"], "") }, false, false, 0},
		"a new password": {func(w *world) error { return w.s.SetPassword(t.Context(), w.ids["alice"], "hash") }, false, false, 0},
		"a better hash": {func(w *world) error {
			return w.s.UpgradeHash(t.Context(), w.ids["alice"], "hash of alice", "hash")
		}, true, true, 2},
		"being locked": {func(w *world) error { return w.s.SetDisabled(t.Context(), w.ids["alice"], true) }, false, false, 0},
		"being locked for a while": {func(w *world) error {
			return errors.Join(w.s.SetDisabled(t.Context(), w.ids["alice"], true), w.s.SetDisabled(t.Context(), w.ids["alice"], false))
		}, false, false, 0},
		"the end of the account": {func(w *world) error { return w.s.DeleteUser(t.Context(), w.ids["alice"]) }, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			w.begins("a", 0)
			w.begins("b", 1)
			if err := c.do(w); err != nil {
				t.Fatal(err)
			}
			if a, b := w.isIn("a", webTime), w.isIn("b", webTime); a != c.a || b != c.b {
				t.Errorf("a is in: %t, b: %t", a, b)
			}
			for _, swept := range []bool{false, true} {
				if swept {
					w.mustAll(w.s.SweepWeb(t.Context(), webTime))
				}
				all, err := w.s.WebSessions(t.Context(), w.ids["alice"], webTime)
				if len(all) != c.swept || err != nil {
					t.Errorf("listed %d, %v", len(all), err)
				}
			}
		})
	}
}

func (w *world) sessionID(token string) string {
	w.t.Helper()
	_, s, err := w.s.WebSession(w.t.Context(), token, webTime)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.ID
}

func TestThereAreOnlySoManyWebSessions(t *testing.T) {
	w := newWorld(t, "alice")
	for i := range 30 {
		w.begins(fmt.Sprint(i), i)
	}
	all, err := w.s.WebSessions(t.Context(), w.ids["alice"], webTime)
	newestFirst := slices.IsSortedFunc(all, func(a, b store.WebSession) int { return int(b.Seen - a.Seen) })
	if len(all) != 20 || !newestFirst || err != nil {
		t.Errorf("%d, %v", len(all), err)
	}
	if w.isIn("9", webTime) || !w.isIn("10", webTime) || !w.isIn("29", webTime) {
		t.Error("not the oldest ended")
	}
	w.begins("much later", 60*24*31)
	if all, err := w.s.WebSessions(t.Context(), w.ids["alice"], webTime); len(all) != 1 || err != nil {
		t.Errorf("%d are left, %v", len(all), err)
	}
	stranger := im.User{Person: im.Person{ID: 99}}
	if err := w.s.AddWebSession(t.Context(), stranger, "x", store.WebSession{}); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("nobody's: %v", err)
	}
}
