package webtest

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"monarch/msnclient"
)

// What the tests of the messenger do again and again.

// taps presses what matches a selector.
func (p *person) taps(selector string) {
	p.t.Helper()
	p.do("press "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// writes types into a field of the dialog that is open, in place of what is there.
func (p *person) writes(field, text string) {
	p.t.Helper()
	css := chromedp.CSS("dialog:last-of-type " + field)
	p.do("write "+text, chromedp.WaitVisible(css), chromedp.SetValue(css, text))
}

// agrees presses the button that does what the dialog is for, and waits until it is closed.
func (p *person) agrees() {
	p.t.Helper()
	p.do("agree", chromedp.Click(chromedp.CSS("dialog:last-of-type .window-foot .button:first-child")))
	p.until("the dialog is closed", `!document.querySelector("dialog")`)
}

// chooses opens the menu beside a row of the list and takes what says a text.
func (p *person) chooses(row, text string) {
	p.t.Helper()
	p.do("open the menu of "+row, chromedp.Evaluate[chromedp.Void](
		`document.querySelector(`+quote(row)+`).parentElement.querySelector(".more").click()`))
	p.until("the menu offers "+text, `[...document.querySelectorAll("[role=menuitem]")].some((e) => e.textContent === `+quote(text)+`)`)
	p.do("choose "+text, chromedp.Evaluate[chromedp.Void](
		`[...document.querySelectorAll("[role=menuitem]")].find((e) => e.textContent === `+quote(text)+`).click()`))
}

// row is the selector of somebody on the list, in a group if there is a name of one.
func row(handle, group string) string {
	in := ""
	if group != "" {
		in = `[data-part="` + group + `"] `
	}
	return in + `.contact[data-handle="` + handle + `"]`
}

// isIn waits until somebody is in some groups and in no others.
func (p *person) isIn(handle, groups string) {
	p.t.Helper()
	p.until(handle+" is in "+groups, `[...document.querySelectorAll(`+quote(row(handle, ""))+`)]
		.map((e) => e.closest("section").dataset.part).join(" ") === `+quote(groups))
}

// becomes sets the status.
func (p *person) becomes(status string) {
	p.t.Helper()
	p.do("become "+status, chromedp.Evaluate[chromedp.Void](`((menu) => {
		menu.value = `+quote(status)+`;
		menu.dispatchEvent(new Event("change"));
	})(document.getElementById("status"))`))
}

// closes puts every dialog away.
func (p *person) closes() {
	p.t.Helper()
	for number(p, `document.querySelectorAll("dialog[open]").length`) > 0 {
		p.press(kb.Escape)
	}
}

// number returns a number that the page has.
func number(p *person, expression string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	n, err := chromedp.Run(ctx, chromedp.Evaluate[int](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return n
}

// isSeen waits until somebody on msnclient sees alice with a status, or a name.
func isSeen(t *testing.T, c *msnclient.Client, what string, fits func(msnclient.PresenceChanged) bool) msnclient.PresenceChanged {
	t.Helper()
	t.Log("alice is to be seen", what)
	return await(t, c, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && fits(e) })
}
