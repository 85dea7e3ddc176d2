package store_test

import (
	"context"
	"testing"

	"monarch/internal/im"
	"monarch/internal/store"
)

// openNew opens a store on a new database.
func openNew(t testing.TB) *store.Store {
	t.Helper()
	return open(t, store.NewDatabase(t))
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// world is a store with some people, who are called by their first names.
type world struct {
	t      testing.TB
	s      *store.Store
	people []string
	ids    map[string]im.UserID
}

func newWorld(t testing.TB, people ...string) *world {
	t.Helper()
	w := &world{t: t, s: openNew(t), people: people, ids: make(map[string]im.UserID)}
	for _, name := range people {
		u, err := w.s.CreateUser(context.Background(), handleOf(name), name, "hash of "+name)
		if err != nil {
			t.Fatal(err)
		}
		w.ids[name] = u.ID
	}
	return w
}

func handleOf(name string) string { return name + "@example.com" }

// must runs steps that are expected to succeed.
func (w *world) must(ops ...op) {
	w.t.Helper()
	for _, o := range ops {
		if err := o(w); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) roster(name string) im.Roster {
	w.t.Helper()
	r, err := w.s.Roster(context.Background(), w.ids[name])
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) rosters() map[string]im.Roster {
	w.t.Helper()
	all := make(map[string]im.Roster)
	for _, name := range w.people {
		all[name] = w.roster(name)
	}
	return all
}

// contact returns peer as he stands on owner's lists, or nil.
func (w *world) contact(owner, peer string) *im.Contact {
	w.t.Helper()
	r := w.roster(owner)
	for i := range r.Contacts {
		if r.Contacts[i].ID == w.ids[peer] {
			return &r.Contacts[i]
		}
	}
	return nil
}

// op is one step of a test.
type op func(w *world) error

const none = -1 // no group named

func add(owner string, list im.List, peer string, group int) op {
	return addAs(owner, list, peer, group, "Dear "+peer)
}

func addAs(owner string, list im.List, peer string, group int, name string) op {
	return func(w *world) error {
		_, err := w.s.Add(context.Background(), w.ids[owner],
			store.Addition{List: list, Handle: handleOf(peer), Name: name, Group: group, Limit: 3})
		return err
	}
}

func rem(owner string, list im.List, peer string, group int) op {
	return func(w *world) error {
		_, err := w.s.Remove(context.Background(), w.ids[owner],
			store.Removal{List: list, Handle: handleOf(peer), Group: group})
		return err
	}
}

func rea(owner, peer, name string) op {
	return func(w *world) error {
		_, err := w.s.NameContact(context.Background(), w.ids[owner], handleOf(peer), name)
		return err
	}
}

func rename(who, name string) op {
	return func(w *world) error {
		_, err := w.s.Rename(context.Background(), w.ids[who], name)
		return err
	}
}

func adg(owner, name string) op {
	return func(w *world) error {
		_, err := w.s.AddGroup(context.Background(), w.ids[owner], name)
		return err
	}
}

func reg(owner string, number int, name string) op {
	return func(w *world) error {
		_, err := w.s.RenameGroup(context.Background(), w.ids[owner], number, name)
		return err
	}
}

func rmg(owner string, number int) op {
	return func(w *world) error {
		_, _, err := w.s.RemoveGroup(context.Background(), w.ids[owner], number)
		return err
	}
}

func gtc(owner string, p im.Prompt) op {
	return func(w *world) error {
		_, err := w.s.SetPrompt(context.Background(), w.ids[owner], p)
		return err
	}
}

func blp(owner string, p im.Policy) op {
	return func(w *world) error {
		_, err := w.s.SetPolicy(context.Background(), w.ids[owner], p)
		return err
	}
}

func prp(owner, typ, value string) op {
	return func(w *world) error {
		_, _, err := w.s.SetProperty(context.Background(), w.ids[owner], typ, value)
		return err
	}
}

func del(who string) op {
	return func(w *world) error {
		err := w.s.DeleteUser(context.Background(), w.ids[who])
		if err == nil {
			w.people = without(w.people, who)
		}
		return err
	}
}

func without(list []string, who string) []string {
	var rest []string
	for _, name := range list {
		if name != who {
			rest = append(rest, name)
		}
	}
	return rest
}
