package webtest

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"monarch/msnclient"
)

// isTold waits until the line on the connection is in a state and says something.
func (p *person) isTold(state, text string) {
	p.t.Helper()
	p.until("she is told: "+text, `((line) => line.dataset.state === `+quote(state)+` && line.innerText.includes(`+quote(text)+`))(document.getElementById("state"))`)
}

func TestTheServiceAnnouncesItsEnd(t *testing.T) {
	w := newWorldWith(t, map[string]string{"protocol.alerts": "on"})
	w.p.Play("mutual alice bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	w.p.Play("operator alert alice text=Tomorrow%20there%20is%20%3Ci%3Ea%20rest%3C/i%3E url=https://example.com/news")
	alice.until("an alert stays, as text, with its link", `((e) => e?.textContent.includes("<i>a rest</i>") &&
		e.querySelector("a").href === "https://example.com/news" && e.querySelector("a").rel.includes("noopener"))(document.querySelector(".alert"))`)
	alice.picture("messenger-alert")
	alice.taps(".alert button")
	alice.until("it is put away", `!document.querySelector(".alert") && document.activeElement !== document.body`)

	w.p.Play("operator notice 5m")
	alice.isTold("stopping", "in 5 minutes")
	alice.do("load the page again", chromedp.Reload())
	alice.isTold("stopping", "minutes")
	alice.picture("messenger-stopping")
	w.p.Play("operator stop\nstopped")
	alice.isTold("waiting", "The service has been stopped.")
	w.cut()
	w.p.Play("restart")
	w.mend()
	alice.isTold("online", "Connected")
	bob := w.signIn("bob")
	alice.sees(bobs, "online")
	alice.open(bobs)
	alice.say("here again")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "here again" })
}

func TestTheSessionEndsAtTheWebsite(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.pair()
	alice.do("begin to write", chromedp.SendKeys(chromedp.CSS(".chat:not([hidden]) textarea"), "half a line"))
	w.p.Play("operator password alice changed-secret")
	alice.isTold("offline", "You are signed out of this site.")
	alice.until("nothing is tried in vain", `document.getElementById("state-button").hidden && document.getElementById("state-link").checkVisibility()`)
	alice.picture("messenger-signed-out")
	alice.do("go to sign in", chromedp.Click(chromedp.CSS("#state-link")))
	alice.until("there is the form", `location.pathname === "/signin" && document.getElementById("password")`)
	alice.do("sign in", chromedp.SetValue(chromedp.CSS("#handle"), alices), chromedp.SetValue(chromedp.CSS("#password"), "changed-secret"),
		chromedp.Submit(chromedp.CSS("#password")))
	alice.until("the messenger is there", `location.pathname === "/messenger"`)
	alice.online()
	alice.until("what was written is there", `document.querySelector(".chat:not([hidden]) textarea")?.value === "half a line"`)
	alice.sees(bobs, "online")
	alice.do("send it", chromedp.Focus(chromedp.CSS(".chat:not([hidden]) textarea")), enter())
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "half a line" })
}

func TestLongTexts(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.pair()
	writes := func(text string) {
		t.Helper()
		alice.do("write a long text", chromedp.Evaluate[chromedp.Void](`((e) => {
			e.value = `+text+`;
			e.dispatchEvent(new Event("input"));
			e.focus();
		})(document.querySelector(".chat:not([hidden]) textarea"))`))
	}
	writes(`"Größe 🦋 ".repeat(500)`)
	alice.do("send it", enter())
	var heard strings.Builder
	want := strings.Repeat("Größe 🦋 ", 500)
	for parts := 0; heard.Len() < len(want); parts++ {
		e := await[msnclient.TextReceived](t, bob, nil)
		heard.WriteString(e.Text.Body)
		if parts > 10 {
			t.Fatal("there are too many parts")
		}
	}
	if heard.String() != want {
		t.Errorf("what arrives is not what was written: %q", heard.String())
	}
	alice.until("it is one line here", `document.querySelectorAll(".line.mine").length === 1 && document.querySelector(".line.mine .fate").hidden`)

	writes(`"x".repeat(8001)`)
	alice.until("it is too long", `((e) => e.checkVisibility() && e.textContent.includes("8001"))(document.querySelector(".chat .warn"))`)
	alice.do("try all the same", enter())
	alice.until("nothing is sent or lost", `document.querySelectorAll(".line.mine").length === 1 && document.querySelector(".chat textarea").value.length === 8001`)
	writes(`"y".repeat(10)`)
	alice.do("send it", enter())
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "yyyyyyyyyy" })

	// What the switchboard takes and cannot pass on: bob has gone without a word.
	within(t, func(context.Context) error { return bob.Close() })
	alice.sees(bobs, "dot")
	alice.say("too late")
	alice.until("it is not delivered, and can be sent again", `((e) => e?.textContent.includes("Not delivered.") && e.querySelector("button"))(
		document.querySelector(".line.mine:last-child .fate.failed"))`)
}

// languages are what the messenger says in others than English.
var languages = map[string]struct{ add, away string }{
	"de": {"Kontakt hinzufügen", "Abwesend"},
	"es": {"Agregar un contacto", "Ausente"},
}

func TestTheMessengerInOtherLanguages(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\ngroup alice Friends\nlist carol FL alice")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.do("take a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateScale(2)))
	alice.messenger("alice")
	for language, says := range languages {
		alice.do("speak "+language, chromedp.Evaluate[chromedp.Void](`document.cookie = "language=`+language+`; path=/"`), chromedp.Reload())
		alice.online()
		alice.sees(bobs, "online")
		alice.until("it speaks "+language, `document.documentElement.lang === `+quote(language)+` &&
			document.getElementById("add").textContent === `+quote(says.add)+` &&
			document.querySelector("#status [value=AWY]").textContent === `+quote(says.away))
		within(t, func(ctx context.Context) error {
			_, err := bob.Send(ctx, alices, msnclient.Text{Body: "in " + language})
			return err
		})
		alice.until("there is something unread", `document.querySelector(".contact .badge.unread")`)
		alice.saysEverything(language)
		alice.fits("the list in " + language)
		alice.picture("messenger-" + language + "-list")
		alice.taps("#options")
		alice.saysEverything(language)
		alice.fits("the options in " + language)
		alice.picture("messenger-" + language + "-options")
		alice.closes()
		alice.open(bobs)
		alice.reads("in " + language)
		alice.do("be nudged", chromedp.Click(chromedp.CSS(".chat:not([hidden]) [data-do=nudge]")))
		// A page with something unsent would ask before it lets itself be loaded again.
		alice.until("the nudge has arrived", `document.querySelector(".chat:not([hidden]) .line.mine.nudge .fate").hidden`)
		alice.saysEverything(language)
		alice.fits("the conversation in " + language)
		alice.picture("messenger-" + language + "-conversation")
	}
}

// saysEverything complains about texts that the language has not got.
func (p *person) saysEverything(language string) {
	p.t.Helper()
	p.until("nothing is left as a key or a placeholder in "+language, `![...document.querySelectorAll("body, body *")].some((e) =>
		[...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && /messenger\.[a-z]|\{[a-z]+\}/.test(n.data)) ||
		/messenger\.[a-z]|\{[a-z]+\}/.test(e.ariaLabel ?? ""))`)
}
