package store_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"monarch/internal/im"
	"monarch/internal/store"
)

// carried is what an export has told.
type carried struct {
	Contacts int
	Accounts []store.Account
	AllLists []store.Lists
}

func (c *carried) Begin(accounts, contacts int) error {
	c.Contacts = contacts
	c.Accounts = make([]store.Account, 0, accounts)
	return nil
}
func (c *carried) Account(a store.Account) error { c.Accounts = append(c.Accounts, a); return nil }
func (c *carried) Lists(l store.Lists) error     { c.AllLists = append(c.AllLists, l); return nil }

func exported(t testing.TB, s *store.Store) carried {
	t.Helper()
	var c carried
	if err := s.Export(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// merge takes everything in, in batches of one.
func (c carried) merge(t testing.TB, s *store.Store, how store.Conflict) (accounts, lists store.Merged) {
	t.Helper()
	m, err := s.BeginMerge(context.Background(), how, true)
	if err != nil {
		t.Fatal(err)
	}
	add := func(sum *store.Merged, one store.Merged, err error) {
		if err != nil {
			t.Fatal(err)
		}
		sum.Made, sum.Replaced, sum.Kept = sum.Made+one.Made, sum.Replaced+one.Replaced, sum.Kept+one.Kept
	}
	for batch := range slices.Chunk(c.Accounts, 2) {
		one, err := m.Accounts(context.Background(), batch)
		add(&accounts, one, err)
	}
	for batch := range slices.Chunk(c.AllLists, 2) {
		one, err := m.Lists(context.Background(), batch)
		add(&lists, one, err)
	}
	if err := m.End(context.Background()); err != nil {
		t.Fatal(err)
	}
	return accounts, lists
}

// sameAccounts ignores what differs where an account was made at another time.
var sameAccounts = cmp.Options{cmpopts.IgnoreFields(store.Account{}, "Version"), cmpopts.EquateEmpty()}

func TestWhatIsExportedAndImportedIsTheSame(t *testing.T) {
	from, to := openNew(t), openNew(t)
	rapid.Check(t, func(r *rapid.T) {
		wipe(t, from, to)
		populate(r, from)
		first := exported(t, from)
		n := 0
		for _, l := range first.AllLists {
			n += len(l.People)
		}
		if n != first.Contacts {
			r.Fatalf("%d contacts were announced, %d came", first.Contacts, n)
		}
		if accounts, lists := first.merge(t, to, store.Refuse); accounts.Made != len(first.Accounts) || lists.Made != n {
			r.Fatalf("made %+v, %+v", accounts, lists)
		}
		if diff := cmp.Diff(first, exported(t, to), sameAccounts); diff != "" {
			r.Fatalf("imported: %s", diff)
		}
		// Again, as after an interruption, changes nothing.
		if accounts, lists := first.merge(t, to, store.Keep); accounts.Kept != len(first.Accounts) || lists.Made != 0 {
			r.Fatalf("made again %+v, %+v", accounts, lists)
		}
		first.merge(t, to, store.Replace)
		if diff := cmp.Diff(first, exported(t, to), sameAccounts); diff != "" {
			r.Fatalf("replaced: %s", diff)
		}
		for _, a := range first.Accounts {
			compareRosters(r, from, to, a.Handle)
		}
	})
}

// wipe removes what an earlier round has left.
func wipe(t testing.TB, stores ...*store.Store) {
	for _, s := range stores {
		users, err := s.Users(context.Background(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			if err := s.DeleteUser(context.Background(), u.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// populate makes people who know each other.
func populate(r *rapid.T, s *store.Store) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil && !errors.Is(err, im.ErrOpposite) && !errors.Is(err, im.ErrAlreadyListed) && !errors.Is(err, im.ErrSameMode) {
			r.Fatal(err)
		}
	}
	text := rapid.OneOf(rapid.String(), rapid.StringN(1, 5, 5), rapid.SampledFrom([]string{"\xff\x00", "50%", "=1", "a\r\nb", "♥"}))
	n := rapid.IntRange(1, 5).Draw(r, "people")
	var ids []im.UserID
	for i := range n {
		u, err := s.CreateUser(ctx, string(rune('a'+i))+"@example.com", text.Draw(r, "name"), rapid.SampledFrom([]string{"", "hash", "another"}).Draw(r, "hash"))
		must(err)
		ids = append(ids, u.ID)
	}
	for _, id := range ids {
		must(s.SetDisabled(ctx, id, rapid.Bool().Draw(r, "disabled")))
		must(s.SetRole(ctx, id, rapid.SampledFrom([]im.Role{im.NoRole, im.Moderator, im.Administrator}).Draw(r, "role")))
		_, err := s.SetPolicy(ctx, id, rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(r, "policy"))
		must(err)
		_, err = s.SetPrompt(ctx, id, rapid.SampledFrom([]im.Prompt{im.Ask, im.AddSilent}).Draw(r, "prompt"))
		must(err)
		_, _, err = s.SetProperty(ctx, id, rapid.SampledFrom([]string{"PHH", "MOB", "WWE"}).Draw(r, "type"), text.Draw(r, "value"))
		must(err)
		if rapid.Bool().Draw(r, "mailbox") {
			must(s.SetMailbox(ctx, id, "https://mail.example.com/"))
		}
		for range rapid.IntRange(0, 2).Draw(r, "groups") {
			_, err := s.AddGroup(ctx, id, text.Draw(r, "group"))
			must(err)
		}
		for range rapid.IntRange(0, 4).Draw(r, "contacts") {
			_, err := s.Add(ctx, id, store.Addition{
				List: someList.Draw(r, "list"), Handle: string(rune('a'+rapid.IntRange(0, n-1).Draw(r, "peer"))) + "@example.com",
				Name: text.Draw(r, "stored"), Group: 0,
			})
			must(err)
		}
	}
}

// compareRosters compares what somebody sees in two services.
func compareRosters(r *rapid.T, a, b *store.Store, handle string) {
	ctx := context.Background()
	var both [2]im.Roster
	for i, s := range []*store.Store{a, b} {
		u, err := s.User(ctx, handle)
		if err != nil {
			r.Fatal(err)
		}
		if both[i], err = s.Roster(ctx, u.ID); err != nil {
			r.Fatal(err)
		}
	}
	opts := cmp.Options{
		cmpopts.IgnoreFields(im.User{}, "Version", "Credential"), cmpopts.IgnoreFields(im.Person{}, "ID"),
		cmpopts.IgnoreFields(im.Contact{}, "ID"), cmpopts.EquateEmpty(),
	}
	if diff := cmp.Diff(both[0], both[1], opts); diff != "" {
		r.Fatalf("roster of %s: %s", handle, diff)
	}
}

// mergeWorld is a service, and what is to come into it.
func mergeWorld(t *testing.T) (*world, carried) {
	w := newWorld(t, "alice", "bob", "carol")
	w.must(addAs("alice", fl, "bob", none, "Bobby"), addAs("carol", fl, "alice", none, "A"), add("bob", bl, "alice", none))
	name, hash, other := "Alice of elsewhere", "another hash", im.BlockOthers
	return w, carried{
		Accounts: []store.Account{
			{Handle: "Alice@example.com", Name: &name, PasswordHash: &hash, Policy: &other, Version: 500, Groups: []im.Group{{Number: 0, Name: "All"}, {Number: 7, Name: "Work"}}},
			{Handle: "dave@example.com"},
		},
		AllLists: []store.Lists{{Owner: "alice@example.com", People: []store.Entry{
			{Handle: "dave@example.com", Name: "D", Lists: fl | al, Groups: []int{7, 9}},
			{Handle: "CAROL@example.com", Lists: fl, Groups: []int{9}},
			{Handle: "carol@example.com", Lists: bl},
			{Handle: "nobody@example.com", Lists: fl},
		}}},
	}
}

func TestWhatAnImportDoesToAccountsThatAreThere(t *testing.T) {
	ctx := context.Background()
	t.Run("they are refused", func(t *testing.T) {
		w, c := mergeWorld(t)
		m, err := w.s.BeginMerge(ctx, store.Refuse, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Accounts(ctx, c.Accounts); !errors.Is(err, im.ErrHandleTaken) {
			t.Errorf("got %v", err)
		}
		if _, err := w.s.User(ctx, "dave@example.com"); !errors.Is(err, im.ErrNoUser) {
			t.Errorf("half a batch is there: %v", err)
		}
	})
	t.Run("they are kept", func(t *testing.T) {
		w, c := mergeWorld(t)
		before := w.roster("alice")
		if accounts, lists := c.merge(t, w.s, store.Keep); accounts.Made != 1 || accounts.Kept != 1 || lists.Kept != 1 || lists.Made != 0 {
			t.Errorf("made %+v, %+v", accounts, lists)
		}
		if diff := cmp.Diff(before, w.roster("alice")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("they are replaced", func(t *testing.T) {
		w, c := mergeWorld(t)
		bob, carol := w.roster("bob").User.Version, w.roster("carol").User.Version
		credential := w.roster("alice").User.Credential
		if accounts, lists := c.merge(t, w.s, store.Replace); accounts.Made != 1 || accounts.Replaced != 1 || lists.Made != 2 {
			t.Errorf("made %+v, %+v", accounts, lists)
		}
		r := w.roster("alice")
		if r.User.Name != "Alice of elsewhere" || r.User.Policy != im.BlockOthers || r.User.Prompt != im.Ask || r.User.PasswordHash != "another hash" {
			t.Errorf("the account is %+v", r.User)
		}
		if r.User.Credential != credential+1 || r.User.Version <= 500 {
			t.Errorf("credential %d, version %d", r.User.Credential, r.User.Version)
		}
		if diff := cmp.Diff([]im.Group{{Number: 0, Name: "All"}, {Number: 7, Name: "Work"}}, r.Groups); diff != "" {
			t.Error(diff)
		}
		if w.contact("alice", "bob") != nil {
			t.Error("bob is still there")
		}
		if c := w.contact("alice", "carol"); c == nil || c.Lists != fl|rl || !slices.Equal(c.Groups, []int{0}) || c.Stored != "carol@example.com" {
			t.Errorf("carol is %+v", c)
		}
		if now := w.roster("bob").User.Version; now <= bob {
			t.Errorf("bob's version is still %d", now)
		}
		if now := w.roster("carol").User.Version; now <= carol {
			t.Errorf("carol's version is still %d", now)
		}
	})
}

// An import that is killed leaves a database on SQLite without an index, which comes with the next opening.
func TestWhatAKilledImportLeavesInSQLiteIsCompleted(t *testing.T) {
	url := store.NewDatabase(t)
	has := func() bool {
		db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.QueryRow(`SELECT COUNT(*) FROM sqlite_master WHERE name = 'contact_of_peer'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	for _, open := range []bool{true, false} {
		s, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if !has() {
			t.Error("it has no index")
		}
		if open {
			if _, err := s.BeginMerge(t.Context(), store.Keep, true); err != nil || has() {
				t.Errorf("there is an index meanwhile, %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
