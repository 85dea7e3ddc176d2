package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

// seen is what alice's roster says of bob.
type seen struct {
	Lists  im.List
	Stored string
	Groups []int
	Allows bool
}

var seenTests = []struct {
	name  string
	given []op
	want  *seen
}{
	{"somebody on no list is not there", nil, nil},
	{
		"a first add puts him in group 0 under the name given",
		[]op{add("alice", fl, "bob", none)},
		&seen{fl, "Dear bob", []int{0}, true},
	},
	{
		"somebody on the allow list only goes by his own name",
		[]op{add("alice", al, "bob", none)},
		&seen{al, "bob", nil, true},
	},
	{
		"somebody on the reverse list only goes by his own name",
		[]op{add("bob", fl, "alice", none), rea("alice", "bob", "Bobby")},
		&seen{rl, "bob", nil, true},
	},
	{
		"an add to the forward list keeps him on the others",
		[]op{add("alice", al, "bob", none), add("bob", fl, "alice", none), addAs("alice", fl, "bob", none, "B")},
		&seen{fl | al | rl, "B", []int{0}, true},
	},
	{
		"an add to the block list keeps the name he has",
		[]op{addAs("alice", fl, "bob", none, "B"), addAs("alice", bl, "bob", none, "X")},
		&seen{fl | bl, "B", []int{0}, true},
	},
	{
		"an add to a second group keeps the name he has",
		[]op{adg("alice", "Work"), addAs("alice", fl, "bob", 1, "B"), addAs("alice", fl, "bob", 0, "X")},
		&seen{fl, "B", []int{0, 1}, true},
	},
	{"a new name shows", []op{add("alice", fl, "bob", none), rea("alice", "bob", "Bobby")}, &seen{fl, "Bobby", []int{0}, true}},
	{
		"his own new name does not show for a contact",
		[]op{add("alice", fl, "bob", none), rename("bob", "Robert")},
		&seen{fl, "Dear bob", []int{0}, true},
	},
	{
		"his own new name shows off the forward list",
		[]op{add("alice", bl, "bob", none), rename("bob", "Robert")},
		&seen{bl, "Robert", nil, true},
	},
	{
		"a nameless add uses a name given while he was on the reverse list",
		[]op{add("bob", fl, "alice", none), rea("alice", "bob", "Bobby"), addAs("alice", fl, "bob", none, "")},
		&seen{fl | rl, "Bobby", []int{0}, true},
	},
	{
		"a nameless add of a stranger uses the handle",
		[]op{addAs("alice", fl, "bob", none, "")},
		&seen{fl, "bob@example.com", []int{0}, true},
	},
	{
		"a name given to somebody on the reverse list is forgotten when he leaves it",
		[]op{
			add("bob", fl, "alice", none), rea("alice", "bob", "Bobby"), rem("bob", fl, "alice", none),
			addAs("alice", fl, "bob", none, ""),
		},
		&seen{fl, "bob@example.com", []int{0}, true},
	},
	{
		"a move between groups by removing first takes the new name",
		[]op{adg("alice", "Work"), addAs("alice", fl, "bob", 0, "B"), rem("alice", fl, "bob", 0), addAs("alice", fl, "bob", 1, "Bob")},
		&seen{fl, "Bob", []int{1}, true},
	},
	{
		"a removal leaves him on the other lists",
		[]op{add("alice", fl, "bob", none), add("alice", al, "bob", none), rem("alice", fl, "bob", none)},
		&seen{al, "bob", nil, true},
	},
	{
		"a removal without a group takes him out of all",
		[]op{adg("alice", "Work"), add("alice", fl, "bob", 0), add("alice", fl, "bob", 1), rem("alice", fl, "bob", none)},
		nil,
	},
	{
		"a removed group takes him off the list if it was his last",
		[]op{adg("alice", "Work"), add("alice", fl, "bob", 1), rmg("alice", 1)},
		nil,
	},
	{
		"a removed group leaves him in the others",
		[]op{adg("alice", "Work"), add("alice", fl, "bob", 0), add("alice", fl, "bob", 1), rmg("alice", 1)},
		&seen{fl, "Dear bob", []int{0}, true},
	},
	{
		"who blocks the user does not allow him",
		[]op{add("alice", fl, "bob", none), add("bob", bl, "alice", none)},
		&seen{fl, "Dear bob", []int{0}, false},
	},
	{
		"who lets nobody in does not allow him",
		[]op{add("alice", fl, "bob", none), blp("bob", im.BlockOthers)},
		&seen{fl, "Dear bob", []int{0}, false},
	},
	{
		"who lets nobody in but the user allows him",
		[]op{add("alice", fl, "bob", none), add("bob", al, "alice", none), blp("bob", im.BlockOthers)},
		&seen{fl, "Dear bob", []int{0}, true},
	},
	{
		"blocking is one-way",
		[]op{add("alice", bl, "bob", none)},
		&seen{bl, "bob", nil, true},
	},
	{"an account that ended is gone", []op{add("alice", fl, "bob", none), add("bob", fl, "alice", none), del("bob")}, nil},
}

func TestContactsShowWhatTheListsSay(t *testing.T) {
	for _, test := range seenTests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			w.must(test.given...)
			var got *seen
			if c := w.contact("alice", "bob"); c != nil {
				got = &seen{c.Lists, c.Stored, c.Groups, c.AllowsUser}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAddTellsWhatItHasDone(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(prp("bob", "MOB", "Y"), prp("bob", "PHH", "1 555"), prp("bob", "MBE", "Y"),
		add("bob", fl, "alice", none), rename("bob", "Böb %20"))
	got, err := w.s.Add(context.Background(), w.ids["alice"],
		store.Addition{List: fl, Handle: "BOB@Example.COM", Name: "B", Group: none})
	if err != nil {
		t.Fatal(err)
	}
	want := store.Added{
		Version: 3, First: true, PeerVersion: 7,
		Contact: im.Contact{
			ID: w.ids["bob"], Handle: "bob@example.com",
			Lists: fl | rl, Stored: "B", Groups: []int{0}, AllowsUser: true,
			Properties: []im.Property{{Type: "PHH", Value: "1 555"}, {Type: "MOB", Value: "Y"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&want.Contact, w.contact("alice", "bob")); diff != "" {
		t.Errorf("the roster differs from what was told: %s", diff)
	}
}

func TestRemoveTellsWhatItHasDone(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(adg("alice", "Work"), add("alice", fl, "bob", 0), add("alice", fl, "bob", 1), add("alice", al, "bob", none))
	tests := []struct {
		name    string
		removal store.Removal
		want    store.Removed
	}{
		{"out of one of two groups", store.Removal{List: fl, Group: 0}, store.Removed{Version: 6}},
		{"out of the last group", store.Removal{List: fl, Group: 1}, store.Removed{Version: 7, Left: true, PeerVersion: 3}},
		{"off the allow list", store.Removal{List: al, Group: none}, store.Removed{Version: 8}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.removal.Handle = "Bob@example.com"
			test.want.Peer = w.ids["bob"]
			got, err := w.s.Remove(context.Background(), w.ids["alice"], test.removal)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPeopleMayHaveThemselvesOnTheirLists(t *testing.T) {
	w := newWorld(t, "alice")
	me := store.Addition{List: fl, Handle: handleOf("alice"), Name: "me", Group: none}
	added, err := w.s.Add(context.Background(), w.ids["alice"], me)
	if err != nil {
		t.Fatal(err)
	}
	if added.Version != 2 || added.PeerVersion != 2 || !added.First || added.Contact.Lists != fl|rl {
		t.Errorf("added: %+v", added)
	}
	w.must(prp("alice", "PHH", "1"))
	if c := w.contact("alice", "alice"); c == nil || len(c.Properties) != 1 || c.Stored != "me" {
		t.Errorf("contact: %+v", c)
	}
	removed, err := w.s.Remove(context.Background(), w.ids["alice"], store.Removal{List: fl, Handle: me.Handle, Group: none})
	if err != nil {
		t.Fatal(err)
	}
	if removed.Version != 4 || removed.PeerVersion != 4 || !removed.Left {
		t.Errorf("removed: %+v", removed)
	}
	if c := w.contact("alice", "alice"); c != nil {
		t.Errorf("still there: %+v", c)
	}
}

func TestAnyBytesSurviveInNames(t *testing.T) {
	for _, name := range []string{"Zoë \U0001F98B", "a\x00b", "\xff\xfe", "100%", "%41", "+ +", " "} {
		w := newWorld(t, "alice", "bob")
		w.must(rename("bob", name), addAs("alice", fl, "bob", none, name), adg("alice", name), prp("alice", "PHH", name))
		r := w.roster("alice")
		names, err := w.s.Names(context.Background(), w.ids["alice"])
		if err != nil {
			t.Fatal(err)
		}
		got := []string{names[w.ids["bob"]], r.Contacts[0].Stored, r.Groups[1].Name, r.Properties[0].Value}
		if diff := cmp.Diff([]string{name, name, name, name}, got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}
