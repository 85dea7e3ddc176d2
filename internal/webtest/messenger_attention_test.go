package webtest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"monarch/msnclient"
)

// witness notes in the page what cannot be seen in it: tones that are played, notifications that
// are shown, and how often the browser was asked to allow them. Everything happens all the same.
const witness = `
window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.tones++;
  return start.apply(this, when);
};
window.shown = [];
window.asked = 0;
window.Notification = class extends Notification {
  constructor(title, options) {
    if (window.likeAPhone) throw new TypeError("Illegal constructor");
    super(title, options);
    window.shown.push(this);
  }
  static requestPermission() {
    window.asked++;
    return super.requestPermission();
  }
};`

// witnessed has what cannot be seen noted in the pages of the window.
func (p *person) witnessed() {
	p.t.Helper()
	p.do("note what cannot be seen", chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		_, err := cdp.Call(ctx, c, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: witness})
		return err
	}))
}

// notifications says whether the browser allows them.
func (p *person) notifications(setting browser.PermissionSetting) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: setting, Origin: p.base,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil {
		p.t.Fatal("set a permission:", err)
	}
}

// window minimizes the window of the browser, or makes it normal again.
func (p *person) window(state browser.WindowState, sight string) {
	p.t.Helper()
	p.do("make the window "+string(state), chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		w, err := chromedp.CallBrowser(ctx, browser.GetWindowForTarget, browser.GetWindowForTargetParams{TargetID: c.TargetID})
		if err != nil {
			return err
		}
		_, err = chromedp.CallBrowser(ctx, browser.SetWindowBounds, browser.SetWindowBoundsParams{
			WindowID: w.WindowID, Bounds: &browser.Bounds{WindowState: state},
		})
		return err
	}))
	p.until("the page is "+sight, `document.visibilityState === `+quote(sight))
}

func TestSoundsAndNotifications(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nmutual alice carol")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.witnessed()
	alice.messenger("alice")
	alice.sees(bobs, "online")
	says := func(text string) {
		t.Helper()
		within(t, func(ctx context.Context) error {
			_, err := bob.Send(ctx, alices, msnclient.Text{Body: text})
			return err
		})
	}
	alice.open(carols)
	says("is it quiet?")
	alice.until("there is something unread", `document.title.startsWith("(1)") && document.querySelector(".task.fresh")`)
	if n := number(alice, "tones + shown.length + asked"); n != 0 {
		t.Errorf("there were %d tones, notifications and questions before anybody wanted them", n)
	}

	alice.notifications(browser.PermissionSettingDenied)
	alice.taps("#options")
	alice.taps("dialog .check:nth-of-type(1) input")
	alice.until("there is a sound to know it by", "tones > 0")
	alice.taps("dialog .check:nth-of-type(2) input")
	alice.until("it is told that the browser does not allow it", `document.querySelector("dialog .problem").textContent !== "" && asked === 1`)
	alice.notifications(browser.PermissionSettingGranted)
	alice.taps("dialog .check:nth-of-type(2) input")
	alice.until("they are allowed", `asked === 2 && document.querySelector("dialog .problem").textContent === ""`)
	alice.picture("messenger-options")
	alice.closes()

	alice.do("listen", chromedp.Evaluate[chromedp.Void]("tones = 0"))
	alice.window(browser.WindowStateMinimized, "hidden")
	says("look here")
	alice.until("there is a sound", "tones > 0")
	alice.until("there is a notification", `shown.length === 1 && shown[0].title === "Bob" && shown[0].body === "look here"`)
	alice.do("press it", chromedp.Evaluate[chromedp.Void](`shown[0].dispatchEvent(new Event("click"))`))
	alice.until("it leads to the conversation", `document.querySelector(".chat:not([hidden]) .title").textContent === "Bob"`)
	alice.do("be on a phone", chromedp.Evaluate[chromedp.Void]("likeAPhone = true"))
	says("and here")
	alice.do("ask the workers", chromedp.Evaluate[chromedp.Void](`setInterval(async () => {
		const all = await navigator.serviceWorker.getRegistrations();
		window.byWorkers = (await Promise.all(all.map((r) => r.getNotifications()))).flat().map((n) => n.body).join();
	}, 100)`))
	alice.until("a worker shows it", `window.byWorkers === "and here"`)
	alice.window(browser.WindowStateNormal, "visible")
	alice.until("all is read", `!document.title.startsWith("(")`)
}
