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

// crowd makes somebody with n contacts, and returns his id. Every tenth has him too, and a
// telephone number.
func crowd(t testing.TB, s *store.Store, n int) im.UserID {
	t.Helper()
	ctx := context.Background()
	me, err := s.CreateUser(ctx, "me@example.com", "Me", "hash")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		u, err := s.CreateUser(ctx, fmt.Sprintf("friend%d@example.com", i), fmt.Sprint("Friend ", i), "hash")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Add(ctx, me.ID, store.Addition{List: fl, Handle: u.Handle, Name: u.Name, Group: none})
		if err != nil {
			t.Fatal(err)
		}
		if i%10 != 0 {
			continue
		}
		if _, err := s.Add(ctx, u.ID, store.Addition{List: fl, Handle: me.Handle, Name: "M", Group: none}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.SetProperty(ctx, u.ID, "PHH", "1 555"); err != nil {
			t.Fatal(err)
		}
	}
	return me.ID
}

func TestALargeRosterIsWholeAndInOrder(t *testing.T) {
	s := openNew(t)
	const n = 600
	id := crowd(t, s, n)
	r, err := s.Roster(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Contacts) != n {
		t.Fatalf("%d contacts", len(r.Contacts))
	}
	var mutual, numbers int
	for i, c := range r.Contacts {
		if i > 0 && c.ID <= r.Contacts[i-1].ID {
			t.Fatalf("contact %d out of order", i)
		}
		if c.Lists&fl == 0 || !c.AllowsUser {
			t.Fatalf("contact %+v", c)
		}
		mutual += int(c.Lists & rl / rl)
		numbers += len(c.Properties)
	}
	if mutual != n/10 || numbers != n/10 {
		t.Errorf("%d have him too, %d numbers", mutual, numbers)
	}
}

func BenchmarkRoster(b *testing.B) {
	for _, n := range []int{150, 600} {
		b.Run(fmt.Sprint(n, " contacts"), func(b *testing.B) {
			s := openNew(b)
			id := crowd(b, s, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Roster(context.Background(), id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUser(b *testing.B) {
	w := newWorld(b, "alice")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.s.User(context.Background(), handleOf("alice")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddRemove(b *testing.B) {
	w := newWorld(b, "alice", "bob")
	for b.Loop() {
		w.must(add("alice", fl, "bob", none), rem("alice", fl, "bob", none))
	}
}

func TestNamesAreThoseOfEverybodyInTheRoster(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	w.must(addAs("alice", fl, "bob", none, "Bobby"), add("carol", fl, "alice", none), add("dave", bl, "alice", none), rename("carol", "C 1"))
	got, err := w.s.Names(context.Background(), w.ids["alice"])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[im.UserID]string{w.ids["bob"]: "bob", w.ids["carol"]: "C 1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAContactIsAsTheRosterHasHim(t *testing.T) {
	w := newWorld(t, "alice", "bob", "dave")
	w.must(addAs("alice", fl, "bob", none, "Bobby"), add("alice", bl, "bob", none), add("bob", fl, "alice", none))
	bob, err := w.s.Contact(context.Background(), w.ids["alice"], w.ids["bob"])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*w.contact("alice", "bob"), bob); diff != "" {
		t.Error(diff)
	}
	if dave, err := w.s.Contact(context.Background(), w.ids["alice"], w.ids["dave"]); err != nil || dave.Lists != 0 {
		t.Errorf("somebody on no list: %+v, %v", dave, err)
	}
	if _, err := w.s.Contact(context.Background(), w.ids["alice"], -1); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("nobody: %v", err)
	}
}
