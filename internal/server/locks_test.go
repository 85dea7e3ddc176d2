package server_test

import (
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// TestALockEndsByItself locks somebody for an hour, who is signed in, with a restart on the way.
func TestALockEndsByItself(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *msntest.Fixture{
		"SQLite":     func(t *testing.T) *msntest.Fixture { return msntest.Start(t, nil) },
		"PostgreSQL": func(t *testing.T) *msntest.Fixture { return msntest.StartNodes(t, nil)[0] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			p := msntest.NewPlayer(t, f)
			p.Play("signin9 A")
			until := f.Clock.Now().Add(time.Hour).Truncate(time.Second)
			lock := admin.Lock{Reason: "sent spam", Until: until}
			if err := f.Server.Admin().Lock(t.Context(), "alice@example.com", lock); err != nil {
				t.Fatal(err)
			}
			p.Play("A.ns< OUT SSD\nA.ns x\nlogin A refused")
			is := func(when string, locked bool) {
				t.Helper()
				d, err := f.Server.Admin().Account(t.Context(), "alice@example.com")
				if err != nil || d.Disabled != locked || (d.Lock != nil) != locked || locked && (d.Lock.Reason != lock.Reason || !d.Lock.Until.Equal(until)) {
					t.Errorf("%s: %+v, %v", when, d.Account, err)
				}
			}
			f.Clock.Advance(until.Sub(f.Clock.Now()) - time.Minute)
			p.Play("login A refused")
			is("a minute before the end", true)
			f.Stop(t)
			p.Play("restart\nlogin A refused")
			is("after a restart", true)
			f.Clock.Advance(until.Sub(f.Clock.Now()))
			is("at the end", false)
			p.Play("login A\nsignin9 A, loud")
			p.Finish()
		})
	}
}
