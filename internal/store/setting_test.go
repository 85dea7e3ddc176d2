package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestPropertiesComeInTheOrderOfTheProtocol(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	for _, typ := range []string{"WWE", "MBE", "MOB", "PHM", "PHW", "PHH"} {
		w.must(prp("alice", typ, "Y"))
	}
	w.must(prp("alice", "PHW", ""), prp("alice", "MOB", "N"), add("bob", fl, "alice", none), add("alice", fl, "bob", none))
	own := []im.Property{
		{Type: "PHH", Value: "Y"}, {Type: "PHM", Value: "Y"}, {Type: "MOB", Value: "N"}, {Type: "MBE", Value: "Y"}, {Type: "WWE", Value: "Y"},
	}
	if diff := cmp.Diff(own, w.roster("alice").Properties); diff != "" {
		t.Errorf("own: %s", diff)
	}
	shown := []im.Property{{Type: "PHH", Value: "Y"}, {Type: "PHM", Value: "Y"}, {Type: "MOB", Value: "N"}, {Type: "WWE", Value: "Y"}}
	if diff := cmp.Diff(shown, w.contact("bob", "alice").Properties); diff != "" {
		t.Errorf("shown: %s", diff)
	}
}

func TestPropertiesShowToContactsOfTheOwner(t *testing.T) {
	tests := []struct {
		name  string
		given []op
		want  bool
	}{
		{"to a contact who has the owner as one", []op{add("bob", fl, "alice", none), add("alice", fl, "bob", none)}, true},
		{"not to somebody who only has the owner as a contact", []op{add("bob", fl, "alice", none), add("alice", al, "bob", none)}, false},
		{"not to a contact who has not", []op{add("alice", fl, "bob", none), add("bob", al, "alice", none)}, false},
		{
			"to the blocked as before",
			[]op{add("bob", fl, "alice", none), add("alice", fl, "bob", none), add("alice", bl, "bob", none)},
			true,
		},
		{
			"to a contact when nobody is let in",
			[]op{add("bob", fl, "alice", none), add("alice", fl, "bob", none), blp("alice", im.BlockOthers)},
			true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			w.must(prp("alice", "PHH", "1"))
			w.must(test.given...)
			c := w.contact("bob", "alice")
			if got := len(c.Properties) > 0; got != test.want {
				t.Errorf("shown: %v", got)
			}
			_, told, err := w.s.SetProperty(context.Background(), w.ids["alice"], "PHW", "2")
			if err != nil {
				t.Fatal(err)
			}
			var want []store.Told
			if test.want {
				want = []store.Told{{User: w.ids["bob"], Version: w.roster("bob").User.Version}}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("told: %s", diff)
			}
		})
	}
}

func TestSettingsAreKept(t *testing.T) {
	w := newWorld(t, "alice")
	w.must(gtc("alice", im.AddSilent), blp("alice", im.BlockOthers))
	u := w.roster("alice").User
	if u.Prompt != im.AddSilent || u.Policy != im.BlockOthers || u.Version != 3 {
		t.Errorf("user: %+v", u)
	}
}
