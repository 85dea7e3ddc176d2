package torture

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"monarch/msnclient"
)

// rosterOf is what a server would say of a book.
func rosterOf(b *book) msnclient.Roster {
	r := msnclient.Roster{Version: 1, Privacy: b.privacy, Prompt: b.prompt, Properties: b.properties}
	for n, name := range b.groups {
		r.Groups = append(r.Groups, msnclient.Group{Number: n, Name: name})
	}
	for h, e := range b.contacts {
		r.Contacts = append(r.Contacts, msnclient.Contact{
			Person: msnclient.Person{Handle: h}, Stored: e.stored, Lists: e.lists, Groups: e.groups,
		})
	}
	return r
}

// TestBooksAreRosters changes a book at random and reads it back.
func TestBooksAreRosters(t *testing.T) {
	b := newBook("alice")
	c := chooser{random: rand.New(rand.NewPCG(1, 2)), handle: "a@example.com", others: []string{"b@example.com", "c@example.com"}}
	kinds := make(map[string]bool)
	for range 2000 {
		made := c.next(b)
		kinds[kindOf(made.what)] = true
		states := made.states(b)
		next := states[len(states)-1]
		if b.same(next) {
			t.Fatalf("%s changes nothing", made.what)
		}
		b = next
		if found := bookOf(b.name, rosterOf(b)); !found.same(b) {
			t.Fatalf("after %s: %s", made.what, strings.Join(b.differences(found), "; "))
		}
	}
	if len(kinds) < 16 {
		t.Errorf("only %v", kinds)
	}
}

func TestDifferencesAreFound(t *testing.T) {
	told := newBook("alice")
	told.put("b@example.com", func(e *entry) {
		e.join(0)
		e.stored = "Bob"
	})
	for name, lose := range map[string]func(b *book){
		"a name":     func(b *book) { b.name = "al" },
		"a group":    func(b *book) { delete(b.groups, 0) },
		"a contact":  func(b *book) { delete(b.contacts, "b@example.com") },
		"a list":     func(b *book) { b.put("b@example.com", func(e *entry) { e.lists |= msnclient.Allowed }) },
		"a nickname": func(b *book) { b.put("b@example.com", func(e *entry) { e.stored = "b" }) },
		"a setting":  func(b *book) { b.privacy = msnclient.BlockOthers },
		"a property": func(b *book) { b.properties["PHH"] = "1" },
	} {
		found := told.clone()
		lose(found)
		if d := told.differences(found); len(d) == 0 || told.same(found) {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

func TestWhatOthersDidIsCompared(t *testing.T) {
	const alice, bob = "a@example.com", "b@example.com"
	books := map[string]*book{alice: newBook("alice"), bob: newBook("bob")}
	books[bob].put(alice, func(e *entry) { e.join(0) })
	books[bob].properties["PHH"] = "1"
	contact := func(lists msnclient.Lists, stored, phone string) msnclient.Roster {
		return msnclient.Roster{Contacts: []msnclient.Contact{{
			Person: msnclient.Person{Handle: bob}, Lists: lists, Stored: stored, Properties: map[string]string{"PHH": phone},
		}}}
	}
	for _, c := range []struct {
		name   string
		roster msnclient.Roster
		kept   bool
		faults int
	}{
		{"all of it", contact(msnclient.Reverse, "bob", ""), false, 0},
		{"no reverse list", msnclient.Roster{}, false, 1},
		{"no reverse list in what the client kept", msnclient.Roster{}, true, 1},
		{"an old name", contact(msnclient.Reverse, "robert", ""), false, 1},
		{"an old name in what the client kept", contact(msnclient.Reverse, "robert", ""), true, 0},
		{"a telephone number", contact(msnclient.Reverse|msnclient.Forward, "b", "1"), false, 0},
		{"no telephone number", contact(msnclient.Reverse|msnclient.Forward, "b", ""), false, 1},
	} {
		if found := othersView(alice, c.roster, c.kept, books); len(found) != c.faults {
			t.Errorf("%s: %q", c.name, found)
		}
	}
}

func TestPasswordsAreSettled(t *testing.T) {
	for _, c := range []struct {
		name       string
		before     *secret
		works      string
		candidates string
	}{
		{"nothing changed", &secret{now: "a"}, "a", "a"},
		{"changed without an answer", &secret{now: "a", next: "b"}, "b", "b"},
		{"not changed without an answer", &secret{now: "a", next: "b"}, "a", "a"},
		{"not changed so far", &secret{now: "a", next: "b", asking: true}, "a", "b a"},
	} {
		c.before.settle(c.works)
		if got := strings.Join(c.before.candidates(), " "); got != c.candidates {
			t.Errorf("%s: %s, want %s", c.name, got, c.candidates)
		}
	}
}

func TestTheVerdictIsTold(t *testing.T) {
	r := Report{Work: "crash", Seed: 7, Faults: []string{"something is lost"}, Figures: []Figure{{"kills", 3, ""}}}
	var out strings.Builder
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "FAULT: something is lost") || !strings.Contains(out.String(), "3      kills") {
		t.Error(out.String())
	}
	if err := r.Verdict(); err == nil || !strings.Contains(err.Error(), "--seed 7") {
		t.Error(err)
	}
	r.Faults = nil
	if err := r.Verdict(); err != nil {
		t.Error(err)
	}
	if err := r.Table(io.Discard); err != nil {
		t.Error(err)
	}
}
