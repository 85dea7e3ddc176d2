package server_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"monarch/internal/account"
	"monarch/internal/im"
	"monarch/internal/msntest"
)

// Alice's client blocks and unblocks bob while she does so at the website: in the end he sees her
// or not as the database has it, and her client has been told everything.
func TestListsChangedFromTwoSidesAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	alice, users, sees, told := p.User("alice"), f.Server.Users(), true, 0
	for i := range rounds(100) {
		var both sync.WaitGroup
		both.Go(func() {
			err := users.Block(t.Context(), alice, "bob@example.com")
			if err == nil && i%2 == 0 {
				err = users.Unblock(t.Context(), alice, "bob@example.com")
			}
			if err != nil {
				t.Error(err)
			}
		})
		for n, line := range []string{"REM %d BL bob@example.com", "ADD %d AL bob@example.com Bob", "REM %d AL bob@example.com", "ADD %d BL bob@example.com Bob"} {
			say(t, a, fmt.Sprintf(line, 10*i+n), nil)
		}
		both.Wait()
		heard := settled(t, a)
		sees = sighted(sees, settled(t, b))
		r, err := f.Store.Roster(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Contacts[0].Lists&im.Block == 0; sees != want {
			t.Fatalf("round %d: bob sees alice: %t; the database has him on %b, alice heard %q", i, sees, r.Contacts[0].Lists, heard)
		}
		if told = newest(told, heard); told != int(r.User.Version) {
			t.Fatalf("round %d: the lists have version %d, alice was told %d: %q", i, r.User.Version, told, heard)
		}
	}
	p.Finish()
}

// Bob changes his telephone number while alice adds him at the website: the last that her client
// hears is the new one. docs/protocol/lists.md#elsewhere
func TestPropertyMeetsAdditionAtTheWebsite(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("list bob FL alice\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	alice, users := p.User("alice"), f.Server.Users()
	var change aim
	for i := range rounds(400) {
		var both sync.WaitGroup
		both.Go(func() {
			if err := users.AddContact(t.Context(), alice, account.Addition{Email: "bob@example.com"}); err != nil {
				t.Error(err)
			}
		})
		change.wait()
		say(t, b, fmt.Sprintf("PRP %d PHH %d", i, i), nil)
		both.Wait()
		settled(t, b)
		heard := settled(t, a)
		told := slices.DeleteFunc(those(heard, "BPR"), func(l string) bool { return !strings.Contains(l, " bob@example.com PHH") })
		if n := len(told); n == 0 || !strings.HasSuffix(told[n-1], fmt.Sprintf(" PHH %d", i)) {
			t.Fatalf("round %d: alice heard %q", i, heard)
		}
		change.adjust(len(told) == 1)
		if err := users.RemoveContact(t.Context(), alice, "bob@example.com"); err != nil {
			t.Fatal(err)
		}
		settled(t, a)
		settled(t, b)
	}
	p.Finish()
}

// newest returns the highest version of lists that was told with a change.
func newest(before int, heard []string) int {
	for _, line := range heard {
		words := strings.Fields(line)
		if words[0] != "ADD" && words[0] != "REM" {
			continue
		}
		if v, err := strconv.Atoi(words[3]); err == nil {
			before = max(before, v)
		}
	}
	return before
}

// sighted reports whether the last line of alice's presence that bob heard shows her.
func sighted(before bool, heard []string) bool {
	for _, line := range heard {
		switch {
		case strings.HasPrefix(line, "NLN NLN alice@"):
			before = true
		case line == "FLN alice@example.com":
			before = false
		}
	}
	return before
}
