package webtest

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"monarch/msnclient"
	"monarch/msnp"
)

const (
	daves = "dave@example.com"
	erins = "erin@example.com"
)

func TestGroupsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nmutual alice carol")
	w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")

	alice.taps("#new-group")
	alice.writes("input", "Friends & <i>Co</i>")
	alice.agrees()
	alice.until("the group is there", `document.querySelector("[data-key=group-1] bdi")?.textContent === "Friends & <i>Co</i>"`)
	alice.focused("#new-group")
	alice.chooses(row(bobs, ""), "Move to another group")
	alice.agrees()
	alice.isIn(bobs, "group-1")
	alice.focused(`[data-part="group-1"] .more`)
	alice.chooses(row(bobs, ""), "Copy to another group")
	alice.agrees()
	alice.isIn(bobs, "group-1 group-0")
	alice.picture("messenger-groups")
	alice.chooses(row(bobs, "group-0"), "Remove from this group")
	alice.isIn(bobs, "group-1")

	// The same by the keys alone.
	alice.do("go to the group", chromedp.Focus(chromedp.CSS("[data-key=group-1]")))
	alice.press(kb.ArrowRight)
	alice.do("open its menu", enter())
	alice.focused("[role=menuitem]")
	alice.do("rename it", enter())
	alice.focused("dialog input")
	for range 5 {
		alice.press(kb.Tab)
		alice.until("the focus stays in the dialog", `document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)`)
	}
	alice.do("write the name", chromedp.Evaluate[chromedp.Void](`document.querySelector("dialog input").select()`), chromedp.SendKeys(chromedp.CSS("dialog input"), "Family"), enter())
	alice.until("the group has its name", `!document.querySelector("dialog") && document.querySelector("[data-key=group-1] bdi").textContent === "Family"`)
	alice.focused(`[data-part="group-1"] h3 .more`)
	alice.do("open the menu again", enter())
	alice.focused("[role=menuitem]")
	alice.press(kb.ArrowDown)
	alice.do("remove the group", enter())
	alice.until("it asks", `document.querySelector("dialog p")?.textContent.includes("Family")`)
	alice.do("agree", enter())
	alice.isIn(bobs, "group-0")
	alice.until("the focus is in the list", `document.getElementById("contacts").contains(document.activeElement)`)
	alice.do("load the page again", chromedp.Reload())
	alice.online()
	alice.isIn(bobs, "group-0")
	alice.isIn(carols, "group-0")
}

func TestWhatOthersSeeOfUs(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nmutual alice carol")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	within(t, func(ctx context.Context) error { return bob.SetName(ctx, "Bob the <b>Builder</b>") })
	alice.until("bob's name follows", `document.querySelector('[data-handle="`+bobs+`"] .nick')?.textContent === "Bob the <b>Builder</b>"`)
	within(t, func(ctx context.Context) error { return bob.SetStatus(ctx, msnp.Phone) })
	alice.sees(bobs, "busy")

	alice.taps("#my-name")
	alice.writes("input", "Alice & die Königin")
	alice.agrees()
	isSeen(t, bob, "by her new name", func(e msnclient.PresenceChanged) bool { return e.Name == "Alice & die Königin" })
	alice.until("the name is shown", `document.getElementById("my-name").textContent === "Alice & die Königin"`)
	alice.becomes("BRB")
	isSeen(t, bob, "as soon back", func(e msnclient.PresenceChanged) bool { return e.Status == msnp.BRB })
	alice.becomes("HDN")
	isSeen(t, bob, "no more", func(e msnclient.PresenceChanged) bool { return e.Status == msnp.Offline })
	alice.open(bobs)
	alice.until("she is warned", `document.querySelector(".chat .warn").checkVisibility()`)
	alice.say("psst")
	alice.until("it is said why not", `document.querySelector(".line.mine .fate.failed")?.textContent.includes("appear offline")`)
	alice.becomes("NLN")
	isSeen(t, bob, "again", func(e msnclient.PresenceChanged) bool { return e.Status == msnp.Online })
	alice.taps(".fate.failed .button")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "psst" })

	alice.chooses(row(bobs, ""), "Block")
	isSeen(t, bob, "no more", func(e msnclient.PresenceChanged) bool { return e.Status == msnp.Offline })
	alice.until("the list tells", `document.querySelector('[data-handle="`+bobs+`"] .badge.bad')`)
	alice.until("the conversation tells", `document.querySelector(".chat .warn").textContent.includes("blocked")`)
	alice.picture("messenger-blocked")
	alice.taps(".chat:not([hidden]) [data-do=block]")
	isSeen(t, bob, "again", func(e msnclient.PresenceChanged) bool { return e.Status == msnp.Online })
	alice.until("the list tells no more", `!document.querySelector('[data-handle="`+bobs+`"] .badge.bad')`)

	alice.chooses(row(carols, ""), "Remove from the list")
	alice.agrees()
	alice.isIn(carols, "")
	alice.do("load the page again", chromedp.Reload())
	alice.online()
	alice.sees(bobs, "busy")
	alice.isIn(carols, "")
	alice.until("the name was kept", `document.getElementById("my-name").textContent === "Alice & die Königin"`)
}

func TestPeopleWhoHaveAddedUs(t *testing.T) {
	w := newWorld(t)
	w.p.Play("list carol FL alice\nlist dave FL alice\nlist erin FL alice")
	bob, carol := w.signIn("bob"), w.signIn("carol")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	request := func(handle, button string) string { return `.request[data-handle="` + handle + `"] ` + button }
	answers := func(handle, button string) {
		t.Helper()
		alice.taps(request(handle, button))
		alice.until(handle+" is answered", `!document.querySelector('.request[data-handle="`+handle+`"]')`)
		alice.until("the focus is somewhere", `document.activeElement !== document.body`)
	}
	alice.until("three wait", `document.querySelectorAll(".request").length === 3`)
	alice.picture("messenger-requests")
	answers(carols, ".primary")
	alice.sees(carols, "online")
	await(t, carol, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Status == msnp.Online })
	answers(daves, "[data-do=allow]")
	answers(erins, "[data-do=refuse]")
	alice.isIn(daves, "")
	alice.isIn(erins, "")

	within(t, func(ctx context.Context) error { return bob.Add(ctx, alices, "Alice", 0) })
	alice.until("who listens is told of bob", `document.getElementById("spoken").textContent.includes("Bob")`)
	answers(bobs, ".primary")
	alice.sees(bobs, "online")

	alice.taps("#options")
	alice.taps("dialog [data-do=blocked]")
	alice.until("erin is blocked", `document.querySelector('dialog [data-handle="`+erins+`"]')`)
	alice.picture("messenger-blocked-people")
	alice.taps(`dialog [data-handle="` + erins + `"] .button`)
	alice.until("nobody is blocked", `document.querySelector("dialog:last-of-type li").textContent === "You have blocked nobody."`)
	alice.closes()
	alice.focused("#options")

	alice.taps("#add")
	alice.writes("input", "nobody@example.com")
	alice.do("add nobody", enter())
	alice.until("it says why not", `document.querySelector("dialog [role=alert]")?.textContent === "Nobody here has this address."`)
	alice.writes("input", daves)
	alice.agrees()
	alice.isIn(daves, "group-0")
}

func TestMenusOnAPhone(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\ngroup alice Friends")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.do("take a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateScale(2)))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.taps(`[data-part="group-0"] li .more`)
	alice.until("the menu fits", `((r) => r && r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight)(document.querySelector("[role=menu]")?.getBoundingClientRect())`)
	alice.picture("messenger-phone-menu")
	alice.taps("[role=menuitem]:nth-child(2)")
	alice.fits("the dialog")
	alice.picture("messenger-phone-dialog")
	alice.taps("dialog .button.primary")
	alice.isIn(bobs, "group-1")
	alice.taps(row(bobs, ""))
	alice.taps(".chat:not([hidden]) [data-do=nudge]")
	await[msnclient.NudgeReceived](t, bob, nil)
	alice.taps(".chat:not([hidden]) .back")
	alice.until("the list is in sight", `document.getElementById("list").checkVisibility()`)
}
