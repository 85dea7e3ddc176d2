package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/auth"
	"monarch/internal/store"
)

// whenRotated is when the tests of keys take place: after 2038, and after the first key was made.
var whenRotated = time.Unix(4_000_000_000, 0)

// retirement is a key without its secret.
type retirement struct {
	ID      uint8
	Retires int64 // after whenRotated; 0 signs
}

func retirements(keys []auth.Key) []retirement {
	var all []retirement
	for _, k := range keys {
		r := retirement{ID: k.ID}
		if k.Retires != 0 {
			r.Retires = k.Retires - whenRotated.Unix()
		}
		all = append(all, r)
	}
	return all
}

func TestKeysAreReplacedWithOverlap(t *testing.T) {
	s := openNew(t)
	ctx := t.Context()
	first, err := s.Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rotate := func(at, overlap time.Duration) func() ([]auth.Key, error) {
		return func() ([]auth.Key, error) {
			return s.RotateKey(ctx, whenRotated.Add(at), whenRotated.Add(at+overlap))
		}
	}
	retire := func(at time.Duration) func() ([]auth.Key, error) {
		return func() ([]auth.Key, error) { return s.RetireKeys(ctx, whenRotated.Add(at)) }
	}
	const day = 86400
	for _, step := range []struct {
		name string
		do   func() ([]auth.Key, error)
		want []retirement
	}{
		{"the first replacement", rotate(0, day*time.Second), []retirement{{2, 0}, {1, day}}},
		{"within the same second", rotate(0, day*time.Second), []retirement{{3, 0}, {2, day}, {1, day}}},
		{"an hour later", rotate(time.Hour, day*time.Second), []retirement{{4, 0}, {3, day + 3600}, {2, day}, {1, day}}},
		{"with a clock that was set back", rotate(-time.Hour, day*time.Second), []retirement{{5, 0}, {4, day - 3600}, {3, day - 3600}, {2, day - 3600}, {1, day - 3600}}},
		{"too early to delete", retire((day - 3601) * time.Second), []retirement{{5, 0}, {4, day - 3600}, {3, day - 3600}, {2, day - 3600}, {1, day - 3600}}},
		{"when they retire", retire((day - 3600) * time.Second), []retirement{{5, 0}}},
		{"all others at once", rotate(0, 0), []retirement{{6, 0}}},
		{"nothing to delete", retire(1000 * day * time.Second), []retirement{{6, 0}}},
	} {
		got, err := step.do()
		if diff := cmp.Diff(step.want, retirements(got)); err != nil || diff != "" {
			t.Fatalf("%s: %v (-want +got):\n%s", step.name, err, diff)
		}
		again, err := s.Keys(ctx)
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("%s, read again: %v\n%s", step.name, err, diff)
		}
		if got[0].Equal(first[0]) {
			t.Errorf("%s: the first key signs again", step.name)
		}
	}
}

// A byte has 255 ids: they come round again, and never two at a time.
func TestKeyIDsBeginAgain(t *testing.T) {
	s := openNew(t)
	keys, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]bool{string(keys[0].Secret): true}
	for i := range 600 {
		now := whenRotated.Add(time.Duration(i) * time.Hour)
		// About ten are kept at a time.
		if keys, err = s.RotateKey(t.Context(), now, now.Add(10*time.Hour)); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		if want := uint8((i+1)%255 + 1); keys[0].ID != want || keys[0].Retires != 0 {
			t.Fatalf("after %d: %v signs, want %d", i, keys[0], want)
		}
		ids := make(map[uint8]bool)
		for _, k := range keys {
			ids[k.ID] = true
		}
		if len(ids) != len(keys) || len(keys) > 11 {
			t.Fatalf("after %d: %v", i, keys)
		}
		secrets[string(keys[0].Secret)] = true
	}
	if len(secrets) != 601 {
		t.Errorf("%d different secrets", len(secrets))
	}
}

func TestThereAreNotEndlesslyManyKeys(t *testing.T) {
	s := openNew(t)
	ctx := context.Background()
	if _, err := s.Keys(ctx); err != nil {
		t.Fatal(err)
	}
	until := whenRotated.Add(time.Hour)
	var keys []auth.Key
	for range 15 {
		var err error
		if keys, err = s.RotateKey(ctx, whenRotated, until); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.RotateKey(ctx, whenRotated, until); !errors.Is(err, store.ErrTooManyKeys) {
		t.Errorf("with 16: %v", err)
	}
	if after, err := s.Keys(ctx); err != nil || !cmp.Equal(keys, after) {
		t.Errorf("a refusal changed the keys: %v, %v", after, err)
	}
	if keys, err := s.RotateKey(ctx, whenRotated, whenRotated); err != nil || len(keys) != 1 {
		t.Errorf("at once: %v, %v", keys, err)
	}
}
