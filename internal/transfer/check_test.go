package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/store"
	"monarch/internal/transfer"
)

const head = `{"format":"monarch accounts","version":1}` + "\n"

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsWrongIsToldByLine(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"a field nobody knows", "a.jsonl", head + `{"account":"a@example.com","nick":"A"}`, "line 2, nick: there is no such field"},
		{"no JSON", "a.jsonl", head + "\n" + `{"account"`, "line 3: it is no line of JSON"},
		{"two objects in a line", "a.jsonl", head + `{"account":"a@example.com"} {}`, "more in the line"},
		{"a number for a name", "a.jsonl", head + `{"account":"a@example.com","name":7}`, "line 2, name: it cannot be a number"},
		{"neither of the two", "a.jsonl", head + `{"name":"A"}`, "neither"},
		{"no address", "a.jsonl", head + `{"account":"alice"}`, `line 2, address: "alice" is not like name@example.com`},
		{"an account twice", "a.jsonl", head + `{"account":"a@example.com"}` + "\n" + `{"account":"A@example.com"}`, "line 3, address: a@example.com is there twice"},
		{"a role nobody has", "a.jsonl", head + `{"account":"a@example.com","role":"king"}`, `role: "king" is none`},
		{"a hash nobody can check", "a.jsonl", head + `{"account":"a@example.com","password_hash":"$1$x$y"}`, "password_hash: of a form that is not known here; leave it out"},
		{"two passwords", "a.jsonl", head + `{"account":"a@example.com","password":"x","password_hash":"md5$s$AAAAAAAAAAAAAAAAAAAAAA=="}`, "leave one of them out"},
		{"a group twice", "a.jsonl", head + `{"account":"a@example.com","groups":[{"number":1,"name":"A"},{"number":1,"name":"B"}]}`, "group 1: it is there twice"},
		{"a group beyond", "a.jsonl", head + `{"account":"a@example.com","groups":[{"number":30,"name":"A"}]}`, "group 30: groups have the numbers 0 to 29"},
		{"a property nobody knows", "a.jsonl", head + `{"account":"a@example.com","properties":{"XXX":"1"}}`, `properties: "XXX" is none`},
		{"a mailbox nowhere", "a.jsonl", head + `{"account":"a@example.com","mailbox":{"url":"javascript:x"}}`, "no address of a web page"},
		{"an account after contacts", "a.jsonl", head + people + `{"account":"c@example.com"}`, "line 5, account: it comes after contacts"},
		{"a list nobody has", "a.jsonl", head + contacts(`{"account":"b@example.com","lists":["XL"]}`), `line 3, contacts[0].lists: "XL" is no list`},
		{"on no list", "a.jsonl", head + contacts(`{"account":"b@example.com","lists":[]}`), "contact b@example.com: on none"},
		{"both allowed and blocked", "a.jsonl", head + contacts(`{"account":"b@example.com","lists":["AL","BL"]}`), "on both AL and BL"},
		{"a contact twice", "a.jsonl", head + contacts(`{"account":"a@example.com","lists":["FL"]},{"account":"a@example.com","lists":["AL"]}`), "there twice"},
		{"a contact twice in two lines", "a.jsonl", head + people + strings.SplitAfter(people, "\n")[2], "line 5, contact b@example.com: there twice"},
		{"lists of nobody", "a.jsonl", head + `{"contacts_of":"a@example.com","contacts":[]}`, "line 2, owner: a@example.com is not among the accounts before it"},
		{"lists in pieces", "a.jsonl", head + people + `{"contacts_of":"b@example.com","contacts":[{"account":"a@example.com","lists":["FL"]}]}` + "\n" +
			`{"contacts_of":"a@example.com","contacts":[{"account":"a@example.com","lists":["FL"]}]}`, "must come one after the other"},
		{"yes or no", "a.csv", "email,disabled\na@example.com,perhaps\n", `line 2, disabled: "perhaps" is neither yes nor no`},
		{"no time", "a.csv", "email,created\na@example.com,yesterday\n", "is no time"},
		{"no groups", "a.csv", "email,groups\na@example.com,Friends\n", "write it like 0=Other Contacts|1=Friends"},
		{"no number", "a.csv", "email,unread_inbox\na@example.com,-1\n", "no number from 0 on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openNew(t)
			var all bytes.Buffer
			sum, err := importInto(t, s, write(t, c.file, c.content), func(i *transfer.Importer) { i.Findings = &all })
			if !errors.Is(err, transfer.ErrWrong) || sum.Wrong == 0 || !strings.Contains(all.String(), c.want) {
				t.Errorf("%v: %s", err, &all)
			}
			if w := worldOf(t, s); len(w.Accounts) > 0 {
				t.Errorf("imported all the same: %+v", w)
			}
		})
	}
}

// people are two accounts, of which one has the other on his list.
const people = `{"account":"a@example.com"}
{"account":"b@example.com"}
{"contacts_of":"a@example.com","contacts":[{"account":"b@example.com","lists":["FL"]}]}
`

// contacts are those of an account.
func contacts(list string) string {
	return `{"account":"a@example.com"}` + "\n" + `{"contacts_of":"a@example.com","contacts":[` + list + `]}`
}

func TestAFileThatIsNoneIsRefusedWhole(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"an empty one", "a.jsonl", "", "it is empty"},
		{"without a first line", "a.jsonl", people, "its first line is not"},
		{"of a later release", "a.jsonl", `{"format":"monarch accounts","version":2,"new":1}`, "use the release that wrote it"},
		{"cut off", "a.jsonl", `{"format":"monarch accounts","version":1,"accounts":3}` + "\n" + people, "copy it again"},
		{"not packed", "a.json.gz", head, "not packed with gzip"},
		{"a column nobody knows", "a.csv", "email,age\n", `the column "age"`},
		{"a column twice", "a.csv", "email,email\n", "twice"},
		{"no addresses", "a.csv", "nick\nA\n", "email,nick,password"},
		{"a cell too many", "a.csv", "email,nick\na@example.com,A,B\n", "line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := importInto(t, openNew(t), write(t, c.file, c.content), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, content := range map[string]string{
		"a.jsonl": head + strings.Repeat(" ", 9<<20),
		"a.csv":   "email,nick\na@example.com,\"A\n" + strings.Repeat("b@example.com,B\n", 9<<16), // a quote that is left open
	} {
		t.Run("a line without an end in "+name, func(t *testing.T) {
			_, err := importInto(t, openNew(t), write(t, name, content), nil)
			if err == nil || !strings.Contains(err.Error(), "longer than 8 MiB") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatCanBeImportedIs(t *testing.T) {
	s := openNew(t)
	content := head + `{"account":"a@example.com"}` + "\n" + `{"account":"b"}` + "\n" + `{"account":"c@example.com","password":"secret"}` + "\n" +
		`{"contacts_of":"a@example.com","contacts":[{"account":"c@example.com","lists":["FL","RL"],"groups":[4]},{"account":"d@example.com","lists":["FL"]},{"account":"b","lists":["FL"]}]}`
	sum, err := importInto(t, s, write(t, "a.jsonl", content), func(i *transfer.Importer) { i.Partial = true })
	if err != nil {
		t.Fatal(err)
	}
	if sum.New != 2 || sum.Listed != 1 || sum.Wrong != 2 || sum.Noted != 3 || sum.LeftOut != 1 || sum.NoPassword != 1 || sum.Contacts != 1 {
		t.Errorf("got %+v", sum)
	}
	w := worldOf(t, s)
	if len(w.Accounts) != 2 || *w.Accounts[1].PasswordHash != "hash of secret" || *w.Accounts[0].Name != "a" || len(w.AllLists) != 1 || len(w.AllLists[0].People) != 1 {
		t.Errorf("it has %+v", w)
	}
}

// Whoever is handed a file should see at once whom it lets manage the service.
func TestWhoGetsARoleIsTold(t *testing.T) {
	s := openNew(t)
	first := head + `{"account":"a@example.com","role":"administrator","password":"x"}` + "\n" + `{"account":"b@example.com","role":"","password":"x"}`
	for _, c := range []struct {
		conflict store.Conflict
		want     int
	}{{store.Refuse, 1}, {store.Keep, 0}, {store.Replace, 1}} {
		var all bytes.Buffer
		sum, err := importInto(t, s, write(t, "a.jsonl", first), func(i *transfer.Importer) { i.Conflict, i.Findings = c.conflict, &all })
		if err != nil || sum.Roles != c.want || strings.Contains(all.String(), "line 2, role: a@example.com is administrator") != (c.want == 1) {
			t.Errorf("%v: %d roles, %v: %s", c.conflict, sum.Roles, err, &all)
		}
	}
}

func TestASpreadsheetIsImported(t *testing.T) {
	for name, content := range map[string]string{
		"with commas":     "email,nick,password\nalice@example.com,\"Alice, in Wonderland\",open sesame\nbob@example.com,,\n",
		"with semicolons": "\xef\xbb\xbfemail;nick;password\r\nalice@example.com;Alice, in Wonderland;open sesame\r\nbob@example.com;;\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			sum, err := importInto(t, s, write(t, "people.csv", content), nil)
			if err != nil || sum.New != 2 || sum.NoPassword != 1 {
				t.Fatalf("%+v, %v", sum, err)
			}
			w := worldOf(t, s)
			if *w.Accounts[0].Name != "Alice, in Wonderland" || *w.Accounts[0].PasswordHash != "hash of open sesame" || *w.Accounts[1].PasswordHash != "" {
				t.Errorf("it has %+v", w)
			}
		})
	}
}

func TestWhatBecomesOfAccountsThatAreThere(t *testing.T) {
	fresh := func() *store.Store {
		s := openNew(t)
		if _, err := importInto(t, s, write(t, "a.jsonl", head+people), nil); err != nil {
			t.Fatal(err)
		}
		return s
	}
	more := "email,nick\na@example.com,Another\nnew@example.com,New\n"
	for _, c := range []struct {
		how      store.Conflict
		accounts int
		name     string
		want     error
	}{
		{store.Refuse, 2, "a", transfer.ErrWrong},
		{store.Keep, 3, "a", nil},
		{store.Replace, 3, "Another", nil},
	} {
		t.Run(fmt.Sprint(c.how), func(t *testing.T) {
			s := fresh()
			edit := func(i *transfer.Importer) { i.Conflict = c.how }
			sum, err := importInto(t, s, write(t, "more.csv", more), edit)
			if !errors.Is(err, c.want) || sum.There != 1 {
				t.Fatalf("%+v, %v", sum, err)
			}
			w := worldOf(t, s)
			if len(w.Accounts) != c.accounts || *w.Accounts[0].Name != c.name || len(w.AllLists) != 1 {
				t.Errorf("it has %+v", w)
			}
		})
	}
}

// A check says what an import does, whatever is there.
func TestACheckSaysWhatAnImportDoes(t *testing.T) {
	file := write(t, "a.jsonl", head+`{"account":"a@example.com"}
{"account":"b@example.com"}
{"account":"c@example.com"}
{"contacts_of":"a@example.com","contacts":[{"account":"c@example.com","lists":["FL"]},{"account":"old@example.com","lists":["FL"]}]}
{"contacts_of":"b@example.com","contacts":[{"account":"a@example.com","lists":["FL"]},{"account":"nobody@example.com","lists":["FL"]}]}
{"contacts_of":"c@example.com","contacts":[{"account":"a@example.com","lists":["FL"]}]}
`)
	before := write(t, "before.jsonl", head+"{\"account\":\"old@example.com\"}\n"+people)
	for _, c := range []struct {
		how                 store.Conflict
		partial             bool
		fresh, there, lists int
	}{
		{store.Keep, false, 1, 2, 2}, // b has nobody on his lists yet
		{store.Refuse, true, 1, 2, 2},
		{store.Replace, false, 1, 2, 4},
	} {
		s := openNew(t)
		if _, err := importInto(t, s, before, nil); err != nil {
			t.Fatal(err)
		}
		edit := func(i *transfer.Importer) { i.Conflict, i.Partial = c.how, c.partial }
		source, err := transfer.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		i := &transfer.Importer{Source: source, Store: s}
		edit(i)
		was := worldOf(t, s)
		said, err := i.Check(t.Context())
		if err != nil || compare(was, worldOf(t, s)) != "" {
			t.Fatalf("the check has changed something: %v", err)
		}
		if said.Accounts-said.There != c.fresh || said.There != c.there || said.Contacts != c.lists {
			t.Errorf("%v: it said %+v", c.how, said)
		}
		did, err := importInto(t, s, file, edit)
		if err != nil || did.New != c.fresh || did.Listed != c.lists {
			t.Errorf("%v: it did %+v, %v", c.how, did, err)
		}
		for _, l := range worldOf(t, s).AllLists {
			if l.Owner == "a@example.com" && c.how != store.Replace && (len(l.People) != 1 || l.People[0].Handle != "b@example.com") {
				t.Errorf("the lists of an account that stays are %+v", l)
			}
		}
	}
}

// crowd writes a file of people of whom each has the next ones on his list.
func crowd(t testing.TB, people, each int) string {
	var b bytes.Buffer
	b.WriteString(head)
	for i := range people {
		fmt.Fprintf(&b, `{"account":"p%d@example.com","password_hash":%q}`+"\n", i, escargot)
	}
	for i := range people {
		fmt.Fprintf(&b, `{"contacts_of":"p%d@example.com","contacts":[`, i)
		for j := range each {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"account":"p%d@example.com","lists":["FL","AL"]}`, (i+j+1)%people)
		}
		b.WriteString("]}\n")
	}
	return write(t, "crowd.jsonl", b.String())
}

// An import may end anywhere between two batches, and another goes on.
func TestAnImportThatWasInterruptedGoesOn(t *testing.T) {
	path := crowd(t, 2500, 5)
	whole := openNew(t)
	if _, err := importInto(t, whole, path, nil); err != nil {
		t.Fatal(err)
	}
	want := worldOf(t, whole)
	for batches := range 5 {
		s := openNew(t)
		source, err := transfer.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left := batches
		i := &transfer.Importer{Source: source, Store: s, Tell: func(p transfer.Progress) {
			if p.Doing == "Importing" {
				if left--; left < 0 {
					cancel()
				}
			}
		}}
		sum, err := i.Import(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d batches: %v", batches, err)
		}
		w := worldOf(t, s)
		listed := 0
		for _, l := range w.AllLists {
			listed += len(l.People)
		}
		if sum.New != len(w.Accounts) || sum.Listed != listed {
			t.Errorf("it said %+v, there are %d accounts and %d contacts", sum, len(w.Accounts), listed)
		}
		if _, err := importInto(t, s, path, func(i *transfer.Importer) { i.Conflict = store.Keep }); err != nil {
			t.Fatal(err)
		}
		if diff := compare(want, worldOf(t, s)); diff != "" {
			t.Errorf("after %d batches: %s", batches, diff)
		}
	}
}
