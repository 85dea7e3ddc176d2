package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestGroupsTakeTheLowestFreeNumber(t *testing.T) {
	w := newWorld(t, "alice")
	for i := 1; i < im.MaxGroups; i++ {
		w.must(adg("alice", fmt.Sprint("group ", i)))
	}
	w.must(rmg("alice", 7), rmg("alice", 4))
	for _, want := range []int{4, 7} {
		g, err := w.s.AddGroup(context.Background(), w.ids["alice"], fmt.Sprint("new ", want))
		if err != nil {
			t.Fatal(err)
		}
		if g.Group.Number != want {
			t.Errorf("got number %d, want %d", g.Group.Number, want)
		}
	}
	before := w.rosters()
	if err := adg("alice", "one more")(w); !errors.Is(err, im.ErrTooManyGroups) {
		t.Errorf("a thirty-first group: %v", err)
	}
	if diff := cmp.Diff(before, w.rosters()); diff != "" {
		t.Errorf("changed all the same:\n%s", diff)
	}
	w.must(adg("alice", "group 29")) // exists
}

func TestAGroupThatExistsIsReturnedWithThePresentVersion(t *testing.T) {
	w := newWorld(t, "alice")
	w.must(adg("alice", "A B"), gtc("alice", im.AddSilent))
	g, err := w.s.AddGroup(context.Background(), w.ids["alice"], "A B")
	if err != nil {
		t.Fatal(err)
	}
	if want := (store.Grouped{Group: im.Group{Number: 1, Name: "A B"}, Version: 3, Existed: true}); g != want {
		t.Errorf("got %+v, want %+v", g, want)
	}
	if got := w.roster("alice").Groups; len(got) != 2 {
		t.Errorf("groups: %v", got)
	}
}

func TestARenamedGroupKeepsItsNumberAndPeople(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(adg("alice", "Work"), add("alice", fl, "bob", 1), reg("alice", 1, "Play"), reg("alice", 1, "Play"), reg("alice", 0, "Rest"))
	want := []im.Group{{Number: 0, Name: "Rest"}, {Number: 1, Name: "Play"}}
	if diff := cmp.Diff(want, w.roster("alice").Groups); diff != "" {
		t.Error(diff)
	}
	if c := w.contact("alice", "bob"); c == nil || !cmp.Equal(c.Groups, []int{1}) {
		t.Errorf("contact: %+v", c)
	}
}

func TestRemoveGroupTellsWhoLeft(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	w.must(adg("alice", "Work"), add("alice", fl, "bob", 1), add("alice", fl, "carol", 1), add("alice", fl, "carol", 0),
		add("alice", fl, "alice", 1), add("dave", fl, "alice", none), rea("alice", "dave", "D"))
	version, left, err := w.s.RemoveGroup(context.Background(), w.ids["alice"], 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Left{{Peer: w.ids["alice"], PeerVersion: version}, {Peer: w.ids["bob"], PeerVersion: 3}}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
	w.must(addAs("alice", fl, "dave", none, ""))
	if c := w.contact("alice", "dave"); c.Stored != "D" {
		t.Errorf("the name remembered for dave became %q", c.Stored)
	}
}
