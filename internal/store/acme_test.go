package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/store"
)

const directory = "https://acme.example.com/directory"

func TestTheFirstAccountKeyStays(t *testing.T) {
	s, ctx := openNew(t), context.Background()
	for i, offered := range []string{"one", "two", "three"} {
		if key, err := s.AccountKey(ctx, directory, []byte(offered)); err != nil || string(key) != "one" {
			t.Errorf("offer %d: %q, %v", i, key, err)
		}
	}
	if key, err := s.AccountKey(ctx, directory+"2", []byte("two")); err != nil || string(key) != "two" {
		t.Errorf("of another authority: %q, %v", key, err)
	}
}

func TestOneNodeAtATimeAsksForACertificate(t *testing.T) {
	s, ctx, now := openNew(t), context.Background(), time.Unix(1_700_000_000, 0)
	claim := func(at time.Time) bool {
		t.Helper()
		_, ok, err := s.ClaimCertificate(ctx, directory, "im.example.com", at, at.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if c, err := s.SiteCertificate(ctx, directory, "im.example.com"); err != nil || c != (store.SiteCertificate{}) {
		t.Errorf("at first: %+v, %v", c, err)
	}
	var mine atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, ok, err := s.ClaimCertificate(ctx, directory, "im.example.com", now, now.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if ok {
				mine.Add(1)
			}
		})
	}
	all.Wait()
	if mine.Load() != 1 {
		t.Errorf("%d of 8 that came at once have the claim", mine.Load())
	}
	if claim(now.Add(59 * time.Second)) {
		t.Error("two ask at once")
	}
	if !claim(now.Add(time.Minute)) {
		t.Error("nobody follows one who has gone")
	}
	want := store.SiteCertificate{Chain: "chain", Key: "key", Retry: 7, Failures: 2}
	if err := s.SetSiteCertificate(ctx, directory, "im.example.com", want); err != nil {
		t.Fatal(err)
	}
	if c, err := s.SiteCertificate(ctx, directory, "im.example.com"); err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	if !claim(now) {
		t.Error("it is not free after its end")
	}
	if c, err := s.SiteCertificate(ctx, directory, "im.example.com"); err != nil || c.Chain != "chain" || c.Busy == 0 {
		t.Errorf("a claim has changed more than it should: %+v, %v", c, err)
	}
}

func TestChallengesAreThereForAWhile(t *testing.T) {
	s, ctx, now := openNew(t), context.Background(), time.Unix(1_700_000_000, 0)
	old := store.Challenge{Token: "old", Host: "im.example.com", Answer: "old.x", Expires: now.Unix() + 10}
	young := store.Challenge{Token: "young", Host: "im.example.com", Answer: "young.x", Expires: now.Unix() + 60}
	for _, c := range []store.Challenge{old, young, young} {
		if err := s.AddChallenge(ctx, c, now); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Challenge(ctx, "old", now); err != nil || got != old {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.ChallengeFor(ctx, "im.example.com", now); err != nil || got != young {
		t.Errorf("%+v, %v", got, err)
	}
	late := now.Add(10 * time.Second)
	if got, err := s.Challenge(ctx, "old", late); !errors.Is(err, store.ErrNoChallenge) {
		t.Errorf("of one that is over: %+v, %v", got, err)
	}
	if err := s.DeleteChallenge(ctx, "young"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ChallengeFor(ctx, "im.example.com", late); !errors.Is(err, store.ErrNoChallenge) {
		t.Errorf("of one that was forgotten: %+v, %v", got, err)
	}
}
