package web_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/web"
)

// promote gives somebody a role.
func (p *place) promote(name string, role im.Role) {
	p.t.Helper()
	if err := p.Store.SetRole(p.t.Context(), p.User(name).ID, role); err != nil {
		p.t.Fatal(err)
	}
}

// adminPages are those that one can look at.
var adminPages = []string{
	"/admin", "/admin?span=day", "/admin/people", "/admin/people?find=a&by=name", "/admin/people?show=locked", "/admin/people/new",
	"/admin/people/bob@example.com", "/admin/people/bob@example.com/contacts",
	"/admin/sessions", "/admin/sessions?text=bob", "/admin/nodes", "/admin/networks", "/admin/invites", "/admin/notices", "/admin/audit", "/admin/audit?user=bob@example.com&since=day", "/admin/tokens", "/admin/webhooks",
}

func TestAdminPages(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	p.Play("list bob FL carol\nlist bob AL carol\n")
	b := p.browser("alice")
	for _, language := range []string{"en", "de", "es"} {
		b.header.Set("Accept-Language", language)
		for _, path := range adminPages {
			b.header.Del("Hx-Request")
			b.get(path).wants(t, http.StatusOK, "</html>")
			b.header.Set("Hx-Request", "true")
			if a := b.get(path); a.Header.Get("Monarch-Live") != "" {
				a.wants(t, http.StatusOK, "hx-swap-oob")
			}
		}
	}
}

// csrf matches what forms carry.
var csrf = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// ask sends a request to a route, with a form that has nothing in it but what every form has.
func (b *browser) ask(pattern, who string) answer {
	b.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.ReplaceAll(path, "{who}", who)
	if method == http.MethodGet {
		return b.get(path)
	}
	return b.post(path, url.Values{"_csrf": {csrf.FindStringSubmatch(b.get("/").text)[1]}})
}

func TestAdminRoutesAreForRoles(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	p.promote("bob", im.Moderator)
	stranger, carol, bob, alice := (&site{t: t, base: "http://" + p.Server.Addr("web")}).browse(), p.browser("carol"), p.browser("bob"), p.browser("alice")
	routes := web.AdminRoutes()
	if len(routes) < 20 {
		t.Fatalf("there are %d routes", len(routes))
	}
	for pattern, scope := range routes {
		if !slices.Contains(admin.AllScopes(), scope) {
			t.Errorf("%s has the scope %q, which is none", pattern, scope)
		}
		if a := stranger.ask(pattern, "erin@example.com"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/signin?") {
			t.Errorf("%s: a stranger gets %d", pattern, a.StatusCode)
		}
		carol.ask(pattern, "erin@example.com").wants(t, http.StatusNotFound, "Nothing here")
		a := bob.ask(pattern, "erin@example.com")
		if may := admin.Allows(im.Moderator, scope); may == (a.StatusCode == http.StatusForbidden) || a.StatusCode == http.StatusNotFound || a.StatusCode >= 500 {
			t.Errorf("%s: a moderator gets %d; whether he may is %v", pattern, a.StatusCode, may)
		}
		if a := alice.ask(pattern, "erin@example.com"); a.StatusCode == http.StatusForbidden || a.StatusCode == http.StatusNotFound || a.StatusCode >= 500 {
			t.Errorf("%s: an administrator gets %d", pattern, a.StatusCode)
		}
		if strings.HasPrefix(pattern, "POST /admin/people/{who}/") && !strings.HasSuffix(pattern, "/alert") {
			bob.ask(pattern, "alice@example.com").wants(t, http.StatusForbidden)
		}
	}
	if _, err := p.Store.User(t.Context(), "erin@example.com"); err != nil {
		t.Errorf("erin is gone: %v", err)
	}
}

// A role is that of the moment: it is not kept from one request to the next.
func TestWhoLosesHisRoleLosesThePages(t *testing.T) {
	p := settle(t, nil)
	p.promote("bob", im.Moderator)
	b := p.browser("bob")
	b.get("/").wants(t, http.StatusOK, `href="/admin"`)
	b.get("/admin").wants(t, http.StatusOK, "Overview")
	p.promote("bob", im.NoRole)
	b.get("/admin").wants(t, http.StatusNotFound)
	if a := b.get("/"); strings.Contains(a.text, `href="/admin"`) {
		t.Error("the first page leads there")
	}
}

// recorded returns what the audit log has since the test began.
func (p *place) recorded(path string) (all []audit.Entry) {
	p.t.Helper()
	err := audit.Read(path, time.Time{}, func(e audit.Entry) error {
		e.Line = nil
		all = append(all, e)
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func TestWhatOperatorsDoIsRecordedAsTheirs(t *testing.T) {
	path := t.TempDir() + "/audit.log"
	p := settle(t, map[string]string{"audit.file": path})
	p.promote("alice", im.Administrator)
	b := p.browser("alice")
	const bob = "/admin/people/bob@example.com"
	b.send(bob, bob+"/name", "name", "Robert").leadsTo(t, bob)
	b.send(bob, bob+"/lock").leadsTo(t, bob)
	b.send(bob, bob+"/unlock").leadsTo(t, bob)
	b.send(bob, bob+"/role", "role", "moderator", "own", "wrong").wants(t, http.StatusUnprocessableEntity, "not your present password")
	b.send(bob, bob+"/role", "role", "moderator", "own", "secret-alice").leadsTo(t, bob)
	b.send("/admin/invites", "/admin/invites/make", "uses", "3", "days", "7").leadsTo(t, "/admin/invites")
	b.send("/admin/notices", "/admin/notices/announce", "minutes", "60").leadsTo(t, "/admin/notices")
	b.send("/admin/notices", "/admin/notices/cancel").leadsTo(t, "/admin/notices")
	b.send("/admin/people/new", "/admin/people/new", "email", "frank@example.com", "password", "a password").leadsTo(t, "/admin/people/frank@example.com")
	var got []string
	for _, e := range p.recorded(path) {
		if e.By == "alice@example.com" {
			got = append(got, e.Event+" "+e.User)
		}
	}
	want := []string{
		"account renamed bob@example.com", "account disabled bob@example.com", "account enabled bob@example.com", "role changed bob@example.com",
		"invite code made ", "shutdown announced ", "shutdown cancelled ", "account added frank@example.com",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded are %q, want %q", got, want)
	}
}

func TestPasswordsAndDeleting(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	b := p.browser("alice")
	const bob = "/admin/people/bob@example.com"
	shown := regexp.MustCompile(`<code id="secret">([^<]+)</code>`).FindStringSubmatch(b.send(bob, bob+"/password").text)
	if shown == nil {
		t.Fatal("no password is shown")
	}
	u := p.User("bob")
	if ok, err := auth.NewHasher(1, 1, auth.Params{}).Check(t.Context(), netip.Addr{}, u.PasswordHash, shown[1]); err != nil || !ok {
		t.Errorf("%q is not his password: %v", shown[1], err)
	}
	b.send(bob, bob+"/password", "password", "typed by hand").leadsTo(t, bob)
	b.send(bob, bob+"/delete", "address", "alice@example.com", "own", "secret-alice").wants(t, http.StatusUnprocessableEntity, "Nothing was deleted")
	b.send(bob, bob+"/delete", "address", "bob@example.com", "own", "guess").wants(t, http.StatusUnprocessableEntity)
	b.send(bob, bob+"/delete", "address", "BOB@example.com", "own", "secret-alice").leadsTo(t, "/admin/people")
	b.get(bob).wants(t, http.StatusNotFound)
}

// Nobody takes from himself what he needs to undo it.
func TestOperatorsStay(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	b := p.browser("alice")
	const self = "/admin/people/alice@example.com"
	page := b.get(self)
	page.wants(t, http.StatusOK, "Another name")
	for _, deed := range []string{"/lock", "/role", "/delete"} {
		if strings.Contains(page.text, self+deed) {
			t.Errorf("the page offers %s", deed)
		}
		b.post(self+deed, url.Values{"_csrf": {csrf.FindStringSubmatch(page.text)[1]}, "address": {"alice@example.com"}, "own": {"secret-alice"}}).
			wants(t, http.StatusForbidden)
	}
}

// TestAlertsAreOfferedWhereTheyReachSomebody looks at the pages of somebody who is signed in and of somebody who is not.
func TestAlertsAreOfferedWhereTheyReachSomebody(t *testing.T) {
	for _, alerts := range []string{"on", "off"} {
		p := settle(t, map[string]string{"protocol.alerts": alerts})
		p.promote("alice", im.Administrator)
		p.Play("signin9 B, until USR")
		b := p.browser("alice")
		const bob, carol = "/admin/people/bob@example.com", "/admin/people/carol@example.com"
		if got := strings.Contains(b.get(bob).text, bob+"/alert"); got != (alerts == "on") {
			t.Errorf("alerts are %s, and one is offered: %v", alerts, got)
		}
		page := b.get(carol).text
		if strings.Contains(page, carol+"/alert") {
			t.Errorf("alerts are %s, and one is offered for somebody who is not signed in", alerts)
		}
		if got := strings.Contains(page, "while this person is signed in"); got != (alerts == "on") {
			t.Errorf("alerts are %s, and the page says when one can be sent: %v", alerts, got)
		}
		// Whoever had the form before is told why, with what he wrote.
		why := map[string]string{"on": "This person is not signed in", "off": "Alerts are switched off"}[alerts]
		form := url.Values{"_csrf": {csrf.FindStringSubmatch(page)[1]}, "text": {"Cake in the kitchen"}}
		b.post(carol+"/alert", form).wants(t, http.StatusUnprocessableEntity, why, "Cake in the kitchen")
	}
}

func TestAnAccountThatThereIsNot(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	b := p.browser("alice")
	for _, path := range []string{"/admin/people/nobody@example.com", "/admin/people/nobody@example.com/contacts"} {
		b.get(path).wants(t, http.StatusNotFound, "No such account", "nobody@example.com", `href="/admin/people">Back to all people`)
	}
	p.browser("bob").get("/admin/people/nobody@example.com").wants(t, http.StatusNotFound, "Nothing here", `href="/">`)
}

func TestWebhooksShowTheirIDs(t *testing.T) {
	p := settle(t, nil)
	p.promote("alice", im.Administrator)
	hook, err := admin.Local(p.Server.Admin()).AddWebhook(t.Context(), admin.NewWebhook{URL: "https://example.com/hook", Events: []string{"account.*"}})
	if err != nil {
		t.Fatal(err)
	}
	p.browser("alice").get("/admin/webhooks").wants(t, http.StatusOK, "<code>"+hook.ID+"</code>")
}
