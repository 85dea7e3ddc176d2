package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
)

const (
	fl = im.Forward
	al = im.Allow
	bl = im.Block
	rl = im.Reverse
)

// steps says whose versions move, and by how much.
type steps map[string]uint32

var aliceHasBob = []op{add("alice", fl, "bob", none)}

var stepTests = []struct {
	name  string
	given []op
	do    op
	want  steps
}{
	{"a first add moves the adder and the added", nil, add("alice", fl, "bob", none), steps{"alice": 1, "bob": 1}},
	{
		"an add to a second group moves the owner only",
		[]op{adg("alice", "Work"), add("alice", fl, "bob", 0)},
		add("alice", fl, "bob", 1),
		steps{"alice": 1},
	},
	{"an add to the allow list moves the owner only", nil, add("alice", al, "bob", none), steps{"alice": 1}},
	{
		"a block moves the owner only, whatever the blocked one saw before",
		[]op{prp("alice", "PHH", "1"), add("bob", fl, "alice", none)},
		add("alice", bl, "bob", none),
		steps{"alice": 1},
	},
	{"adding oneself is one step", nil, add("alice", fl, "alice", none), steps{"alice": 1}},
	{
		"removing oneself is one step",
		[]op{add("alice", fl, "alice", none)},
		rem("alice", fl, "alice", none),
		steps{"alice": 1},
	},
	{"a removal from the forward list moves both", aliceHasBob, rem("alice", fl, "bob", none), steps{"alice": 1, "bob": 1}},
	{"leaving the last group moves both", aliceHasBob, rem("alice", fl, "bob", 0), steps{"alice": 1, "bob": 1}},
	{
		"leaving one of two groups moves the owner only",
		[]op{adg("alice", "Work"), add("alice", fl, "bob", 0), add("alice", fl, "bob", 1)},
		rem("alice", fl, "bob", 0),
		steps{"alice": 1},
	},
	{
		"a removal from the block list moves the owner only",
		[]op{add("alice", bl, "bob", none)},
		rem("alice", bl, "bob", none),
		steps{"alice": 1},
	},
	{"naming a contact moves the owner only", aliceHasBob, rea("alice", "bob", "Bobby"), steps{"alice": 1}},
	{"naming somebody on the reverse list moves the namer only", aliceHasBob, rea("bob", "alice", "Ally"), steps{"bob": 1}},
	{
		"a new own name moves its owner only, though others show it",
		[]op{add("bob", fl, "alice", none), add("carol", al, "alice", none)},
		rename("alice", "Al"),
		steps{"alice": 1},
	},
	{"a new group is one step", nil, adg("alice", "Work"), steps{"alice": 1}},
	{"a group that exists is no step", []op{adg("alice", "Work")}, adg("alice", "Work"), nil},
	{"a new group name is one step", nil, reg("alice", 0, "Everybody"), steps{"alice": 1}},
	{"removing an empty group is one step", []op{adg("alice", "Work")}, rmg("alice", 1), steps{"alice": 1}},
	{
		"removing a group is one step however many leave, and one for each who leaves",
		[]op{
			adg("alice", "Work"), add("alice", fl, "alice", 1), add("alice", fl, "bob", 1), add("alice", fl, "carol", 1),
			add("alice", fl, "carol", 0),
		},
		rmg("alice", 1),
		steps{"alice": 1, "bob": 1},
	},
	{"a prompt is one step", nil, gtc("alice", im.AddSilent), steps{"alice": 1}},
	{"a policy is one step", aliceHasBob, blp("bob", im.BlockOthers), steps{"bob": 1}},
	{
		"a property moves those who see it",
		[]op{add("bob", fl, "alice", none), add("alice", fl, "bob", none), add("carol", fl, "alice", none)},
		prp("alice", "MOB", "Y"),
		steps{"alice": 1, "bob": 1},
	},
	{
		"a property moves the blocked as well",
		[]op{
			add("bob", fl, "alice", none), add("alice", fl, "bob", none), add("alice", bl, "bob", none),
			add("carol", fl, "alice", none), add("alice", al, "carol", none), blp("alice", im.BlockOthers),
		},
		prp("alice", "PHW", ""),
		steps{"alice": 1, "bob": 1},
	},
	{
		"a property that contacts never see moves its owner only",
		[]op{add("bob", fl, "alice", none)},
		prp("alice", "MBE", "Y"),
		steps{"alice": 1},
	},
	{
		"a property of somebody on his own list is one step",
		[]op{add("alice", fl, "alice", none)},
		prp("alice", "PHH", "1"),
		steps{"alice": 1},
	},
	{
		"the end of an account moves everybody who had it on a list, once",
		[]op{add("bob", fl, "alice", none), add("alice", fl, "bob", none), add("carol", bl, "alice", none)},
		del("alice"),
		steps{"bob": 1, "carol": 1},
	},
	{
		"the end of an account moves those it had on its forward list only",
		[]op{add("alice", fl, "bob", none), add("alice", bl, "carol", none)},
		del("alice"),
		steps{"bob": 1},
	},
}

func TestEveryChangeMovesTheVersionsItShould(t *testing.T) {
	for _, test := range stepTests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol")
			w.must(test.given...)
			before := w.rosters()
			w.must(test.do)
			for _, name := range w.people {
				now, err := w.s.Version(context.Background(), w.ids[name])
				if err != nil {
					t.Fatal(err)
				}
				got := now - before[name].User.Version
				if got != test.want[name] {
					t.Errorf("%s took %d steps, want %d", name, got, test.want[name])
				}
			}
		})
	}
}

// full fills alice's forward list, up to the limit that add gives.
var (
	full         = []op{add("alice", fl, "bob", none), add("alice", fl, "carol", none), add("alice", fl, "alice", none)}
	refusalTests = []struct {
		name  string
		given []op
		do    op
		want  error
	}{
		{"adding nobody", nil, add("alice", fl, "nobody", none), im.ErrNoUser},
		{"adding nobody to a full list, to no group", full, add("alice", fl, "nobody", 7), im.ErrNoUser},
		{"adding to a full list, to no group", full, add("alice", fl, "dave", 7), im.ErrListFull},
		{"adding somebody who is there to a full list", full, add("alice", fl, "bob", none), im.ErrAlreadyListed},
		{"allowing the blocked", []op{add("alice", bl, "bob", none)}, add("alice", al, "bob", none), im.ErrOpposite},
		{"blocking the allowed", []op{add("alice", al, "bob", none)}, add("alice", bl, "bob", none), im.ErrOpposite},
		{"adding to a group that is not", nil, add("alice", fl, "bob", 1), im.ErrNoGroup},
		{"adding to a group that cannot be", nil, add("alice", fl, "bob", im.MaxGroups), im.ErrNoGroup},
		{"adding to a group far out", nil, add("alice", fl, "bob", 1<<40), im.ErrNoGroup},
		{
			"adding somebody on the list to a group that is not",
			[]op{add("alice", fl, "bob", none)},
			add("alice", fl, "bob", 1), im.ErrNoGroup,
		},
		{"adding twice", []op{add("alice", fl, "bob", none)}, add("alice", fl, "bob", none), im.ErrAlreadyListed},
		{"adding twice to a group", []op{add("alice", fl, "bob", none)}, add("alice", fl, "bob", 0), im.ErrAlreadyListed},
		{"allowing twice", []op{add("alice", al, "bob", none)}, add("alice", al, "bob", none), im.ErrAlreadyListed},
		{"removing somebody on no list", nil, rem("alice", fl, "bob", none), im.ErrNotListed},
		{"removing nobody", nil, rem("alice", al, "nobody", none), im.ErrNotListed},
		{"removing from another list", []op{add("alice", fl, "bob", none)}, rem("alice", al, "bob", none), im.ErrNotListed},
		{"removing from a group that is not, who is on no list", nil, rem("alice", fl, "bob", 9), im.ErrNotListed},
		{
			"removing from a group that is not",
			[]op{add("alice", fl, "bob", none)},
			rem("alice", fl, "bob", 9), im.ErrNoGroup,
		},
		{
			"removing from a group he is not in",
			[]op{adg("alice", "Work"), add("alice", fl, "bob", none)},
			rem("alice", fl, "bob", 1), im.ErrNotInGroup,
		},
		{"naming somebody on no list", []op{add("alice", al, "bob", none)}, rea("bob", "alice", "Ally"), im.ErrNotListed},
		{"naming nobody", nil, rea("alice", "nobody", "Who"), im.ErrNotListed},
		{
			"naming somebody who has left the reverse list",
			[]op{add("alice", fl, "bob", none), rea("bob", "alice", "Ally"), rem("alice", fl, "bob", none)},
			rea("bob", "alice", "Al"), im.ErrNotListed,
		},
		{"naming somebody nothing", []op{add("alice", fl, "bob", none)}, rea("alice", "bob", ""), im.ErrNameRefused},
		{"naming oneself nothing", nil, rename("alice", ""), im.ErrNameRefused},
		{"renaming a group that is not", nil, reg("alice", 1, "Work"), im.ErrNoGroup},
		{"renaming a group to another's name", []op{adg("alice", "Work")}, reg("alice", 0, "Work"), im.ErrGroupName},
		{"removing group 0", nil, rmg("alice", 0), im.ErrGroupZero},
		{"removing a group that is not", nil, rmg("alice", 1), im.ErrNoGroup},
		{"removing a group of a negative number", nil, rmg("alice", -1), im.ErrNoGroup},
		{"the prompt there is", nil, gtc("alice", im.Ask), im.ErrSameMode},
		{"the policy there is", nil, blp("alice", im.AllowOthers), im.ErrSameMode},
		{"a property that is not", nil, prp("alice", "MFN", "x"), im.ErrUnknownSetting},
		{"a change of nobody's lists", nil, add("nobody", fl, "alice", none), im.ErrNoUser},
		{"the end of nobody", nil, del("nobody"), im.ErrNoUser},
	}
)

func TestRefusedChangesChangeNothing(t *testing.T) {
	for _, test := range refusalTests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol", "dave")
			w.must(test.given...)
			before := w.rosters()
			if err := test.do(w); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if diff := cmp.Diff(before, w.rosters()); diff != "" {
				t.Errorf("changed all the same:\n%s", diff)
			}
		})
	}
}

func TestAListOnlyTheServerKeepsIsRefused(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(add("bob", fl, "alice", none))
	before := w.rosters()
	if err := add("alice", rl, "bob", none)(w); err == nil {
		t.Error("added to the reverse list")
	}
	if err := rem("alice", rl, "bob", none)(w); !errors.Is(err, im.ErrNotListed) {
		t.Errorf("removed from the reverse list: %v", err)
	}
	if diff := cmp.Diff(before, w.rosters()); diff != "" {
		t.Error(diff)
	}
}
