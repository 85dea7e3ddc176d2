package store_test

import (
	"context"
	"slices"
	"testing"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestAccountsAreFound(t *testing.T) {
	s := openNew(t)
	ctx := context.Background()
	for handle, name := range map[string]string{
		"bob@example.com": "Bob (gone fishing)", "alice@example.com": "Alice 100%", "alice2@example.com": "A_B", "carol@example.org": "Caról",
	} {
		if _, err := s.CreateUser(ctx, handle, name, "hash"); err != nil {
			t.Fatal(err)
		}
	}
	bob, err := s.User(ctx, "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRole(ctx, bob.ID, im.Moderator); err != nil {
		t.Fatal(err)
	}
	if err := s.SetDisabled(ctx, bob.ID, true); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    store.Search
		want []string
	}{
		"everybody":                    {store.Search{}, []string{"alice2@example.com", "alice@example.com", "bob@example.com", "carol@example.org"}},
		"as many as are wanted":        {store.Search{AtMost: 1}, []string{"alice2@example.com"}},
		"behind somebody":              {store.Search{After: "alice@example.com"}, []string{"bob@example.com", "carol@example.org"}},
		"by the beginning of a handle": {store.Search{Begins: "ALICE"}, []string{"alice2@example.com", "alice@example.com"}},
		"by a part of a name":          {store.Search{Name: "GONE f"}, []string{"bob@example.com"}},
		"by a name with an accent":     {store.Search{Name: "aról"}, []string{"carol@example.org"}},
		"by a sign of patterns":        {store.Search{Name: "0%"}, []string{"alice@example.com"}},
		"by another":                   {store.Search{Name: "_"}, []string{"alice2@example.com"}},
		"those with a role":            {store.Search{Roles: true}, []string{"bob@example.com"}},
		"those who are locked out":     {store.Search{Locked: true, Begins: "b"}, []string{"bob@example.com"}},
		"nobody":                       {store.Search{Begins: "b", Name: "alice"}, nil},
	} {
		if c.q.AtMost == 0 {
			c.q.AtMost = 10
		}
		found, err := s.FindUsers(ctx, c.q)
		var got []string
		for _, u := range found {
			got = append(got, u.Handle)
		}
		slices.Sort(got) // databases differ in where signs stand
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}
