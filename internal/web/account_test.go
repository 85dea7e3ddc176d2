package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
)

// place is a whole server, with people who have clients and browsers.
type place struct {
	*msntest.Fixture
	*msntest.Player
	t *testing.T
}

// settle starts a server.
func settle(t *testing.T, settings map[string]string) *place {
	t.Helper()
	f := msntest.Start(t, settings)
	return &place{f, msntest.NewPlayer(t, f), t}
}

// browser returns a browser in which somebody is signed in.
func (p *place) browser(name string) *browser {
	p.t.Helper()
	return p.browserThat(name, "Test/1.0")
}

// browserThat does the same with one that calls itself something. Nobody's password is checked,
// which takes its time on purpose.
func (p *place) browserThat(name, agent string) *browser {
	p.t.Helper()
	s := &site{t: p.t, base: "http://" + p.Server.Addr("web")}
	b, token, now := s.browse(), auth.Token(), p.Clock.Now().Unix()
	err := p.Store.AddWebSession(p.t.Context(), p.User(name), token, store.WebSession{Created: now, Seen: now, Agent: agent, Address: "127.0.0.1"})
	if err != nil {
		p.t.Fatal(err)
	}
	address, err := url.Parse(s.base)
	if err != nil {
		p.t.Fatal(err)
	}
	b.client.Jar.SetCookies(address, []*http.Cookie{{Name: "session", Value: token}})
	return b
}

// lists returns the lists that somebody has people on, by their names.
func (p *place) lists(name string) map[string]string {
	p.t.Helper()
	r, err := p.Store.Roster(p.t.Context(), p.User(name).ID)
	if err != nil {
		p.t.Fatal(err)
	}
	lists := make(map[string]string)
	for _, c := range r.Contacts {
		for l := im.Forward; l <= im.Reverse; l <<= 1 {
			if c.Lists&l != 0 {
				lists[strings.TrimSuffix(c.Handle, "@example.com")] += l.String()
			}
		}
	}
	return lists
}

// press sends the form, or presses the button, of a page that leads to a path. Fields are given in
// pairs.
func (b *browser) press(page, to string, fields ...string) answer {
	b.t.Helper()
	a := b.get(page)
	if !strings.Contains(a.text, `action="`+to+`"`) {
		b.t.Fatalf("%s leads nowhere near %s:\n%s", page, to, a.text)
	}
	values := url.Values{"_csrf": {a.field("_csrf")}}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return b.post(to, values)
}

// does presses a button and follows it to the page that says what was done.
func (b *browser) does(page, to string, fields ...string) answer {
	b.t.Helper()
	a := b.press(page, to, fields...)
	if a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s %q: status %d\n%s", to, fields, a.StatusCode, a.text)
	}
	return b.get(a.Header.Get("Location"))
}

const (
	contacts = "/account/contacts"
	bobAt    = "bob@example.com"
	carolAt  = "carol@example.com"
)

func TestAccountsAreTheirOwners(t *testing.T) {
	s := open(t)
	b := s.browse()
	for _, path := range []string{
		"/account", contacts, "/account/contact?who=" + bobAt, "/account/contacts.ctt", "/account/import", "/account/privacy",
		"/account/places", "/account/data", "/account/data.json", "/account/delete",
	} {
		b.get(path).leadsTo(t, "/signin?next="+url.QueryEscape(path))
	}
	token := b.get("/").field("_csrf")
	for _, path := range []string{
		"/account/name", "/account/password", "/account/privacy", "/account/delete", "/account/contacts/block", "/account/groups/add",
		"/account/import", "/account/places/others",
	} {
		b.post(path, url.Values{"_csrf": {token}, "who": {bobAt}}).leadsTo(t, "/signin?next="+url.QueryEscape(path))
	}
	s.add("alice@example.com", "secret-alice")
	b.signIn("alice@example.com", "secret-alice")
	for _, path := range []string{"/account/name", "/account/contacts/block", "/account/delete", "/account/places/others"} {
		b.post(path, url.Values{"who": {bobAt}, "name": {"Mallory"}, "password": {"secret-alice"}}).wants(t, http.StatusForbidden)
	}
	b.get("/account/contacts/block").leadsTo(t, contacts)
	b.get("/account/contact?who="+bobAt).wants(t, http.StatusNotFound)
}

func TestANameIsChanged(t *testing.T) {
	t.Parallel()
	p := settle(t, map[string]string{"protocol.forbidden_names": "staff"})
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B")
	b := p.browser("alice")
	b.does("/account", "/account/name", "name", "Alice <b>W</b> ").wants(t, http.StatusOK, "You are called Alice &lt;b&gt;W&lt;/b&gt; now.", `value="Alice &lt;b&gt;W&lt;/b&gt;"`)
	p.Play("B.ns< NLN NLN alice@example.com Alice%20<b>W</b> 268435492")
	if strings.Contains(b.get("/account").text, "You are called") {
		t.Error("it is said twice")
	}
	b.press("/account", "/account/name", "name", " ").wants(t, http.StatusUnprocessableEntity, "empty or too long", `aria-invalid="true"`)
	b.press("/account", "/account/name", "name", strings.Repeat("x", 388)).wants(t, http.StatusUnprocessableEntity, "empty or too long")
	b.press("/account", "/account/name", "name", "The Staff").wants(t, http.StatusUnprocessableEntity, "Nobody may be called that")
	b.does("/account", "/account/name", "name", "Al")
	b.press("/account", "/account/name", "name", "too often").wants(t, http.StatusTooManyRequests, "A little slower")
}

func TestAPasswordIsChanged(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("signin9 A")
	b, other := p.browser("alice"), p.browser("alice")
	change := func(present, password, again string) answer {
		return b.press("/account", "/account/password", "present", present, "password", password, "again", again)
	}
	change("secret-alice", "short", "short").wants(t, http.StatusUnprocessableEntity, "too short")
	change("secret-alice", "new-secret", "new-secert").wants(t, http.StatusUnprocessableEntity, "not the same")
	change("wrong-one", "new-secret", "new-secret").wants(t, http.StatusUnprocessableEntity, "not your present password")
	other.get("/account").wants(t, http.StatusOK)
	change("secret-alice", "new-secret", "new-secret").leadsTo(t, "/account")
	p.Play("A.ns< OUT SSD\nA.ns x")
	b.get("/account").wants(t, http.StatusOK, "All other sign-ins have ended")
	b.get("/account/places").wants(t, http.StatusOK, "this one", "No messenger")
	other.get("/account").leadsTo(t, "/signin?next=%2Faccount")
	other.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized)
	other.signIn("alice@example.com", "new-secret").leadsTo(t, "/messenger")
	for range 10 {
		change("guess", "other-secret", "other-secret")
	}
	change("new-secret", "other-secret", "other-secret").wants(t, http.StatusUnprocessableEntity, "some minutes have to pass")
}

func TestContactsAreChangedAndClientsFollow(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B\nsignin9 C, loud\nignore A.ns")
	b := p.browser("alice")
	for _, c := range []struct {
		to, who, says, heard string
		lists                map[string]string
	}{
		{"block", bobAt, "bob@example.com is blocked", "B.ns< FLN alice@example.com", map[string]string{"bob": "FLBLRL"}},
		{"unblock", bobAt, "bob@example.com may see you again", "B.ns< NLN NLN alice@example.com Alice 268435492", map[string]string{"bob": "FLALRL"}},
		{"remove", bobAt, "bob@example.com is off your list", "B.ns< REM 0 RL {v+1} alice@example.com", map[string]string{"bob": "ALRL"}},
		{"undecide", bobAt, "the same holds as for everybody else", "B.ns -", map[string]string{"bob": "RL"}},
		{"allow", bobAt, "bob@example.com may see you", "B.ns -", map[string]string{"bob": "ALRL"}},
		{"accept", bobAt, "bob@example.com is on your list", "B.ns< ADD 0 RL {v+1} alice@example.com Alice", map[string]string{"bob": "FLALRL"}},
	} {
		b.does(contacts, "/account/contacts/"+c.to, "who", strings.ToUpper(c.who)).wants(t, http.StatusOK, c.says)
		p.Play(c.heard)
		if diff := cmp.Diff(c.lists, p.lists("alice")); diff != "" {
			t.Errorf("%s: lists (-want +got):\n%s", c.to, diff)
		}
	}
	b.does(contacts, "/account/contacts/add", "email", " Carol@example.com", "group", "0").wants(t, http.StatusOK, "carol@example.com is on your list", ">Carol</bdi>")
	p.Play("C.ns< ADD 0 RL {v+1} alice@example.com Alice")
	if diff := cmp.Diff(map[string]string{"bob": "FLALRL", "carol": "FLAL"}, p.lists("alice")); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeDoneWithContacts(t *testing.T) {
	t.Parallel()
	p := settle(t, map[string]string{"limits.max_contacts": "1"})
	p.Play("mutual alice bob")
	b := p.browser("alice")
	for to, c := range map[string]struct{ field, value, says string }{
		"contacts/add":     {"email", "nobody@example.org", "Nobody here has this address"},
		"contacts/accept":  {"who", carolAt, "Your list is full"},
		"contacts/block":   {"who", "carol", "This is no e-mail address"},
		"contacts/allow":   {"who", "nobody@example.com", "Nobody here has this address"},
		"contacts/unblock": {"who", "", "This is no e-mail address"},
		"groups/add":       {"name", strings.Repeat("x", 62), "empty or too long for a group"},
		"groups/rename":    {"group", "7", "Your lists have changed meanwhile"},
		"groups/remove":    {"group", "0", "The first group cannot be removed"},
	} {
		token := b.get(contacts).field("_csrf")
		a := b.post("/account/"+to, url.Values{"_csrf": {token}, "name": {"A name"}, c.field: {c.value}})
		a.wants(t, http.StatusUnprocessableEntity, c.says, `role="alert"`)
		if to == "contacts/add" && !strings.Contains(a.text, `value="nobody@example.org"`) {
			t.Error("what was typed is lost")
		}
	}
}

func TestWhoHasAddedMe(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	b := p.browser("alice")
	if a := b.get(contacts); strings.Contains(a.text, "They added you") || strings.Contains(a.text, `class="count"`) {
		t.Error("somebody waits before anybody has added her")
	}
	for _, name := range []string{"bob", "carol", "dave"} {
		p.browser(name).does(contacts, "/account/contacts/add", "email", "alice@example.com")
	}
	b.get("/account").wants(t, http.StatusOK, "3 people wait for your answer")
	b.get(contacts).wants(t, http.StatusOK, "They added you", bobAt, "has me on their list", "sees me, like everybody else")
	b.does(contacts, "/account/contacts/accept", "who", bobAt)
	b.does(contacts, "/account/contacts/allow", "who", carolAt).wants(t, http.StatusOK, "Somebody waits for your answer")
	if a := b.does(contacts, "/account/contacts/block", "who", "dave@example.com"); strings.Contains(a.text, "They added you") {
		t.Error("somebody waits who has an answer")
	}
	if diff := cmp.Diff(map[string]string{"bob": "FLALRL", "carol": "ALRL", "dave": "BLRL"}, p.lists("alice")); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob")
	b := p.browser("alice")
	b.does(contacts, "/account/groups/add", "name", "Work").wants(t, http.StatusOK, "There is a group Work", `value="Work"`)
	b.does(contacts, "/account/groups/add", "name", "Play")
	page := "/account/contact?who=" + url.QueryEscape(bobAt)
	b.does(page, "/account/contact/move", "who", bobAt, "from", "0", "to", "1", "back", page).wants(t, http.StatusOK, "bob@example.com is in the group", "Move from Work to")
	b.does(page, "/account/contact/copy", "who", bobAt, "to", "2").wants(t, http.StatusOK, "Work</bdi> <span class=\"muted\">(1)", "Play</bdi> <span class=\"muted\">(1)")
	b.press(page, "/account/contact/move", "who", bobAt, "from", "0", "to", "2").wants(t, http.StatusUnprocessableEntity, "Your lists have changed meanwhile")
	b.press(page, "/account/contact/move", "who", bobAt, "from", "1", "to", "9").wants(t, http.StatusUnprocessableEntity, "Your lists have changed meanwhile")
	b.does(page, "/account/contact/name", "who", bobAt, "name", "Robert", "back", "//elsewhere.example/").wants(t, http.StatusOK, "has another name", "Robert</bdi>")
	b.press(page, "/account/contact/name", "who", bobAt, "name", "").wants(t, http.StatusUnprocessableEntity, "empty or too long")
	b.does(contacts, "/account/groups/rename", "group", "1", "name", "Office").wants(t, http.StatusOK, "The group is called Office now")
	b.press(contacts, "/account/groups/rename", "group", "2", "name", "Office").wants(t, http.StatusUnprocessableEntity, "Another group has this name")
	b.does(contacts, "/account/groups/remove", "group", "1")
	b.does(contacts, "/account/groups/remove", "group", "2").wants(t, http.StatusOK, "The group is gone", "Other Contacts</bdi> <span class=\"muted\">(1)")
	r, err := p.Store.Roster(t.Context(), p.User("alice").ID)
	if err != nil || len(r.Groups) != 1 || len(r.Contacts) != 1 || !slices.Equal(r.Contacts[0].Groups, []int{0}) || r.Contacts[0].Stored != "Robert" {
		t.Errorf("%v, groups %v, contacts %+v", err, r.Groups, r.Contacts)
	}
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B\nignore A.ns")
	b := p.browser("alice")
	b.does("/account/contact?who="+bobAt, "/account/contacts/undecide", "who", bobAt)
	b.does("/account/privacy", "/account/privacy", "others", "BL").wants(t, http.StatusOK, "Saved", `value="BL" checked`)
	p.Play("B.ns< FLN alice@example.com")
	b.get(contacts).wants(t, http.StatusOK, "does not see me, like everybody else")
	b.does("/account/privacy", "/account/privacy", "others", "AL", "ask", "yes").wants(t, http.StatusOK, `value="AL" checked`, `value="yes" checked`)
	p.Play("B.ns< NLN NLN alice@example.com Alice 268435492")
	b.press("/account/privacy", "/account/privacy", "others", "XX").wants(t, http.StatusBadRequest)
}

// What people are called is text wherever it stands.
func TestHostileNames(t *testing.T) {
	const hostile = `</title><script>alert(1)</script><img src=x onerror="alert(2)">'"{{.}}` + "\u202e\u2066\x00\x1b"
	t.Parallel()
	p := settle(t, nil)
	b, m := p.browserThat("alice", hostile), p.browser("bob")
	m.does("/account", "/account/name", "name", hostile)
	m.does(contacts, "/account/contacts/add", "email", "alice@example.com")
	b.does(contacts, "/account/contacts/accept", "who", bobAt)
	b.does(contacts, "/account/groups/add", "name", `<b>"'>`)
	b.does("/account", "/account/name", "name", hostile)
	for _, path := range []string{"/", "/account", contacts, "/account/contact?who=" + bobAt, "/account/places", "/account/import", "/account/delete"} {
		for _, header := range []string{"", "true"} {
			b.header.Set("Hx-Request", header)
			a := b.get(path)
			a.wants(t, http.StatusOK)
			for _, raw := range []string{"<script>alert", "<img src=x", `<b>"`, `onerror="`} {
				if strings.Contains(a.text, raw) {
					t.Errorf("%s has %q in it", path, raw)
				}
			}
		}
	}
	b.get(contacts).wants(t, http.StatusOK, "<bdi>&lt;/title&gt;&lt;script&gt;alert(1)")
	b.header.Set("Cookie", "notice="+"eyJrZXkiOiJiYXNlLmhvbWUifQ") // of no notice: {"key":"base.home"}
	b.get(contacts).wants(t, http.StatusOK)
}

func TestListsAreChangedInThePage(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob")
	b := p.browser("alice")
	page := b.get(contacts)
	page.wants(t, http.StatusOK, "htmx-", `"allowEval":false`, `"includeIndicatorStyles":false`, `hx-target="#lists"`)
	b.header.Set("Hx-Request", "true")
	a := b.post("/account/contacts/block", url.Values{"_csrf": {page.field("_csrf")}, "who": {bobAt}})
	a.wants(t, http.StatusOK, `<div id="notice" hx-swap-oob="innerHTML">`, "bob@example.com is blocked", ">Unblock<")
	if strings.Contains(a.text, "<html") {
		t.Error("it is a whole page")
	}
	a = b.post("/account/contacts/add", url.Values{"_csrf": {page.field("_csrf")}, "email": {"nobody@example.com"}})
	a.wants(t, http.StatusUnprocessableEntity, "Nobody here has this address", `value="nobody@example.com"`)
	b.header.Del("Hx-Request")
	for _, file := range []string{"static/js/htmx-2.0.11.min.js", "static/js/htmx-2.0.11.LICENSE.txt"} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("signin9 A")
	b := p.browserThat("alice", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	other, third, stranger := p.browser("alice"), p.browser("alice"), p.browser("bob")
	page := b.get("/account/places")
	page.wants(t, http.StatusOK, "MSNP9", "127.0.0.1", "Firefox, Linux", "An unknown browser", "this one", "Sign out all other browsers")
	ids := regexp.MustCompile(`name="id" value="([^"]+)"`).FindAllStringSubmatch(page.text, -1)
	if len(ids) != 3 {
		t.Fatalf("%d browsers:\n%s", len(ids), page.text)
	}
	b.does("/account/places", "/account/places/messenger").wants(t, http.StatusOK, "This sign-in has ended")
	p.Play("A.ns< OUT SSD\nA.ns x")
	for end := time.Now().Add(20 * time.Second); !strings.Contains(b.get("/account/places").text, "No messenger"); { // it ends in its own time
		if time.Now().After(end) {
			t.Fatal("the messenger is still there")
		}
	}
	token := page.field("_csrf")
	b.post("/account/places/messenger", url.Values{"_csrf": {token}}).leadsTo(t, "/account/places")
	b.get("/account/places").wants(t, http.StatusOK, "was over already")
	for _, id := range ids {
		stranger.press("/account/places", "/account/places/end", "id", id[1]).leadsTo(t, "/account/places")
	}
	if n := strings.Count(b.get("/account/places").text, `name="id"`); n != 3 {
		t.Errorf("%d browsers after somebody else has ended one", n)
	}
	third.get("/account").wants(t, http.StatusOK)
	b.does("/account/places", "/account/places/others").wants(t, http.StatusOK, "All other browsers are signed out")
	other.get("/account").leadsTo(t, "/signin?next=%2Faccount")
	third.get("/account").leadsTo(t, "/signin?next=%2Faccount")
	own := b.get("/account/places").field("id")
	b.press("/account/places", "/account/places/end", "id", own).leadsTo(t, "/signin?note=out")
	b.get("/account").leadsTo(t, "/signin?next=%2Faccount")
}

func TestMyData(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob\nsignin9 A\nA.ns> PRP 30 PHH 555\nA.ns< PRP 30 {v+1} PHH 555")
	b := p.browser("alice")
	b.does(contacts, "/account/contacts/block", "who", carolAt)
	b.get("/account/data").wants(t, http.StatusOK, `href="/account/data.json"`, `href="/account/contacts.ctt"`)
	a := b.get("/account/data.json")
	a.wants(t, http.StatusOK)
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="account.json"` {
		t.Errorf("Content-Disposition: %s", got)
	}
	moment := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	text := moment.ReplaceAllString(a.text, "2026-01-02T03:04:05Z")
	documented, err := os.ReadFile("../../docs/account-data.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(documented), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	var got, want any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(example), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it is not as documented (-docs +got):\n%s\n%s", diff, a.text)
	}
	if strings.Contains(a.text, "argon2") {
		t.Error("a hash is in it")
	}
}

func TestAnAccountIsDeleted(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B")
	b, other := p.browser("alice"), p.browser("alice")
	b.get("/account/delete").wants(t, http.StatusOK, "with one contact", "cannot be taken back")
	b.press("/account/delete", "/account/delete", "password", "wrong-one").wants(t, http.StatusUnprocessableEntity, "not your present password")
	b.press("/account/delete", "/account/delete", "password", "secret-alice").leadsTo(t, "/account/gone")
	p.Play("A.ns< OUT SSD\nA.ns x\nB.ns< FLN alice@example.com")
	b.get("/account/gone").wants(t, http.StatusOK, "Your account is deleted", `href="/join"`)
	b.get("/account").leadsTo(t, "/signin?next=%2Faccount")
	other.get("/account").leadsTo(t, "/signin?next=%2Faccount")
	if diff := cmp.Diff(map[string]string{}, p.lists("bob")); diff != "" {
		t.Errorf("bob's lists (-want +got):\n%s", diff)
	}
	other.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized)
}

func TestTheAuditLogTellsOfOwners(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	p := settle(t, map[string]string{"audit.file": path})
	p.Play("signin9 A")
	b, _ := p.browser("alice"), p.browser("alice")
	b.does("/account", "/account/name", "name", "Al")
	b.does("/account/places", "/account/places/messenger")
	b.does("/account/places", "/account/places/others")
	b.get("/account/data.json")
	b.does("/account", "/account/password", "present", "secret-alice", "password", "new-secret", "again", "new-secret")
	b.press("/account/delete", "/account/delete", "password", "new-secret").leadsTo(t, "/account/gone")
	text := read(t, path)
	for _, what := range []audit.What{
		audit.AccountRenamed, audit.SessionEnded, audit.DataExported, audit.PasswordChanged, audit.AccountDeleted,
	} {
		line := regexp.MustCompile(`"event":"` + string(what) + `","user":"alice@example.com".*"by":"its owner, at the website from 127.0.0.1"`)
		if !line.MatchString(text) {
			t.Errorf("the audit log does not say who did it: %s\n%s", what, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the audit log has a password")
	}
}
