package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeFile is what npm installs, as package-lock.json has it.
const axeFile = "node_modules/axe-core/axe.min.js"

// axeSource is the text of axe-core, without what it would return.
var axeSource = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile(axeFile)
	if err != nil {
		return "", fmt.Errorf("axe-core is missing, which looks for what shuts people out; run scripts/setup, or npm ci in internal/webtest: %w", err)
	}
	return string(text) + "; void 0", nil
})

// barrier is what axe found on a page.
type barrier struct {
	ID, Impact, Help string
	Nodes            []string
}

// Barriers are asked for once in light, with all rules, and once in dark and narrow, with those that
// could come out otherwise there.
const (
	allRules = `{resultTypes: ["violations"]}`
	inDark   = `{resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]}}`
)

// passable complains of everything on a page that shuts somebody out.
func (p *person) passable(name, rules string) {
	p.t.Helper()
	source, err := axeSource()
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	has, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!window.axe`))
	if err == nil && !has {
		err = chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](source))
	}
	if err != nil {
		p.t.Fatalf("%s: load axe: %v", name, err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, `+rules+`).then(({ violations }) => JSON.stringify(violations.map(
		({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map((n) => n.html + " " + n.failureSummary) }))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: run axe: %v", name, err)
	}
	var found []barrier
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.t.Fatal(err)
	}
	for _, b := range found {
		if b.Impact != "serious" && b.Impact != "critical" {
			p.t.Logf("%s: %s (%s): %s", name, b.ID, b.Impact, b.Help)
			continue
		}
		p.t.Errorf("%s: %s (%s): %s\n\t%s", name, b.ID, b.Impact, b.Help, strings.Join(b.Nodes, "\n\t"))
	}
}

// sound complains of what every page must have, and of what is wider than a small phone.
func (p *person) sound(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	problems, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`(() => {
		const problems = [];
		const headings = document.querySelectorAll("h1").length;
		if (headings !== 1) problems.push(headings + " headings of the first order");
		if (!document.title.trim()) problems.push("no title");
		if (!document.documentElement.lang) problems.push("no language");
		if (document.scrollingElement.scrollWidth > innerWidth) {
			const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
			problems.push("wider than " + innerWidth + " pixels: " + wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(" "));
		}
		return problems;
	})()`))
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	for _, problem := range problems {
		p.t.Errorf("%s: %s", name, problem)
	}
}

// complaints are what a browser said of pages, and where it went though it should not have.
type complaints struct {
	mu   sync.Mutex // leaf
	said []string
}

func (c *complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// take returns what was said since the last time.
func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

// watch listens to the browser.
func (p *person) watch() *complaints {
	p.t.Helper()
	home, err := url.Parse(p.base)
	if err != nil {
		p.t.Fatal(err)
	}
	c := new(complaints)
	went := func(address string) {
		if u, err := url.Parse(address); err != nil || u.Host != home.Host && u.Scheme != "data" && u.Scheme != "blob" {
			c.add("it asks for %s", address)
		}
	}
	err = chromedp.Listen(p.ctx, func(ev any) {
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			went(e.Request.URL)
		case *network.EventWebSocketCreated:
			went(e.URL)
		case *log.EventEntryAdded:
			c.add("the browser logs: %s %s", e.Entry.Text, e.Entry.URL)
		case *runtime.EventConsoleAPICalled:
			c.add("the page logs: %s %s", e.Type, e.Args[0].Description)
		case *runtime.EventExceptionThrown:
			c.add("an exception: %s", e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// examine looks at everything there is to see, closely.
func (p *person) examine(w *world, looks []look) {
	p.t.Helper()
	heard := p.watch()
	defer func() {
		if p.t.Failed() {
			p.t.Logf("the browser said: %q", heard.take())
		}
	}()
	for _, l := range looks {
		p.resize(1280, 900)
		p.prefer("light")
		p.see(w, l)
		p.passable(l.name+" in light", allRules)
		p.resize(360, 740)
		p.prefer("dark")
		if l.again {
			l.there(p)
		}
		p.sound(l.name)
		if !l.other {
			p.passable(l.name+" in dark", inDark)
		}
		for _, said := range heard.take() {
			if l.status == 0 || !strings.Contains(said, fmt.Sprintf("status of %d", l.status)) { // which it was to have
				p.t.Errorf("%s: %s", l.name, said)
			}
		}
	}
}

func TestEveryPage(t *testing.T) {
	w := street(t)
	guides := w.guideLooks()
	sit := func(t *testing.T) *person {
		t.Parallel()
		p := w.sit(chromium(t))
		p.t = t
		return p
	}
	t.Run("for everybody", func(t *testing.T) { sit(t).examine(w, visitorLooks()) })
	t.Run("guides", func(t *testing.T) { sit(t).examine(w, guides) })
	t.Run("handbook", func(t *testing.T) { sit(t).examine(w, handbookLooks()) })
	t.Run("chapters", func(t *testing.T) { sit(t).leaf(w) })
	t.Run("account", func(t *testing.T) {
		alice := sit(t)
		alice.signIn("alice", "/account")
		alice.examine(w, accountLooks())
	})
	t.Run("administration", func(t *testing.T) {
		p := sit(t)
		w := office(t)
		p.base = w.base
		p.signIn("dave", "/admin")
		p.examine(w, adminLooks())
	})
	t.Run("messenger", func(t *testing.T) {
		alice := sit(t)
		alice.signIn("alice", "/account")
		alice.examine(w, w.messengerLooks())
	})
}

// leaf goes through all of the handbook on a small phone.
func (p *person) leaf(w *world) {
	p.t.Helper()
	p.resize(360, 740)
	heard := p.watch()
	seen := map[string]bool{"/docs": true}
	for pages := []string{"/docs"}; len(pages) > 0; pages = pages[1:] {
		for _, m := range chapters.FindAllStringSubmatch(w.get(pages[0]), -1) {
			if !seen[m[1]] {
				seen[m[1]] = true
				pages = append(pages, m[1])
			}
		}
		p.see(w, look{name: pages[0], path: pages[0]})
		p.sound(pages[0])
		for _, said := range heard.take() {
			p.t.Errorf("%s: %s", pages[0], said)
		}
	}
	if len(seen) < 40 {
		p.t.Errorf("the handbook has %d pages", len(seen))
	}
}
