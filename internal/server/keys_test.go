package server_test

import (
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/msntest"
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
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); kept() != 1; <-tick.C {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("the replaced key is still there")
		}
	}
}
