// Package webtest tests the website as people see it: in Chromium, against the server that users
// run, with people on msnclient at the other side. What pages and scripts do is web's; what is
// tried without a browser is tried there.
package webtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what must come.
const patience = 90 * time.Second

// quiet are the flags that keep Chromium at home and make it the same everywhere.
var quiet = append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
	chromedp.NoSandbox,
	chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-domain-reliability", true),
	chromedp.Flag("no-pings", true),
	chromedp.Flag("disable-gpu", true),
	chromedp.Flag("disable-features", "OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,"+
		"CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions"),
	chromedp.Flag("lang", "en-US"),
	chromedp.Flag("force-color-profile", "srgb"),
	chromedp.Flag("hide-scrollbars", false),
	chromedp.WSURLReadTimeout(patience),
)

// shared is the browser of all tests. Everybody who sits down at it has cookies of his own.
var shared struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// chromium returns the browser, which the first test starts and the last one leaves running.
func chromium(t *testing.T) context.Context {
	t.Helper()
	shared.once.Do(startBrowser)
	if shared.err != nil {
		t.Fatal("start chromium:", shared.err)
	}
	return shared.ctx
}

func startBrowser() {
	program := ""
	for _, name := range []string{"chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		shared.err = errors.New("chromium is missing, in which the website is tested; install the Debian package chromium: apt-get install chromium")
		return
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(quiet), chromedp.ExecPath(program))...)
	shared.ctx, _ = chromedp.NewContext(ctx)
	shared.stop = func() {
		_ = chromedp.Cancel(shared.ctx) // which waits for it; it may be gone
		stop()
	}
	shared.err = chromedp.Do(shared.ctx)
}

// person is somebody at a browser of his own, with his own cookies.
type person struct {
	t    *testing.T
	ctx  context.Context
	base string // address of the site
}

// sit gives somebody a window, as large as a desktop's.
func (w *world) sit(browser context.Context) *person {
	w.t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &person{t: w.t, ctx: ctx, base: w.base}
	// The window lasts as long as the context that it is opened with.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		end()
		w.t.Fatal("open a window:", err)
	}
	var listening sync.WaitGroup
	messages := chromedp.Console(ctx)
	listening.Go(func() {
		for m, err := range messages {
			if err != nil {
				return // the window is closed
			}
			if m.IsException() || strings.Contains(m.String(), "Content Security Policy") {
				w.t.Errorf("the page complains: %s", m)
			}
		}
	})
	w.t.Cleanup(func() {
		end()
		listening.Wait()
	})
	return p
}

// do does things in the browser, which must not take for ever.
func (p *person) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v\nthe page says: %s", what, err, p.text())
	}
}

// text returns what the page says now.
func (p *person) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits until an expression of JavaScript is true in the page, or in the one that it leads
// to.
func (p *person) until(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	next := time.NewTicker(25 * time.Millisecond)
	defer next.Stop()
	for {
		// It fails while one page gives way to another.
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is {
			return
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			p.t.Fatalf("wait until %s: %v\nthe page says: %s", what, err, p.text())
		}
	}
}

// goes does something that leads to another page, or to the same one anew, and waits for that.
func (p *person) goes(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.do("mark the page", chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.left = ""`))
	p.do(what, actions...)
	p.until(what+" leads somewhere", `!("left" in document.documentElement.dataset) && document.readyState === "complete"`)
}

// signIn signs somebody of the fixture in at the website and goes to a page.
func (p *person) signIn(nick, path string) {
	p.t.Helper()
	p.signInAs(nick+"@example.com", "secret-"+nick, path)
}

// signInAs does the same with anybody.
func (p *person) signInAs(handle, password, path string) {
	p.t.Helper()
	p.do("ask for "+path, chromedp.Navigate(p.base+"/signin?next="+path))
	p.goes("sign in as "+handle,
		chromedp.SetValue(chromedp.CSS("#handle"), handle),
		chromedp.SetValue(chromedp.CSS("#password"), password),
		chromedp.Submit(chromedp.CSS("#password")),
	)
	p.until("the page is there", fmt.Sprintf("location.pathname === %q", path))
}

// picture keeps a picture of the page, when somebody wants to look at it: SCREENSHOTS names a
// directory.
func (p *person) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal("take a picture:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// quote writes a text as JavaScript does.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// enter presses the key as keyboards do, so that what it types is the page's to refuse.
func enter() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
			return err
		}
		key.Type, key.Text = input.DispatchKeyEventTypeKeyUp, ""
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key)
		return err
	})
}
