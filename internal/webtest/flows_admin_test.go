package webtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"monarch/internal/im"
	"monarch/msnclient"
)

// serve makes somebody an operator, and has him look at a page.
func (w *world) serve(nick string, role im.Role, path string) *person {
	w.t.Helper()
	if err := w.fix.Store.SetRole(w.t.Context(), w.p.User(nick).ID, role); err != nil {
		w.t.Fatal(err)
	}
	p := w.sit(chromium(w.t))
	p.signIn(nick, path)
	return p
}

// tells waits until something on the page says a text.
func (p *person) tells(selector, text string) {
	p.t.Helper()
	p.until(selector+" says "+text, fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

func TestOverviewIsLive(t *testing.T) {
	w := newWorld(t)
	p := w.serve("dave", im.Administrator, "/admin")
	p.do("leave a mark, and open the table", chromedp.Evaluate[chromedp.Void](`window.mark = true; document.querySelector("details").open = true; document.querySelector(".choice a").focus()`))
	p.tells("#figures div:first-child dd", "0")
	w.signIn("bob")
	p.tells("#figures div:first-child dd", "1")
	p.until("the page is as it was", `window.mark && document.querySelector("details").open && document.activeElement.matches(".choice a")`)
	w.cut()
	p.tells("[data-lost]:not([hidden])", "does not answer")
	w.mend()
	p.until("the note is gone", `document.querySelector("[data-lost]").hidden`)
	w.fix.Server.Addr("web") // it is the same server
	w.signIn("carol")
	p.tells("#figures div:first-child dd", "2")
	if err := w.fix.Store.SetRole(t.Context(), w.p.User("dave").ID, im.NoRole); err != nil {
		t.Fatal(err)
	}
	p.tells("[data-over]:not([hidden])", "not kept up to date")
}

func TestHalfFilledFormsSurvive(t *testing.T) {
	w := newWorldWith(t, map[string]string{"protocol.alerts": "on"})
	bob := w.signIn("bob")
	p := w.serve("dave", im.Administrator, "/admin/people/bob@example.com")
	p.do("begin an alert", chromedp.Click(chromedp.CSS(".deeds details:first-of-type summary")), chromedp.SendKeys(chromedp.CSS("#text"), "The picnic is"))
	p.tells("#session", "MSNMSGR")
	bob.Close()
	p.tells("#session", "Not signed in")
	w.signIn("bob")
	p.tells("#session", "MSNMSGR")
	p.until("what was typed is there, and the cursor", `document.querySelector("#text").value === "The picnic is" && document.activeElement.id === "text"`)
	p.do("go on", chromedp.SendKeys(chromedp.CSS("#text"), " at seven"))
	p.goes("send it", chromedp.Click(chromedp.CSS(`form[action$="/alert"] button`)))
	p.tells("#notice", "sees the alert")
	p.goes("end the session", chromedp.Click(chromedp.CSS("#end")))
	p.tells("#notice", "has ended")
}

func TestSessionsAreEnded(t *testing.T) {
	w := newWorld(t)
	for _, nick := range []string{"alice", "bob"} {
		_, err := msnclient.Dial(t.Context(), w.once(nick))
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.serve("dave", im.Moderator, "/admin/sessions")
	p.tells("#sessions", "alice@example.com")
	p.tells("#sessions", "bob@example.com")
	p.goes("look for bob", chromedp.SendKeys(chromedp.CSS("#text"), "BOB@"), enter())
	p.until("alice is left out", `document.querySelectorAll("#sessions tr").length === 1`)
	p.goes("end it", chromedp.Click(chromedp.CSS("#sessions button")))
	p.tells("#notice", "bob@example.com has ended")
	p.until("the search is as it was", `document.querySelector("#text").value === "BOB@"`)
	p.tells("#sessions", "Nobody fits")
	p.tells("#count", "One person is signed in")
}

func TestPeopleAreManaged(t *testing.T) {
	w := newWorld(t)
	p := w.serve("dave", im.Administrator, "/admin/people")
	p.goes("make an account", chromedp.Click(chromedp.CSS(".work-head a")))
	p.do("fill it in", chromedp.SendKeys(chromedp.CSS("#email"), "grace@example.com"), chromedp.SendKeys(chromedp.CSS("#name"), "Grace"))
	p.goes("send it", chromedp.Click(chromedp.CSS("main form .primary")))
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	password, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#secret").textContent`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.signInAs("grace@example.com", password); err != nil {
		t.Fatalf("she cannot sign in with %q: %v", password, err)
	}
	p.do("look for her", chromedp.Navigate(p.base+"/admin/people?find=GRA"))
	p.tells("#people", "signed in")
	p.goes("go to her", chromedp.Click(chromedp.CSS("#people a")))
	p.tells("h1", "Grace")
	p.goes("lock her out", chromedp.Click(chromedp.CSS(`details:has(form[action$="/lock"]) summary`)), chromedp.Click(chromedp.CSS(`form[action$="/lock"] .danger`)))
	p.tells("#notice", "is locked")
	if _, err := w.signInAs("grace@example.com", password); err == nil {
		t.Error("she can sign in")
	}
	p.goes("let her in", chromedp.Click(chromedp.CSS(`form[action$="/unlock"] button`)))
	p.do("say that she is to go", chromedp.Click(chromedp.CSS(`details:has(form[action$="/delete"]) summary`)),
		chromedp.SendKeys(chromedp.CSS("#address"), "grace@example.com"), chromedp.SendKeys(chromedp.CSS("#own-delete"), "a guess"))
	p.goes("send it", chromedp.Click(chromedp.CSS(`form[action$="/delete"] .danger`)))
	p.tells(`form[action$="/delete"]`, "not your present password")
	p.do("say it again", chromedp.SendKeys(chromedp.CSS("#address"), "grace@example.com"), chromedp.SendKeys(chromedp.CSS("#own-delete"), "secret-dave"))
	p.goes("send it", chromedp.Click(chromedp.CSS(`form[action$="/delete"] .danger`)))
	p.tells("#notice", "is deleted")
}

func TestModeratorsAndOthers(t *testing.T) {
	w := newWorldWith(t, map[string]string{"protocol.alerts": "on"})
	carol := w.serve("carol", im.Moderator, "/admin")
	w.serve("dave", im.Administrator, "/admin")
	w.signIn("dave")
	carol.do("look at dave", chromedp.Navigate(w.base+"/admin/people/dave@example.com"))
	carol.says("Only administrators")
	carol.until("nothing is offered but an alert", `document.querySelectorAll(".deeds summary").length === 1`)
	carol.do("look at bob", chromedp.Navigate(w.base+"/admin/people/bob@example.com"))
	carol.until("a role is not offered", `document.querySelectorAll(".deeds summary").length > 3 && !document.querySelector('form[action$="/role"]')`)
	bob := w.sit(chromium(t))
	bob.signIn("bob", "/account")
	bob.until("nothing leads there", `!document.querySelector('a[href^="/admin"]')`)
	bob.do("go there", chromedp.Navigate(w.base+"/admin"))
	bob.tells("h1", "Nothing here")
}

func TestNetworksAndInvites(t *testing.T) {
	w := newWorldWith(t, map[string]string{"accounts.registration": "invite"})
	p := w.serve("dave", im.Administrator, "/admin/networks")
	p.do("deny a network", chromedp.SendKeys(chromedp.CSS("#network"), "203.0.113.0/24"), chromedp.SendKeys(chromedp.CSS("#reason"), "spam"))
	p.goes("send it", enter())
	p.tells("#rules", "203.0.113.0/24")
	p.do("deny oneself", chromedp.SendKeys(chromedp.CSS("#network"), "127.0.0.0/8"))
	p.goes("send it", enter())
	p.says("lock out yourself")
	p.until("nothing was done", `!document.querySelector("#rules").innerText.includes("127.")`)
	p.goes("take the rule back", chromedp.Click(chromedp.CSS("#rules button")))
	p.tells("#rules", "no rule")
	p.do("go to the codes", chromedp.Navigate(w.base+"/admin/invites"))
	p.do("for two", chromedp.SetValue(chromedp.CSS("#uses"), "2"))
	p.goes("make a code", chromedp.Click(chromedp.CSS(`form[action$="/make"] button`)))
	p.tells("#invites", "2 people")
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	link, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#invites a").href`))
	if err != nil || !strings.HasPrefix(link, w.base+"/join?code=") {
		t.Errorf("the link is %q, %v", link, err)
	}
	if !strings.Contains(w.get(strings.TrimPrefix(link, w.base)), `action="/join"`) {
		t.Error("it leads nowhere")
	}
	p.do("copy it", chromedp.Click(chromedp.CSS("#invites [data-copies]")))
	p.until("it says so", `document.querySelector("#invites [data-copies]").innerText === "Copied"`)
	p.goes("revoke it", chromedp.Click(chromedp.CSS(`#invites button[form="revoking"]`)))
	p.tells("#invites", "No code is good")
}

func TestTheEndIsAnnouncedWithoutScripts(t *testing.T) {
	w := newWorld(t)
	if err := w.fix.Store.SetRole(t.Context(), w.p.User("dave").ID, im.Administrator); err != nil {
		t.Fatal(err)
	}
	p := w.sit(chromium(t))
	set(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	submit := func(form string) { p.leave("send "+form, fmt.Sprintf(`document.querySelector(%q).click()`, form)) }
	has := func(want string) {
		t.Helper()
		if text := p.text(); !strings.Contains(text, want) {
			t.Fatalf("the page does not say %q: %s", want, text)
		}
	}
	p.do("sign in", chromedp.Navigate(p.base+"/signin?next=/admin/notices"),
		chromedp.SendKeys(chromedp.CSS("#handle"), daves), chromedp.SendKeys(chromedp.CSS("#password"), "secret-dave"))
	submit("main form button")
	has("None is announced")
	submit(`form[action$="/announce"] button`)
	has("The end is announced")
	has("The service ends in 15 minutes")
	submit(`form[action$="/cancel"] button`)
	has("The end is taken back")
}

// once is how somebody signs in who does not come back after lost connections.
func (w *world) once(nick string) msnclient.Config {
	return msnclient.Config{Handle: nick + "@example.com", Password: "secret-" + nick, TLS: &tls.Config{RootCAs: w.fix.Roots()}, Dialer: w.dial}
}
