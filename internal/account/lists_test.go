package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"monarch/internal/account"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/ns"
)

// What clients see of these changes is in testdata/scenarios/S55-website.txt of server.

// lists returns whom somebody has on a list.
func (w *world) lists(u im.User, list im.List) []string {
	w.t.Helper()
	r, err := w.Store.Roster(w.t.Context(), u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, c := range r.Contacts {
		if c.Lists&list != 0 {
			names = append(names, strings.TrimSuffix(c.Handle, "@example.com"))
		}
	}
	return names
}

func TestListsAreChanged(t *testing.T) {
	const bob, carol = "bob@example.com", "Carol@example.com"
	type lists struct{ forward, allow, block []string }
	for name, c := range map[string]struct {
		do   func(ctx context.Context, w *world, u im.User) error
		err  error
		want lists
	}{
		"a contact": {func(ctx context.Context, w *world, u im.User) error {
			return w.AddContact(ctx, u, account.Addition{Email: carol, Name: "C", Group: -1})
		}, nil, lists{forward: []string{"carol"}}},
		"the same twice": {func(ctx context.Context, w *world, u im.User) error {
			a := account.Addition{Email: carol}
			return errors.Join(w.AddContact(ctx, u, a), w.AddContact(ctx, u, a))
		}, nil, lists{forward: []string{"carol"}}},
		"and off again": {func(ctx context.Context, w *world, u im.User) error {
			return errors.Join(w.AddContact(ctx, u, account.Addition{Email: carol}), w.RemoveContact(ctx, u, carol), w.RemoveContact(ctx, u, carol))
		}, nil, lists{}},
		"nobody": {func(ctx context.Context, w *world, u im.User) error {
			return w.AddContact(ctx, u, account.Addition{Email: "nobody@example.com"})
		}, im.ErrNoUser, lists{}},
		"no address": {func(ctx context.Context, w *world, u im.User) error {
			return w.AddContact(ctx, u, account.Addition{Email: "carol"})
		}, account.ErrBadEmail, lists{}},
		"a long name": {func(ctx context.Context, w *world, u im.User) error {
			return w.AddContact(ctx, u, account.Addition{Email: carol, Name: strings.Repeat("x", 400)})
		}, account.ErrBadName, lists{}},
		"a group that is not there": {func(ctx context.Context, w *world, u im.User) error {
			return w.AddContact(ctx, u, account.Addition{Email: carol, Group: 7})
		}, im.ErrNoGroup, lists{}},
		"a block":  {func(ctx context.Context, w *world, u im.User) error { return w.Block(ctx, u, bob) }, nil, lists{block: []string{"bob"}}},
		"allowing": {func(ctx context.Context, w *world, u im.User) error { return w.Allow(ctx, u, bob) }, nil, lists{allow: []string{"bob"}}},
		"a block of who was allowed": {func(ctx context.Context, w *world, u im.User) error {
			return errors.Join(w.Allow(ctx, u, bob), w.Block(ctx, u, bob), w.Block(ctx, u, bob))
		}, nil, lists{block: []string{"bob"}}},
		"the end of a block": {func(ctx context.Context, w *world, u im.User) error {
			return errors.Join(w.Block(ctx, u, bob), w.Unblock(ctx, u, bob), w.Unblock(ctx, u, carol))
		}, nil, lists{allow: []string{"bob"}}},
		"no decision": {func(ctx context.Context, w *world, u im.User) error {
			return errors.Join(w.Block(ctx, u, bob), w.Allow(ctx, u, carol), w.Undecide(ctx, u, bob), w.Undecide(ctx, u, carol), w.Undecide(ctx, u, carol))
		}, nil, lists{}},
		"a block of nobody": {func(ctx context.Context, w *world, u im.User) error { return w.Block(ctx, u, "nobody@example.com") }, im.ErrNoUser, lists{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			u := w.add("alice")
			w.add("bob")
			w.add("carol")
			if err := c.do(t.Context(), w, u); !errors.Is(err, c.err) {
				t.Error(err)
			}
			for list, want := range map[im.List][]string{im.Forward: c.want.forward, im.Allow: c.want.allow, im.Block: c.want.block} {
				if got := w.lists(u, list); !slices.Equal(got, want) {
					t.Errorf("%s has %q, want %q", list, got, want)
				}
			}
		})
	}
}

func TestGroupsAndSettings(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u := w.add("alice")
	w.add("bob")
	err := errors.Join(
		w.AddGroup(ctx, u, "Work"), w.AddGroup(ctx, u, "Work"),
		w.AddContact(ctx, u, account.Addition{Email: "bob@example.com", Group: 1}),
		w.RenameGroup(ctx, u, 1, "Office"),
		w.MoveContact(ctx, u, "bob@example.com", 1, 0), w.MoveContact(ctx, u, "bob@example.com", 0, 1),
		w.NameContact(ctx, u, "bob@example.com", "Bobby"),
		w.SetPolicy(ctx, u, im.BlockOthers), w.SetPolicy(ctx, u, im.BlockOthers),
		w.SetPrompt(ctx, u, im.AddSilent), w.SetPrompt(ctx, u, im.AddSilent),
	)
	r, err2 := w.Store.Roster(ctx, u.ID)
	if err != nil || err2 != nil || r.User.Policy != im.BlockOthers || r.User.Prompt != im.AddSilent || len(r.Groups) != 2 || r.Groups[1].Name != "Office" ||
		r.Contacts[0].Stored != "Bobby" || !slices.Equal(r.Contacts[0].Groups, []int{1}) {
		t.Errorf("%+v, %v", r, errors.Join(err, err2))
	}
	if err := w.RemoveGroup(ctx, u, 1); err != nil || !slices.Equal(w.lists(u, im.Forward), []string{"bob"}) {
		t.Errorf("without the group %q, %v", w.lists(u, im.Forward), err)
	}
	for name, c := range map[string]struct{ got, want error }{
		"a group without a name":      {w.AddGroup(ctx, u, ""), account.ErrBadGroup},
		"a group with a long one":     {w.RenameGroup(ctx, u, 0, strings.Repeat("x", 62)), account.ErrBadGroup},
		"removing the first group":    {w.RemoveGroup(ctx, u, 0), im.ErrGroupZero},
		"removing none":               {w.RemoveGroup(ctx, u, 1), im.ErrNoGroup},
		"moving nobody":               {w.MoveContact(ctx, u, "carol@example.com", 0, 1), im.ErrNotListed},
		"naming nobody":               {w.NameContact(ctx, u, "carol@example.com", "C"), im.ErrNotListed},
		"naming somebody nothing":     {w.NameContact(ctx, u, "bob@example.com", ""), account.ErrBadName},
		"a policy there is not":       {w.SetPolicy(ctx, u, "X"), im.ErrUnknownSetting},
		"a prompt there is not":       {w.SetPrompt(ctx, u, "X"), im.ErrUnknownSetting},
		"a name that clients refuse":  {w.RenameOwn(ctx, u, ""), account.ErrBadName},
		"a name that is one":          {w.RenameOwn(ctx, u, "Al"), nil},
		"a group of no other's name?": {w.RenameGroup(ctx, u, 0, "Friends"), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

// notified gives the service a notification server, of which nobody takes more than a contact.
func (w *world) notified() {
	n := ns.New(ns.Config{
		Store: w.Store, Hub: w.Hub, Clock: w.Clock, Log: w.Log,
		Limits: ns.Limits{MaxContacts: 1, ForbiddenNames: []string{"staff"}},
	})
	w.t.Cleanup(n.Close)
	w.Messenger = n
}

func TestTheSessionOrElseTheContactIsTold(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.notified()
	u := w.add("alice")
	bobSession := w.signIn(w.add("bob"))
	w.add("carol")
	bob := account.Addition{Email: "bob@example.com"}
	if err := errors.Join(w.AddContact(ctx, u, bob), w.Block(ctx, u, "bob@example.com"), w.RemoveContact(ctx, u, "bob@example.com")); err != nil {
		t.Fatal(err)
	}
	var told []hub.Listing
	for _, ev := range bobSession.heard {
		if hidden, ok := ev.(hub.PrivacyChanged); ok && hidden.Who == u.Person && !hidden.Allowed {
			continue
		}
		listed, _ := ev.(hub.ListedBy)
		if listed.Who != u.Person || listed.Version == 0 {
			t.Errorf("bob heard %+v", ev)
		}
		told = append(told, listed.How)
	}
	if want := []hub.Listing{hub.Added, hub.Removed}; !slices.Equal(told, want) {
		t.Errorf("bob heard %v, want %v", told, want)
	}
	s := w.signIn(u)
	err := errors.Join(w.AddContact(ctx, u, bob), w.Unblock(ctx, u, "bob@example.com"), w.SetPolicy(ctx, u, im.BlockOthers), w.RemoveContact(ctx, u, "BOB@example.com"))
	s.heard = slices.DeleteFunc(s.heard, func(ev hub.Event) bool { return ev == hub.Changing{} || ev == hub.Changing{Over: true} })
	if err != nil || len(bobSession.heard) != 3 || len(s.heard) != 5 {
		t.Fatalf("%v, bob heard %v, the session %v", err, bobSession.heard, s.heard)
	}
	first, _ := s.heard[0].(hub.Enlisted)
	if first.List != im.Forward || !first.First || first.Contact.Handle != "bob@example.com" || first.Version == 0 || first.PeerVersion == 0 {
		t.Errorf("the session heard %+v", first)
	}
	if last, _ := s.heard[4].(hub.Delisted); last.List != im.Forward || last.Handle != "bob@example.com" || last.Version <= first.Version {
		t.Errorf("the session heard %+v", last)
	}
	if err := w.AddContact(ctx, u, bob); err != nil {
		t.Error(err)
	}
	if err := w.AddContact(ctx, u, account.Addition{Email: "carol@example.com"}); !errors.Is(err, im.ErrListFull) {
		t.Errorf("beyond the limit: %v", err)
	}
	if err := w.RenameOwn(ctx, u, "The Staff"); !errors.Is(err, im.ErrNameRefused) {
		t.Errorf("a forbidden name: %v", err)
	}
}
