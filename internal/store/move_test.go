package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"monarch/internal/im"
)

func move(owner, peer string, from, to int) op {
	return func(w *world) error {
		_, err := w.s.Move(context.Background(), w.ids[owner], handleOf(peer), from, to)
		return err
	}
}

func dissolve(owner string, number int) op {
	return func(w *world) error {
		_, err := w.s.DissolveGroup(context.Background(), w.ids[owner], number)
		return err
	}
}

func TestMovesBetweenGroups(t *testing.T) {
	for name, c := range map[string]struct {
		do     op
		err    error
		groups []int // of bob, who is in 0 and 1
		carol  []int // who is in 2
	}{
		"to another group":           {move("alice", "bob", 1, 2), nil, []int{0, 2}, []int{2}},
		"to one that he is in":       {move("alice", "bob", 1, 0), nil, []int{0}, []int{2}},
		"out of the only one":        {move("alice", "carol", 2, 1), nil, []int{0, 1}, []int{1}},
		"to where he is":             {move("alice", "carol", 2, 2), nil, []int{0, 1}, []int{2}},
		"out of another":             {move("alice", "carol", 1, 0), im.ErrNotInGroup, []int{0, 1}, []int{2}},
		"to none":                    {move("alice", "carol", 2, 9), im.ErrNoGroup, []int{0, 1}, []int{2}},
		"from none":                  {move("alice", "carol", 9, 2), im.ErrNoGroup, []int{0, 1}, []int{2}},
		"somebody on another list":   {move("alice", "dave", 0, 1), im.ErrNotListed, []int{0, 1}, []int{2}},
		"nobody":                     {move("alice", "zoe", 0, 1), im.ErrNotListed, []int{0, 1}, []int{2}},
		"a group of two dissolves":   {dissolve("alice", 1), nil, []int{0}, []int{2}},
		"a group of one dissolves":   {dissolve("alice", 2), nil, []int{0, 1}, []int{0}},
		"the first group does not":   {dissolve("alice", 0), im.ErrGroupZero, []int{0, 1}, []int{2}},
		"a group that is not either": {dissolve("alice", 9), im.ErrNoGroup, []int{0, 1}, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol", "dave")
			for _, group := range []string{"one", "two"} {
				if _, err := w.s.AddGroup(t.Context(), w.ids["alice"], group); err != nil {
					t.Fatal(err)
				}
			}
			w.must(add("alice", im.Forward, "bob", 0), add("alice", im.Forward, "bob", 1), add("alice", im.Forward, "carol", 2), add("alice", im.Allow, "dave", none))
			before, bob := w.roster("alice").User.Version, w.roster("bob").User.Version
			if err := c.do(w); !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			step := uint32(1)
			if c.err != nil {
				step = 0
			}
			if r := w.roster("alice"); r.User.Version != before+step || len(r.Contacts) != 3 {
				t.Errorf("version %d after %d, %d people", r.User.Version, before, len(r.Contacts))
			}
			if v := w.roster("bob").User.Version; v != bob {
				t.Errorf("bob's version is %d after %d", v, bob)
			}
			for who, want := range map[string][]int{"bob": c.groups, "carol": c.carol} {
				if got := w.contact("alice", who).Groups; !slices.Equal(got, want) {
					t.Errorf("%s is in %v, want %v", who, got, want)
				}
			}
		})
	}
}
