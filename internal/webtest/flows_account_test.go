package webtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"monarch/internal/ctt"
	"monarch/internal/im"
	"monarch/msnclient"
	"monarch/msnp"
)

// does presses a button that changes the lists in the page, and waits until it says what was done.
func (p *person) does(button, said string) {
	p.t.Helper()
	p.reaches(button)
	p.says(said)
}

// reaches scrolls a button away from the edge, where a notice may cover it, and presses it.
func (p *person) reaches(button string) {
	p.t.Helper()
	p.do("press "+button,
		chromedp.WaitVisible(chromedp.CSS(button)),
		chromedp.Evaluate[chromedp.Void](`document.querySelector(`+quote(button)+`).scrollIntoView({ block: "center", behavior: "instant" })`),
		chromedp.Click(chromedp.CSS(button)))
}

// about is the button that does something with somebody on the lists.
func about(handle, what string) string {
	return `#lists button[value="` + handle + `"]:is([formaction="/account/contacts/` + what + `"], form[action="/account/contacts/` + what + `"] :not([formaction]))`
}

// lists returns on which lists of somebody somebody else is, and in which groups.
func (w *world) lists(nick, whom string) (im.List, []string) {
	w.t.Helper()
	r, err := w.fix.Store.Roster(w.t.Context(), w.p.User(nick).ID)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(r.Contacts, func(c im.Contact) bool { return c.Handle == whom })
	if i < 0 {
		return 0, nil
	}
	var names []string
	for _, g := range r.Groups {
		if slices.Contains(r.Contacts[i].Groups, g.Number) {
			names = append(names, g.Name)
		}
	}
	return r.Contacts[i].Lists, names
}

func TestNameAndPasswordInABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob")
	bob := w.signIn("bob")
	w.signIn("alice")
	here, there := w.sit(chromium(t)), w.sit(chromium(t))
	there.signIn("alice", "/account")
	here.signIn("alice", "/account")
	here.sends("/account/name", "name", "Alice <i>& Co</i>")
	here.says("You are called Alice <i>& Co</i> now.")
	await(t, bob, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Name == "Alice <i>& Co</i>" })
	here.sends("/account/name", "name", strings.Repeat("é", 200))
	here.problem("name", "too long")

	here.sends("/account/password", "present", "wrong-alice", "password", "another-one", "again", "another-one")
	here.problem("present", "This is not your present password")
	here.types("/account/password", "password", long)
	here.until("17 characters are warned of", `document.querySelector("[data-too-long]").checkVisibility()`)
	here.sends("/account/password", "present", "secret-alice", "password", "another-one", "again", "another-one")
	here.says("Your password is changed")
	here.visit("/account/places")
	here.says("this one")
	there.visit("/account")
	there.at("/signin?next=%2Faccount")
	there.sends("/signin", "handle", alices, "password", "secret-alice")
	there.says("That did not work")
	if _, err := w.signInAs(alices, "secret-alice"); err == nil {
		t.Error("the old password signs in")
	}
	if _, err := w.signInAs(alices, "another-one"); err != nil {
		t.Errorf("the new password does not: %v", err)
	}
}

func TestContactsAndGroupsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("list bob FL alice\nlist carol FL alice")
	bob := w.signIn("bob")
	w.signIn("alice")
	p := w.sit(chromium(t))
	p.signIn("alice", "/account/contacts")
	p.says("They added you")
	p.does(about(carols, "block"), carols+" is blocked")
	p.until("one is left who waits", `document.querySelector("#waiting .count span").textContent === "1"`)
	p.does(about(bobs, "accept"), bobs+" is on your list.")
	await(t, bob, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Status != msnp.Offline })
	p.types("/account/contacts/add", "email", "nobody@example.com")
	p.reaches("#add")
	p.problem("email", "Nobody here has this address")
	p.until("what was typed is there", `document.getElementById("email").value === "nobody@example.com" && !document.querySelector("#notice [role=alert]")`)
	p.types("/account/contacts/add", "email", "dave@example.com")
	p.does("#add", "dave@example.com is on your list.")
	p.does(about(bobs, "block"), bobs+" is blocked")
	await(t, bob, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Status == msnp.Offline })
	p.does(about(bobs, "unblock"), bobs+" may see you again.")
	await(t, bob, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Status != msnp.Offline })

	p.types("/account/groups/add", "name", "Old friends")
	p.does("#add-group", "There is a group Old friends.")
	p.types("/account/groups/add", "name", "Work")
	p.does("#add-group", "There is a group Work.")
	p.types("/account/groups/add", "name", strings.Repeat("é", 61))
	p.reaches("#add-group")
	p.problem("new-group", "too long for a group")
	p.do("call another one so", chromedp.SetValue(chromedp.CSS("#group-1"), "Work"))
	p.reaches("#rename-1")
	p.problem("group-1", "Another group has this name")
	p.visit("/account/contacts")
	rename := `form[action="/account/groups/rename"]:has([value="Old friends"])`
	p.do("type another name", chromedp.SetValue(chromedp.CSS(rename+` [name=name]`), "Friends of old"))
	p.does(rename+` button:not([formaction])`, "The group is called Friends of old now.")
	p.clicks(`#lists a[href="/account/contact?who=bob%40example.com"]`)
	p.do("choose a group", chromedp.Evaluate[chromedp.Void](`(() => {
		const to = document.querySelector("form[action='/account/contact/move'] select");
		to.value = [...to.options].find((o) => o.text === "Friends of old").value;
	})()`))
	p.sends("/account/contact/move")
	p.says(bobs + " is in the group.")
	if lists, groups := w.lists("alice", bobs); lists != im.Forward|im.Allow|im.Reverse || !slices.Equal(groups, []string{"Friends of old"}) {
		t.Errorf("bob is on %b and in %q", lists, groups)
	}
	p.clicks(`main a[href="/account/contacts"]`)
	p.does(`form:has([value="Work"]) [formaction="/account/groups/remove"]`, "The group is gone.")
	p.does(about("dave@example.com", "remove"), "dave@example.com is off your list.")
	p.until("he is among those who may see alice", `document.querySelector("[aria-labelledby=h-others]").innerText.includes("dave@example.com")`)
	p.does(about("dave@example.com", "undecide"), "For dave@example.com the same holds as for everybody else.")
	if lists, _ := w.lists("alice", "dave@example.com"); lists != 0 {
		t.Errorf("dave is on %b", lists)
	}
	if lists, _ := w.lists("alice", carols); lists != im.Block|im.Reverse {
		t.Errorf("carol is on %b", lists)
	}
}

func TestContactListsAsFilesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nlist alice FL carol")
	alice, erin := w.sit(chromium(t)), w.sit(chromium(t))
	alice.signIn("alice", "/account/contacts")
	file, name := alice.saves(`a[href="/account/contacts.ctt"]`)
	addresses, err := ctt.Parse(file)
	if err != nil || name != "contacts.ctt" || !slices.Equal(addresses, []string{bobs, carols}) {
		t.Errorf("%s has %q, %v", name, addresses, err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	erin.signIn("erin", "/account/import")
	holiday := filepath.Join(t.TempDir(), "holiday.jpg")
	for size, says := range map[int]string{100 << 10: "not a contact list", 600 << 10: "too large"} {
		if err := os.WriteFile(holiday, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		erin.do("choose another file", chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{holiday}))
		erin.sends("/account/import")
		erin.problem("file", says)
	}
	erin.do("choose the file", chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{path}))
	erin.sends("/account/import")
	erin.says(bobs)
	erin.do("leave carol out", chromedp.Click(chromedp.CSS(`[name=who][value="`+carols+`"]`)))
	erin.sends("/account/import/add")
	erin.at("/account/contacts")
	erin.says("One more is on your list.")
	if lists, _ := w.lists("erin", bobs); lists != im.Forward|im.Allow {
		t.Errorf("bob is on %b", lists)
	}
	if lists, _ := w.lists("erin", carols); lists != 0 {
		t.Errorf("carol is on %b", lists)
	}
}

func TestPlacesDataAndTheEndInABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\ngroup alice Friends")
	client := w.signIn("alice")
	here, there := w.sit(chromium(t)), w.sit(chromium(t))
	there.signIn("alice", "/account")
	here.signIn("alice", "/account/places")
	here.sends("/account/places/messenger")
	here.says("This sign-in has ended.")
	await[msnclient.Disconnected](t, client, nil)
	await[msnclient.Reconnected](t, client, nil) // as the page says that it may
	here.goes("end the other browser", chromedp.Click(chromedp.CSS(`.people li:not(:has(.badge)) form[action="/account/places/end"] button`)))
	here.says("This sign-in has ended.")
	there.visit("/account")
	there.at("/signin?next=%2Faccount")

	here.visit("/account/data")
	text, name := here.saves(`a[href="/account/data.json"]`)
	var data struct {
		Format  int
		Account struct{ Address, Name string }
		Groups  []struct {
			Number int
			Name   string
		}
		Contacts []struct {
			Address string
			Lists   []string
		}
		SignIns struct {
			Website []struct{ Agent, Address string }
		} `json:"sign_ins"`
	}
	if err := json.Unmarshal(text, &data); err != nil || name != "account.json" {
		t.Fatalf("%s: %v", name, err)
	}
	if data.Format != 1 || data.Account.Address != alices || len(data.Groups) != 2 || data.Groups[1].Name != "Friends" || len(data.SignIns.Website) != 1 {
		t.Errorf("the data are %s", text)
	}
	if len(data.Contacts) != 1 || data.Contacts[0].Address != bobs || !slices.Equal(data.Contacts[0].Lists, []string{"contacts", "allowed", "has_me"}) {
		t.Errorf("the contacts are %s", text)
	}
	if strings.Contains(string(text), "$argon2") || strings.Contains(string(text), "secret") {
		t.Error("the data have a password or its hash")
	}

	here.clicks(`main a[href="/account/delete"]`)
	here.sends("/account/delete", "password", "wrong-alice")
	here.problem("password", "This is not your present password")
	here.sends("/account/delete", "password", "secret-alice")
	here.at("/account/gone")
	here.visit("/account")
	here.sends("/signin", "handle", alices, "password", "secret-alice")
	here.says("That did not work")
	if _, err := w.signInAs(alices, "secret-alice"); err == nil {
		t.Error("somebody signs in to an account that is no more")
	}
	await[msnclient.Closed](t, client, nil)
}

func TestAnAccountWithoutScripts(t *testing.T) {
	w := newWorld(t)
	p := w.sit(chromium(t))
	p.withoutScripts()
	p.asks("frank", "secret-frank")
	p.says("please wait")
	w.fix.Clock.Advance(time.Minute)
	p.sends("/join", "password", "secret-frank", "again", "secret-frank")
	p.at("/welcome")
	p.visit("/account/contacts")
	p.sends("/account/contacts/add", "email", bobs)
	p.says(bobs + " is on your list.")
	p.clicks(about(bobs, "block"))
	p.says(bobs + " is blocked")
	p.sends("/account/contacts/add", "email", "nobody@example.com")
	p.problem("email", "Nobody here has this address")
	p.sends("/account/groups/add", "name", "Friends")
	p.says("There is a group Friends.")
	p.clicks(about(bobs, "remove"))
	p.says(bobs + " is off your list.")
	p.visit("/account")
	p.sends("/account/name", "name", "Francis")
	p.says("You are called Francis now.")
	w.mayTalk("frank@example.com", "secret-frank", "Francis")
}
