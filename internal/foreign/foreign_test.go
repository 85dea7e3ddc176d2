package foreign_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/foreign"
	"monarch/internal/im"
	"monarch/internal/pgtest"
	"monarch/internal/store"
	"monarch/internal/transfer"
)

const (
	pbkdf2 = "pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI="
	md5    = "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="
	argon  = "$argon2id$v=19$m=19456,t=2,p=1$jYe8DuQLcFw5mNhWw1BdPw$nowiqHA6t8WFNqDeA8q+sJyt1z613xIxmabr8OQUztk"
)

// sqlite makes a database of a schema in testdata.
func sqlite(t *testing.T, schema string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "their.sqlite")
	execute(t, "sqlite", path, schema, "DATETIME", "DATETIME", "JSON", "TEXT", "TRUE", "1", "FALSE", "0")
	return path
}

// postgres makes one, as SQLAlchemy makes it there.
func postgres(t *testing.T, server *pgtest.Server, schema string) string {
	t.Helper()
	name, err := server.Create("")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, "pgx", server.URL(name), schema, "DATETIME", "TIMESTAMP WITHOUT TIME ZONE", "JSON", "JSON", "TRUE", "true", "FALSE", "false")
	return server.URL(name)
}

func execute(t *testing.T, driver, source, schema string, types ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", schema+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(types); i += 2 {
		text = bytes.ReplaceAll(text, []byte("{"+types[i]+"}"), []byte(types[i+1]))
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
}

// world is what a service has.
type world struct {
	Accounts []store.Account
	AllLists []store.Lists
}

func (w *world) Begin(int, int) error          { return nil }
func (w *world) Account(a store.Account) error { w.Accounts = append(w.Accounts, a); return nil }
func (w *world) Lists(l store.Lists) error     { w.AllLists = append(w.AllLists, l); return nil }

// imported takes a database in and returns what is there then, and what was found.
func imported(t *testing.T, kind foreign.Kind, where string) (world, transfer.Summary, string) {
	t.Helper()
	ctx := context.Background()
	d, err := foreign.Open(ctx, kind, where)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, d)
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "monarch.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	var findings bytes.Buffer
	i := &transfer.Importer{Source: d, Store: s, Partial: true, Findings: &findings}
	sum, err := i.Import(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if done, total := d.Position(); done == 0 || done > 2*total {
		t.Errorf("read %d rows of %d", done, total)
	}
	var w world
	if err := s.Export(ctx, &w); err != nil {
		t.Fatal(err)
	}
	return w, sum, findings.String()
}

func closed(t *testing.T, c io.Closer) {
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func ptr[T any](v T) *T { return &v }

var other = im.Group{Number: 0, Name: "Other Contacts"}

// ofEscargot are the people in Escargot's databases, but for one whose address is none.
var ofEscargot = world{
	Accounts: []store.Account{
		{
			Handle: "alice@example.com", Name: ptr("Alice ♥"), PasswordHash: ptr(pbkdf2), Prompt: ptr(im.AddSilent), Policy: ptr(im.BlockOthers),
			Properties: []im.Property{{Type: "MOB", Value: "Y"}, {Type: "PHH", Value: "555 1234"}},
			Groups:     []im.Group{other, {Number: 1, Name: "Friends"}, {Number: 2, Name: "Work"}},
		},
		{Handle: "bob@example.com", Name: ptr("bob"), PasswordHash: ptr(md5), Prompt: ptr(im.Ask), Policy: ptr(im.AllowOthers), Groups: []im.Group{other}},
		{Handle: "carol@example.com", Name: ptr("Carol"), PasswordHash: ptr(""), Prompt: ptr(im.Ask), Policy: ptr(im.AllowOthers), Groups: []im.Group{other}},
	},
	AllLists: []store.Lists{
		{Owner: "alice@example.com", People: []store.Entry{
			{Handle: "bob@example.com", Name: "Bobby", Lists: im.Forward | im.Allow, Groups: []int{1, 2}},
			{Handle: "carol@example.com", Name: "Carol", Lists: im.Block},
		}},
		{Owner: "bob@example.com", People: []store.Entry{{Handle: "alice@example.com", Name: "Alice", Lists: im.Forward | im.Allow, Groups: []int{0}}}},
	},
}

var ignored = cmp.Options{cmpopts.IgnoreFields(store.Account{}, "Version", "Created", "Disabled", "LockReason", "LockedUntil", "Role"), cmpopts.EquateEmpty()}

func TestEscargotsDatabases(t *testing.T) {
	server := pgtest.Start(t)
	for _, schema := range []string{"escargot-2021", "escargot-2019", "escargot-2017"} {
		for _, where := range []string{sqlite(t, schema), postgres(t, server, schema)} {
			name := schema + " in SQLite"
			if store.IsPostgres(where) {
				name = schema + " in PostgreSQL"
			}
			t.Run(name, func(t *testing.T) {
				w, sum, findings := imported(t, foreign.Escargot, where)
				if diff := cmp.Diff(ofEscargot, w, ignored); diff != "" {
					t.Error(diff)
				}
				if schema == "escargot-2021" && *w.Accounts[0].Created != 1556714096 {
					t.Errorf("made at %d", *w.Accounts[0].Created)
				}
				for _, want := range []string{
					`t_user id 4, address: "not an address" is not like`, "t_user id 3, password: carol@example.com has none", `contacts of t_user id 3, contact: "u-gone" is no account`,
					`contacts of t_user id 3, contact not an address: that is not like`, "contact carol@example.com: on both AL and BL; now on BL",
				} {
					if !strings.Contains(findings, want) {
						t.Errorf("not found: %s\nbut: %s", want, findings)
					}
				}
				if sum.New != 3 || sum.NoPassword != 1 || sum.Wrong != 2 {
					t.Errorf("got %+v", sum)
				}
			})
		}
	}
}

func TestADumpOfR2M(t *testing.T) {
	w, sum, findings := imported(t, foreign.R2M, filepath.Join("testdata", "r2m.sql"))
	want := world{
		Accounts: []store.Account{
			{
				Handle: "alice@example.com", Name: ptr("Alice & co"), PasswordHash: ptr(argon), Prompt: ptr(im.Ask), Policy: ptr(im.AllowOthers),
				Groups: []im.Group{other, {Number: 1, Name: "Friends"}, {Number: 2, Name: "Work ♥"}},
			},
			{Handle: "bob@example.com", Name: ptr("bob"), PasswordHash: ptr(""), Prompt: ptr(im.AddSilent), Policy: ptr(im.BlockOthers), Groups: []im.Group{other}},
			{Handle: "carol@example.com", Name: ptr(`it's "C"\arol`), PasswordHash: ptr(""), Prompt: ptr(im.Ask), Policy: ptr(im.AllowOthers), Groups: []im.Group{other}},
		},
		AllLists: []store.Lists{
			{Owner: "alice@example.com", People: []store.Entry{
				{Handle: "bob@example.com", Name: "Bob the Builder", Lists: im.Forward | im.Allow, Groups: []int{1, 2}},
				{Handle: "carol@example.com", Name: "carol@example.com", Lists: im.Block},
			}},
			{Owner: "bob@example.com", People: []store.Entry{{Handle: "alice@example.com", Name: "alice@example.com", Lists: im.Forward | im.Block, Groups: []int{0}}}},
		},
	}
	if diff := cmp.Diff(want, w, ignored); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{`users id 4, address: "no address"`, "users id 2, password: bob@example.com has none", `contact: "99" is no account of R2M`, "on both AL and BL"} {
		if !strings.Contains(findings, want) {
			t.Errorf("not found: %s\nbut: %s", want, findings)
		}
	}
	if sum.New != 3 || sum.NoPassword != 2 || sum.Wrong != 1 {
		t.Errorf("got %+v", sum)
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(content string) string {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ name, where, want string }{
		{"MySQL by its url", "mysql://user:secret@localhost/r2m", "mariadb-dump"},
		{"no file", filepath.Join(dir, "absent"), "no such file"},
		{"another database", sqlite(t, "escargot-2021"), "has not the tables of r2m"},
		{"a text", write("Dear diary;\nit's raining"), "line 1: a text begins here and does not end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := foreign.Open(t.Context(), foreign.R2M, c.where)
			if err == nil {
				err = errors.Join(errors.New("it was opened"), d.Close())
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}
