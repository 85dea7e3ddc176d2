package webtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// visit goes to a page by its address.
func (p *person) visit(path string) {
	p.t.Helper()
	p.do("go to "+path, chromedp.Navigate(p.base+path))
}

// types types into fields of the form that is sent to a path. Fields are given in pairs: the name
// and what comes into it in place of what was there.
func (p *person) types(form string, fields ...string) {
	p.t.Helper()
	for i := 0; i+1 < len(fields); i += 2 {
		p.do("type the "+fields[i],
			chromedp.WaitVisible(chromedp.CSS(`form[action="`+form+`"] [name="`+fields[i]+`"]`)),
			chromedp.Evaluate[chromedp.Void](`((field) => { field.focus(); field.select(); })(document.querySelector(`+
				quote(`form[action="`+form+`"] [name="`+fields[i]+`"]`)+`))`),
			chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
				_, err := cdp.Call(ctx, c, input.InsertText, input.InsertTextParams{Text: fields[i+1]})
				return err
			}))
	}
}

// sends types into a form and sends it by its first button, which leads to a page.
func (p *person) sends(form string, fields ...string) {
	p.t.Helper()
	p.types(form, fields...)
	p.goes("send the form for "+form, chromedp.Click(chromedp.CSS(`form[action="`+form+`"] button`)))
}

// at waits until a page is there.
func (p *person) at(path string) {
	p.t.Helper()
	p.until("the page is "+path, `location.pathname + location.search === `+quote(path)+` && document.readyState === "complete"`)
}

// says waits until the page says something.
func (p *person) says(text string) {
	p.t.Helper()
	p.until("the page says "+text, `document.querySelector("main").innerText.includes(`+quote(text)+`)`)
}

// clicks presses what matches a selector, which leads to a page.
func (p *person) clicks(selector string) {
	p.t.Helper()
	p.goes("press "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// value returns what an expression of JavaScript is in the page.
func value[T any](p *person, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// problem waits until a field has a problem that is told beside it and to screen readers.
func (p *person) problem(field, text string) {
	p.t.Helper()
	p.until(field+" has a problem: "+text, `((field) => field.getAttribute("aria-invalid") === "true" &&
		field.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id))
			.some((e) => e.checkVisibility() && e.closest(".field, li") === field.closest(".field, li") && e.textContent.includes(`+quote(text)+`)))
		(document.getElementById(`+quote(field)+`))`)
}

// withoutScripts switches JavaScript off in the window, from the next page on.
func (p *person) withoutScripts() {
	p.t.Helper()
	p.do("switch scripts off", chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		_, err := cdp.Call(ctx, c, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// saves presses what matches a selector and returns the file that the browser has saved then, and
// the name that it gave it.
func (p *person) saves(selector string) (content []byte, name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	dir, enabled := p.t.TempDir(), true
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir, EventsEnabled: &enabled,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil {
		p.t.Fatal("allow to save files:", err)
	}
	begun, progress := chromedp.BrowserEvents(ctx, browser.DownloadWillBegin), chromedp.BrowserEvents(ctx, browser.DownloadProgress)
	p.do("save "+selector, chromedp.Click(chromedp.CSS(selector)))
	id := ""
	for e, err := range begun {
		if err != nil {
			p.t.Fatalf("save %s: nothing begins: %v", selector, err)
		}
		id, name = e.GUID, e.SuggestedFilename
		break
	}
	for e, err := range progress {
		if err != nil || e.GUID == id && e.State == browser.DownloadProgressStateCanceled {
			p.t.Fatalf("save %s: it is not finished: %v", name, err)
		}
		if e.GUID == id && e.State == browser.DownloadProgressStateCompleted {
			break
		}
	}
	if content, err = os.ReadFile(filepath.Join(dir, id)); err != nil {
		p.t.Fatal(err)
	}
	return content, name
}

// contains complains unless a text has others in it.
func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", what, want, text)
		}
	}
}
