package server_test

import (
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/msntest"
	"monarch/internal/store"
)

// TestAReplacedKeyIsDeletedInTime moves the clock past the time that anything it signed may live.
func TestAReplacedKeyIsDeletedInTime(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	if _, err := f.Server.Admin().RotateKey(t.Context(), admin.Overlap); err != nil {
		t.Fatal(err)
	}
	kept := func() int {
		keys, err := f.Store.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}
	f.Clock.Advance(auth.MaxLife)
	if n := kept(); n != 2 {
		t.Errorf("%d keys after %v", n, auth.MaxLife)
	}
	f.Clock.Advance(2 * time.Hour) // it is looked every hour
	await(t, "the replaced key is still there", func() bool { return kept() == 1 })
}

// await waits until something has happened in the background.
func await(t *testing.T, otherwise string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); !happened(); <-tick.C {
		if time.Since(begun) > 30*time.Second {
			t.Fatal(otherwise)
		}
	}
}

func TestAnInviteCodeIsDeletedInTime(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	now := f.Clock.Now()
	code := store.InviteCode{Code: auth.Code(), Uses: 1, Created: now.Unix(), Expires: now.Add(time.Hour).Unix()}
	if err := f.Store.AddInvite(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	f.Clock.Advance(3 * time.Hour)
	// While it is there, nobody can make it again.
	await(t, "the code is still there", func() bool { return f.Store.AddInvite(t.Context(), code) == nil })
}

// TestANodeThatWasNotAskedLearnsOfANewKey makes a key in the database, so that nodes hear nothing of it:
// within a minute both sign with it.
func TestANodeThatWasNotAskedLearnsOfANewKey(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	now := nodes[0].Clock.Now()
	keys, err := nodes[0].Store.RotateKey(t.Context(), now, now.Add(auth.MaxLife))
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		p := msntest.NewPlayer(t, node)
		node.Clock.Advance(time.Minute)
		await(t, "a minute was not enough", func() bool {
			p.Play(`login A`)
			_, err := auth.NewSigner(keys[:1]).OpenTicket(p.Value("ticketA"), node.Clock.Steady(), time.Hour)
			return err == nil
		})
	}
}
