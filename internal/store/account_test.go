package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestRoles(t *testing.T) {
	s := openNew(t)
	ctx := context.Background()
	u, err := s.CreateUser(ctx, "alice@example.com", "", "hash")
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []im.Role{im.Administrator, im.Moderator, im.NoRole} {
		if err := s.SetRole(ctx, u.ID, role); err != nil {
			t.Fatal(err)
		}
		if got, err := s.User(ctx, u.Handle); err != nil || got.Role != role {
			t.Errorf("the role is %q, %v; want %q", got.Role, err, role)
		}
	}
	if err := s.SetRole(ctx, u.ID, "emperor"); err == nil {
		t.Error("there is a role of emperor")
	}
	if err := s.SetRole(ctx, u.ID+1, im.Moderator); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("somebody who is not there: %v", err)
	}
}

func TestANewAccountHasTheDefaults(t *testing.T) {
	s := openNew(t)
	made, err := s.CreateUser(context.Background(), "Alice@Example.com", "Alice A", "hash")
	if err != nil {
		t.Fatal(err)
	}
	want := im.Roster{
		User: im.User{
			Person: im.Person{ID: made.ID, Handle: "alice@example.com", Name: "Alice A"}, PasswordHash: "hash",
			Credential: 1, Version: 1, Prompt: im.Ask, Policy: im.AllowOthers,
		},
		Groups: []im.Group{{Number: 0, Name: "Other Contacts"}},
	}
	got, err := s.Roster(context.Background(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	opt := cmp.Options{cmpopts.IgnoreFields(im.User{}, "Created"), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, got, opt); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(made, got.User); diff != "" {
		t.Errorf("what was told differs: %s", diff)
	}
	if made.ID <= 0 || made.Created == 0 {
		t.Errorf("id %d, created %d", made.ID, made.Created)
	}
}

func TestHandlesAreUniqueWhateverTheirCase(t *testing.T) {
	s := openNew(t)
	if _, err := s.CreateUser(context.Background(), "alice@example.com", "", "hash"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(context.Background(), "ALICE@example.com", "", "hash"); !errors.Is(err, im.ErrHandleTaken) {
		t.Errorf("made twice: %v", err)
	}
	if _, err := s.CreateUser(context.Background(), "alice", "", "hash"); !errors.Is(err, im.ErrBadHandle) {
		t.Errorf("made without a domain: %v", err)
	}
	u, err := s.User(context.Background(), "aLiCe@eXample.com")
	if err != nil || u.Name != "alice@example.com" {
		t.Errorf("got %+v, %v", u, err)
	}
	for _, handle := range []string{"bob@example.com", "", "alice", "alice@example.com "} {
		if _, err := s.User(context.Background(), handle); !errors.Is(err, im.ErrNoUser) {
			t.Errorf("%q: %v", handle, err)
		}
	}
}

func TestCredentialCountsWhatMakesTicketsWorthless(t *testing.T) {
	w := newWorld(t, "alice")
	id, ctx := w.ids["alice"], context.Background()
	tests := []struct {
		name       string
		do         func() error
		credential uint32
		hash       string
		disabled   bool
	}{
		{"a new password counts", func() error { return w.s.SetPassword(ctx, id, "new") }, 2, "new", false},
		{"a better hash does not", func() error { return w.s.UpgradeHash(ctx, id, "new", "better") }, 2, "better", false},
		{"a better hash of an old password is too late", func() error { return w.s.UpgradeHash(ctx, id, "new", "late") }, 2, "better", false},
		{"a lock-out counts", func() error { return w.s.SetDisabled(ctx, id, true) }, 3, "better", true},
		{"a second lock-out does not", func() error { return w.s.SetDisabled(ctx, id, true) }, 3, "better", true},
		{"the end of a lock-out does not", func() error { return w.s.SetDisabled(ctx, id, false) }, 3, "better", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.do(); err != nil {
				t.Fatal(err)
			}
			u, err := w.s.UserByID(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if u.Credential != test.credential || u.PasswordHash != test.hash || u.Disabled != test.disabled || u.Version != 1 {
				t.Errorf("got %+v", u)
			}
		})
	}
}

func TestNobodysAccountIsRefused(t *testing.T) {
	s, ctx := openNew(t), context.Background()
	const id = 12345
	_, byID := s.UserByID(ctx, id)
	_, roster := s.Roster(ctx, id)
	_, version := s.Version(ctx, id)
	_, group := s.AddGroup(ctx, id, "Work")
	_, _, property := s.SetProperty(ctx, id, "PHH", "1")
	_, name := s.Rename(ctx, id, "x")
	for what, err := range map[string]error{
		"UserByID": byID, "Roster": roster, "Version": version, "AddGroup": group, "SetProperty": property, "Rename": name,
		"SetPassword": s.SetPassword(ctx, id, "x"), "UpgradeHash": s.UpgradeHash(ctx, id, "x", "y"),
		"SetDisabled": s.SetDisabled(ctx, id, true), "DeleteUser": s.DeleteUser(ctx, id),
	} {
		if !errors.Is(err, im.ErrNoUser) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestUsersComeInPages(t *testing.T) {
	s := openNew(t)
	var want []string
	for i := range 7 {
		u, err := s.CreateUser(context.Background(), fmt.Sprintf("user%d@example.com", 6-i), "", "")
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{u.Handle}, want...)
	}
	var got []string
	after := ""
	for {
		page, err := s.Users(context.Background(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			got = append(got, u.Handle)
		}
		after = got[len(got)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADeletedHandleMayBeTakenAgain(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(adg("alice", "Work"), prp("alice", "PHH", "1"), add("alice", fl, "bob", 1), add("bob", fl, "alice", none), del("alice"))
	u, err := w.s.CreateUser(context.Background(), handleOf("alice"), "Alice", "hash")
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.s.Roster(context.Background(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Contacts) != 0 || len(r.Groups) != 1 || len(r.Properties) != 0 || r.User.Version != 1 {
		t.Errorf("roster: %+v", r)
	}
	added, err := w.s.Add(context.Background(), u.ID, store.Addition{List: fl, Handle: handleOf("bob"), Group: none})
	if err != nil || !added.First || added.Contact.Lists != fl {
		t.Errorf("added: %+v, %v", added, err)
	}
}

func TestIDsAreDenseAndNeverGivenTwice(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	ctx := context.Background()
	for i, name := range []string{"alice", "bob", "carol"} {
		if w.ids[name] != im.UserID(i+1) {
			t.Errorf("%s has id %d", name, w.ids[name])
		}
	}
	if _, err := w.s.CreateUser(ctx, handleOf("bob"), "", ""); !errors.Is(err, im.ErrHandleTaken) {
		t.Fatal(err)
	}
	w.must(del("carol"))
	if u, err := w.s.CreateUser(ctx, handleOf("dave"), "", ""); err != nil || u.ID != 4 {
		t.Errorf("after a refusal and the end of the last account: id %d, %v", u.ID, err)
	}
}
