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

// TestANodeThatWasNotAskedLearnsOfANewKey makes a key in the database, so that nodes hear nothing of it: one
// learns of it within a minute, and the other when it meets something that it signed.
func TestANodeThatWasNotAskedLearnsOfANewKey(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	players := []*msntest.Player{msntest.NewPlayer(t, nodes[0]), msntest.NewPlayer(t, nodes[1])}
	now := nodes[0].Clock.Now()
	keys, err := nodes[0].Store.RotateKey(t.Context(), now, now.Add(auth.MaxLife))
	if err != nil {
		t.Fatal(err)
	}
	signs := func(n int) bool {
		players[n].Play(`login A`)
		_, err := auth.NewSigner(keys[:1]).OpenTicket(players[n].Value("ticketA"), nodes[n].Clock.Steady(), time.Hour)
		return err == nil
	}
	if signs(0) || signs(1) {
		t.Error("somebody has heard of the key")
	}
	nodes[0].Clock.Advance(time.Minute)
	await(t, "a minute was not enough", func() bool { return signs(0) })
	if signs(1) {
		t.Error("the other node has heard of the key")
	}
	players[1].Play(`ticket A
A.ns> VER 1 MSNP9 MSNP8 CVR0
A.ns< VER 1 MSNP9 CVR0
A.ns> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com
A.ns< CVR 2 6.0.0602 6.0.0602 6.0.0602 {url1} {url2}
A.ns> USR 3 TWN I alice@example.com
A.ns< USR 3 TWN S {*}
A.ns> USR 4 TWN S {ticketA}
A.ns< 911 4
A.ns x`)
	await(t, "what the key signed was not enough", func() bool { return signs(1) })
}
