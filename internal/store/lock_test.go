package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestALockThatEnds(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	ctx, id := t.Context(), w.ids["alice"]
	end := webTime.Add(time.Hour)
	w.mustAll(w.s.Lock(ctx, id, "spam \u4f60", end.Unix()), w.s.Lock(ctx, w.ids["bob"], "", 0))
	u := w.user("alice")
	if u.LockReason != "spam \u4f60" || u.Credential != 2 || !u.Locked(end.Add(-time.Second)) || u.Locked(end) {
		t.Errorf("%+v", u)
	}
	w.begins("token", 0) // as the one he would get when it is over
	w.mustAll(w.s.AddResetLetter(ctx, "letter", u, webTime, end.Add(time.Hour)))
	opens := func(at time.Time) bool {
		t.Helper()
		_, err := w.s.ResetLetter(ctx, "letter", at)
		if err != nil && !errors.Is(err, store.ErrNoLetter) {
			t.Fatal(err)
		}
		return err == nil
	}
	if w.isIn("token", end.Add(-time.Second)) || !w.isIn("token", end) || opens(end.Add(-time.Second)) || !opens(end) {
		t.Error("the website has another end of the lock")
	}
	w.mustAll(w.s.SweepLocks(ctx, end.Add(-time.Second)))
	if u := w.user("alice"); !u.Disabled {
		t.Error("the lock went too early")
	}
	w.mustAll(w.s.SweepLocks(ctx, end))
	if u := w.user("alice"); u.Disabled || u.LockReason != "" || u.LockedUntil != 0 || u.Credential != 2 {
		t.Errorf("afterwards: %+v", u)
	}
	if u := w.user("bob"); !u.Locked(end.AddDate(100, 0, 0)) {
		t.Error("a lock for good has an end")
	}
}

func TestLocksMakeTicketsWorthless(t *testing.T) {
	w := newWorld(t, "alice")
	ctx, id := context.Background(), w.ids["alice"]
	for i, step := range []struct {
		name   string
		do     func() error
		counts bool
	}{
		{"a lock", func() error { return w.s.Lock(ctx, id, "", 1000) }, true},
		{"another, when the first may be over", func() error { return w.s.Lock(ctx, id, "", 2000) }, true},
		{"one for good, when that may be over", func() error { return w.s.SetDisabled(ctx, id, true) }, true},
		{"the same again", func() error { return w.s.SetDisabled(ctx, id, true) }, false},
		{"its end", func() error { return w.s.SetDisabled(ctx, id, false) }, false},
	} {
		before := w.user("alice").Credential
		w.mustAll(step.do())
		if counts := w.user("alice").Credential > before; counts != step.counts {
			t.Errorf("%d, %s: counts %t", i, step.name, counts)
		}
	}
	if u := w.user("alice"); u.Disabled || u.LockedUntil != 0 {
		t.Errorf("%+v", u)
	}
	if err := w.s.Lock(ctx, 12345, "", 0); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("nobody: %v", err)
	}
}
