package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestWhatIsImportedIsWhatWouldHaveBeenMade(t *testing.T) {
	ctx := context.Background()
	one := newWorld(t, "alice", "bob", "carol")
	one.must(addAs("alice", fl, "bob", none, "Bobby"), add("alice", al, "bob", none),
		addAs("alice", bl, "carol", none, ""), addAs("carol", fl, "alice", none, "A 50%"))

	other := &world{t: t, s: openNew(t), people: one.people, ids: one.ids}
	var told []int
	done := func(n int) { told = append(told, n) }
	err := other.s.ImportUsers(ctx, slices.Values([]store.NewUser{
		{Handle: "Alice@example.com", Name: "alice", PasswordHash: "hash of alice"},
		{Handle: "bob@example.com", Name: "bob", PasswordHash: "hash of bob"},
		{Handle: "carol@example.com", Name: "carol", PasswordHash: "hash of carol"},
	}), done)
	if err != nil {
		t.Fatal(err)
	}
	err = other.s.ImportContacts(ctx, slices.Values([]store.NewContact{
		{Owner: "alice@example.com", Peer: "bob@example.com", Lists: fl | al, Name: "Bobby"},
		{Owner: "alice@example.com", Peer: "Carol@example.com", Lists: bl},
		{Owner: "carol@example.com", Peer: "alice@example.com", Lists: fl, Name: "A 50%"},
	}), done)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{3, 3}, told); diff != "" {
		t.Errorf("told: %s", diff)
	}
	want, got := one.rosters(), other.rosters()
	opt := cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Version" || p.Last().String() == ".Created"
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, opt); diff != "" {
		t.Error(diff)
	}
	if u, err := other.s.CreateUser(ctx, "dave@example.com", "", ""); err != nil || u.ID != 4 {
		t.Errorf("the next account has id %d, %v", u.ID, err)
	}
}

func TestAnImportNamesWhatItRefuses(t *testing.T) {
	contact := func(peer string, lists im.List, group int) func(*store.Store) error {
		return func(s *store.Store) error {
			return s.ImportContacts(context.Background(), slices.Values([]store.NewContact{
				{Owner: handleOf("alice"), Peer: handleOf("carol"), Lists: fl},
				{Owner: handleOf("alice"), Peer: handleOf(peer), Lists: lists, Group: group},
			}), nil)
		}
	}
	user := func(handle string) func(*store.Store) error {
		return func(s *store.Store) error {
			return s.ImportUsers(context.Background(), slices.Values([]store.NewUser{{Handle: "new@example.com"}, {Handle: handle}}), nil)
		}
	}
	for _, test := range []struct {
		name  string
		do    func(*store.Store) error
		names string
		want  error // nil: any
	}{
		{"an account that exists", user("BOB@example.com"), "bob@example.com", im.ErrHandleTaken},
		{"a handle that is none", user("nobody"), "nobody", im.ErrBadHandle},
		{"a contact who does not exist", contact("nobody", fl, 0), "nobody@example.com", im.ErrNoUser},
		{"a contact who is there", contact("bob", al, 0), "bob@example.com", im.ErrAlreadyListed},
		{"a contact twice", contact("carol", al, 0), "carol@example.com", im.ErrAlreadyListed},
		{"both allowed and blocked", contact("dave", al|bl, 0), "dave@example.com", im.ErrOpposite},
		{"a group that is not", contact("dave", fl, 3), "dave@example.com", im.ErrNoGroup},
		{"a group that cannot be", contact("dave", fl, -1), "dave@example.com", im.ErrNoGroup},
		{"no list", contact("dave", 0, 0), "dave@example.com", nil},
		{"the reverse list", contact("dave", rl, 0), "dave@example.com", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol", "dave")
			w.must(add("alice", fl, "bob", none))
			before := w.rosters()
			err := test.do(w.s)
			if err == nil || !strings.Contains(err.Error(), test.names) || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, w.rosters()); diff != "" {
				t.Errorf("changed all the same:\n%s", diff)
			}
			if _, err := w.s.User(context.Background(), "new@example.com"); !errors.Is(err, im.ErrNoUser) {
				t.Errorf("half a batch is there: %v", err)
			}
		})
	}
}

// Many at once are refused like one, and named.
func TestAmongManyImportedTheOneThatIsRefusedIsNamed(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		first []store.NewContact // that are there, in an import of their own
		twice int                // who comes twice in the one that is refused, or 0
	}{
		{"who is there", []store.NewContact{{Owner: "user00001@example.com", Peer: "user00077@example.com", Lists: fl}}, 0},
		{"who comes twice", nil, 77},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openNew(t)
			if err := s.ImportUsers(ctx, numbered(300), nil); err != nil {
				t.Fatal(err)
			}
			if err := s.ImportContacts(ctx, slices.Values(c.first), nil); err != nil {
				t.Fatal(err)
			}
			all := func(yield func(store.NewContact) bool) {
				for i := 2; i <= 300; i++ {
					n := store.NewContact{Owner: "user00001@example.com", Peer: fmt.Sprintf("user%05d@example.com", i), Lists: fl | al}
					if !yield(n) || i == c.twice && !yield(n) {
						return
					}
				}
			}
			err := s.ImportContacts(ctx, all, nil)
			if !errors.Is(err, im.ErrAlreadyListed) || !strings.Contains(err.Error(), "user00077@example.com for user00001@example.com") {
				t.Error(err)
			}
		})
	}
}

func TestAnImportKeepsANameThatWasRememberedOnlyUntilThereIsAnother(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(add("bob", fl, "alice", none), rea("alice", "bob", "remembered"))
	err := w.s.ImportContacts(context.Background(), slices.Values([]store.NewContact{
		{Owner: handleOf("alice"), Peer: handleOf("bob"), Lists: fl},
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := w.contact("alice", "bob"); c == nil || c.Lists != fl|rl || c.Stored != handleOf("bob") {
		t.Errorf("got %+v", c)
	}
}

func TestAnImportGoesOnInPieces(t *testing.T) {
	s := openNew(t)
	const n = 5001
	var told []int
	if err := s.ImportUsers(context.Background(), numbered(n), func(n int) { told = append(told, n) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{5000, n}, told); diff != "" {
		t.Error(diff)
	}
	u, err := s.User(context.Background(), fmt.Sprintf("user%05d@example.com", n))
	if err != nil || u.ID != n {
		t.Errorf("got %+v, %v", u, err)
	}
}

func numbered(n int) iter.Seq[store.NewUser] {
	return func(yield func(store.NewUser) bool) {
		for i := 1; i <= n && yield(store.NewUser{Handle: fmt.Sprintf("user%05d@example.com", i), PasswordHash: "hash"}); i++ {
		}
	}
}

// ring lets each of n people have those next to him, each side half of contacts.
func ring(n, contacts int) iter.Seq[store.NewContact] {
	handle := func(i int) string { return fmt.Sprintf("user%05d@example.com", (i+n)%n+1) }
	return func(yield func(store.NewContact) bool) {
		for i := range n {
			for d := -contacts / 2; d <= contacts/2; d++ {
				if d != 0 && !yield(store.NewContact{Owner: handle(i), Peer: handle(i + d), Lists: fl | al, Name: "A Friend"}) {
					return
				}
			}
		}
	}
}

func BenchmarkImport(b *testing.B) {
	const people, contacts = 1000, 150
	for b.Loop() {
		s := openNew(b)
		if err := s.ImportUsers(context.Background(), numbered(people), nil); err != nil {
			b.Fatal(err)
		}
		if err := s.ImportContacts(context.Background(), ring(people, contacts), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(people*contacts), "ns/contact")
}
