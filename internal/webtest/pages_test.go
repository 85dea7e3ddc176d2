package webtest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"monarch/internal/store"
	"monarch/msnclient"
)

// look is something that a website shows. Tests look at all of them, in this order.
type look struct {
	name   string // of its pictures
	path   string // "": where the one before it was
	as     string // accounts.registration, where that matters
	status int    // 0: 200
	there  func(p *person)
	again  bool // what is there is to be done again in another window
	plain  bool // no picture of it: another is much the same
	other  bool // it is made of what the one before it is made of
}

// street is a server whose pages have something on them, as clients elsewhere would find it.
func street(t *testing.T) *world {
	w := newWorldWith(t, map[string]string{
		"limits.rates": "off", "service.host": outside, "dispatch.advertise": outside + ":1863", "accounts.proof_of_work": "8",
		"smtp.host": "127.0.0.1", "smtp.port": "25", "smtp.tls": "none", "smtp.from": "monarch@example.com",
	})
	w.p.Play(`nick bob Bob%20(gone%20fishing)
		nick carol Carol%20%E2%99%AB
		group alice Friends
		group alice School
		list alice FL bob 1
		list alice FL carol 1
		list alice FL erin 2
		list alice AL bob
		list alice AL carol
		list alice BL erin
		list bob FL alice
		list bob AL alice
		list carol FL alice
		list carol AL alice
		mutual bob carol
		list dave FL alice`)
	now := time.Now()
	ctx := t.Context()
	in := store.SignUp{Handle: "frank@example.com", Name: "Frank"}
	if err := w.fix.Store.AddSignUpLetter(ctx, "to-confirm", in, now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := w.fix.Store.AddResetLetter(ctx, "to-reset", w.p.User("bob"), now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return w
}

// visitorLooks are for people who have not signed in.
func visitorLooks() []look {
	return []look{
		{name: "home", path: "/"},
		{name: "design", path: "/design"},
		{name: "not-found", path: "/nowhere", status: http.StatusNotFound},
		{name: "foreign", path: "/signin", status: http.StatusForbidden, there: func(p *person) {
			p.leave("send a form that is not ours", `const form = document.querySelector("main form"); form._csrf.value = ""; form.submit()`)
		}},
		{name: "join", path: "/join", as: "open"},
		{name: "join-problems", path: "/join", status: http.StatusUnprocessableEntity, there: func(p *person) {
			p.leave("fill the form in badly", `const form = document.querySelector("main form");
				form.handle.value = "nobody"; form.elements.name.value = "N".repeat(400); form.submit()`)
		}},
		{name: "join-invite", path: "/join?code=MNRC-2003", as: "invite"},
		{name: "join-closed", path: "/join", as: "closed"},
		{name: "join-sent", path: "/join/sent", as: "open"},
		{name: "join-confirm", path: "/join/confirm?token=to-confirm"},
		{name: "join-confirm-old", path: "/join/confirm?token=never", status: http.StatusGone, plain: true},
		{name: "signin", path: "/signin"},
		{name: "signin-wrong", path: "/signin", status: http.StatusUnauthorized, there: func(p *person) {
			p.leave("send a wrong password", `const form = document.querySelector("main form");
				form.handle.value = "alice@example.com"; form.password.value = "wrong"; form.submit()`)
		}},
		{name: "signin-confirmed", path: "/signin?note=confirmed", plain: true},
		{name: "reset", path: "/reset"},
		{name: "reset-sent", path: "/reset/sent", plain: true},
		{name: "reset-new", path: "/reset/new?token=to-reset"},
		{name: "reset-old", path: "/reset/new?token=never", status: http.StatusGone, plain: true},
		{name: "account-gone", path: "/account/gone"},
		{name: "connect", path: "/connect"},
		{name: "connect-patch", path: "/connect/patch"},
		{name: "connect-patch-done", there: (*person).patchAProgram},
	}
}

// handbookLooks are the contents of the handbook, a chapter, and what is made otherwise: long tables,
// pictures, a page under another one.
func handbookLooks() []look {
	return []look{
		{name: "docs", path: "/docs"},
		{name: "docs-install", path: "/docs/install"},
		{name: "docs-troubleshooting", path: "/docs/troubleshooting", plain: true},
		{name: "docs-configuration", path: "/docs/configuration", plain: true},
		{name: "docs-commands", path: "/docs/commands", plain: true},
		{name: "docs-performance", path: "/docs/performance", plain: true},
		{name: "docs-clients-pidgin", path: "/docs/clients/pidgin", plain: true},
		{name: "docs-index", path: "/docs/index"},
	}
}

// accountLooks are Alice's.
func accountLooks() []look {
	return []look{
		{name: "home-signed-in", path: "/"},
		{name: "welcome", path: "/welcome?long=1"},
		{name: "account", path: "/account"},
		{name: "account-contacts", path: "/account/contacts"},
		{name: "account-changed", there: func(p *person) {
			p.do("add a group", chromedp.SendKeys(chromedp.CSS("#new-group"), "Choir"), enter(), chromedp.WaitVisible(chromedp.CSS("#notice .note")))
			p.do("remove it", chromedp.Click(chromedp.CSS("#dissolve-3")), chromedp.WaitNotPresent(chromedp.CSS("#dissolve-3")))
		}, plain: true},
		{name: "account-contact", path: "/account/contact?who=bob@example.com"},
		{name: "account-stranger", path: "/account/contact?who=dave@example.com", plain: true},
		{name: "account-privacy", path: "/account/privacy"},
		{name: "account-import", path: "/account/import"},
		{name: "account-import-preview", there: (*person).importAList},
		{name: "account-places", path: "/account/places"},
		{name: "account-data", path: "/account/data"},
		{name: "account-delete", path: "/account/delete"},
	}
}

var (
	chapters = regexp.MustCompile(`href="(/docs/[^"#]+)`)
	programs = regexp.MustCompile(`<a href="/connect/([a-z0-9-]+)">`)
	systems  = regexp.MustCompile(`<a href="(/connect/[a-z0-9-]+\?system=([a-z0-9]+))"`)
)

// guideLooks are the guides: each program on each of its systems, as the pages themselves lead there.
func (w *world) guideLooks() []look {
	var all []look
	for _, program := range programs.FindAllStringSubmatch(w.get("/connect"), -1) {
		name := program[1]
		if name == "patch" || slices.ContainsFunc(all, func(l look) bool { return l.name == "connect-"+name }) {
			continue
		}
		all = append(all, look{name: "connect-" + name, path: "/connect/" + name})
		for i, system := range systems.FindAllStringSubmatch(w.get("/connect/"+name), -1) {
			if i > 0 { // the first is shown unless one asks
				all = append(all, look{name: "connect-" + name + "-" + system[2], path: system[1], plain: true, other: true})
			}
		}
	}
	if len(all) < 10 {
		w.t.Fatalf("there are %d guides", len(all))
	}
	return all
}

// get returns the source of a page.
func (w *world) get(path string) string {
	w.t.Helper()
	resp, err := http.Get(w.base + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return string(text)
}

// messengerLooks are Alice's, who talks with Bob and Carol.
func (w *world) messengerLooks() []look {
	bob, carol := w.signIn("bob"), w.signIn("carol")
	within(w.t, func(ctx context.Context) error { return bob.SetPicture(ctx, &msnclient.Picture{Data: seaside(w.t)}) })
	return messengerLooks(bob, carol)
}

func messengerLooks(bob, carol *msnclient.Client) []look {
	opened := func(what string, clicks ...string) func(p *person) {
		return func(p *person) {
			p.close()
			for _, selector := range clicks {
				p.do("open "+what, chromedp.Click(chromedp.CSS(selector)))
			}
			p.until(what+" is open", `document.querySelector("dialog[open], :popover-open")`)
		}
	}
	chat := ".chat:not([hidden]) "
	return []look{
		{name: "messenger", path: "/messenger", there: func(p *person) {
			p.online()
			p.sees(bobs, "online")
			p.sees(carols, "online")
		}},
		{name: "messenger-add", again: true, there: opened("the dialog to add", "#add")},
		{name: "messenger-name", again: true, there: opened("the dialog for the name", "#my-name"), plain: true},
		{name: "messenger-group", again: true, there: opened("the dialog for a group", "#new-group"), plain: true},
		{name: "messenger-menu", again: true, there: opened("a menu", `[data-handle="bob@example.com"] ~ .more`)},
		{name: "messenger-options", again: true, there: opened("the options", "#options")},
		{name: "messenger-emoticons", again: true, there: opened("own emoticons", "#options", "dialog .window-body .button"), plain: true},
		{name: "messenger-picture", again: true, there: opened("the dialog for a picture", "#my-picture"), plain: true},
		{name: "messenger-conversation", there: func(p *person) {
			p.close()
			p.converse(bob)
		}},
		{name: "messenger-colours", again: true, there: opened("the colours", chat+"[data-do=colour]"), plain: true},
		{name: "messenger-picker", again: true, there: opened("the emoticons", chat+"[data-do=emoticons]")},
		{name: "messenger-invite", again: true, there: opened("the dialog to invite", chat+"[data-do=invite]"), plain: true},
		{name: "messenger-chat-of-three", there: func(p *person) {
			p.do("invite carol",
				chromedp.SetValue(chromedp.CSS("dialog select"), carols),
				chromedp.Click(chromedp.CSS("dialog .button.primary")),
				chromedp.WaitNotPresent(chromedp.CSS("dialog")))
			p.until("the group is open", `document.querySelectorAll(".chat:not([hidden]) .side li").length === 2`)
			p.say("Who has the tickets?")
			heard := await(p.t, carol, func(e msnclient.TextReceived) bool { return e.Text.Body == "Who has the tickets?" })
			within(p.t, func(ctx context.Context) error {
				return heard.Chat.Send(ctx, msnclient.Text{Body: "I do. Seven o'clock at the door (Y)"})
			})
			p.reads("I do. Seven o'clock at the door ")
		}},
	}
}

// converse is a conversation of Alice's with somebody.
func (p *person) converse(bob *msnclient.Client) {
	p.t.Helper()
	p.open(bobs)
	p.say("Are you coming tonight? :)")
	heard := await(p.t, bob, func(e msnclient.TextReceived) bool { return true })
	for _, text := range []msnclient.Text{
		{Body: "Yes! I have found the old webcam :D", Font: "Comic Sans MS", Effects: "B", Color: 0x8b1c6a},
		{Body: "What do I bring?"},
	} {
		within(p.t, func(ctx context.Context) error { return heard.Chat.Send(ctx, text) })
		p.reads(strings.TrimSuffix(text.Body, ":D"))
	}
	if err := heard.Chat.Nudge(); err != nil {
		p.t.Fatal(err)
	}
	p.until("a nudge came", `document.querySelector(".line.theirs.nudge")`)
	p.until("bob's picture is there", `document.querySelector(".side .other")?.naturalWidth === 96`)
	p.say("Crisps, and a long cable")
	p.reads("Crisps, and a long cable")
	p.until("it is sent", `[...document.querySelectorAll(".line.mine .fate")].every((e) => e.hidden)`)
}

// seaside is a picture that people like to show: the sun over the sea.
func seaside(t *testing.T) []byte {
	t.Helper()
	const size = 96
	m := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		x, y := i%size, i/size
		c := color.RGBA{uint8(110 + y), uint8(170 + y/2), 235, 255}
		switch dx, dy := x-64, y-34; {
		case y > 58 && (x+2*y)%14 < 2:
			c = color.RGBA{150, 205, 225, 255}
		case y > 58:
			c = color.RGBA{20, uint8(150 - y/2), 170, 255}
		case dx*dx+dy*dy < 16*16:
			c = color.RGBA{255, 206, 74, 255}
		}
		m.Set(x, y, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// close closes what is open above the page.
func (p *person) close() {
	p.t.Helper()
	p.do("close what is open", chromedp.Evaluate[chromedp.Void](
		`document.querySelectorAll(":popover-open").forEach((e) => e.hidePopover()); document.querySelectorAll("dialog").forEach((e) => e.close())`))
}

// leave runs what leads to another page, and waits until that is there.
func (p *person) leave(what, script string) {
	p.t.Helper()
	p.do(what, chromedp.Evaluate[chromedp.Void]("window.here = true; {"+script+"}"))
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!window.here && document.readyState === "complete"`))
		if there || ctx.Err() != nil {
			if err != nil || !there {
				p.t.Fatalf("%s: no other page comes: %v", what, err)
			}
			return
		}
	}
}

// patchAProgram gives the patcher something that looks like a program, and has a name to change.
func (p *person) patchAProgram() {
	p.t.Helper()
	program := make([]byte, 0x200, 0x400)
	copy(program, "MZ")
	program[0x3c] = 0x80
	copy(program[0x80:], "PE\x00\x00")
	program = append(program, "messenger.hotmail.com\x00"...)
	file := filepath.Join(p.t.TempDir(), "msnmsgr.exe")
	if err := os.WriteFile(file, program, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.do("choose a program", chromedp.SetUploadFiles(chromedp.CSS("#program"), []string{file}), chromedp.WaitVisible(chromedp.CSS("[data-result]")))
}

// importAList gives the account a list of contacts to look through.
func (p *person) importAList() {
	p.t.Helper()
	const list = `<?xml version="1.0"?><messenger><service name=".NET Messenger Service"><contactlist>
		<contact>bob@example.com</contact><contact>dave@example.com</contact><contact>grace@example.net</contact><contact>no address</contact>
		</contactlist></service></messenger>`
	file := filepath.Join(p.t.TempDir(), "contacts.ctt")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.do("choose a list", chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
	p.leave("look at it", `document.querySelector("main form").submit()`)
}

// see goes to what is to be looked at.
func (p *person) see(w *world, l look) {
	p.t.Helper()
	if l.as != "" {
		if _, err := w.fix.Reload(map[string]string{"accounts.registration": l.as}); err != nil {
			p.t.Fatal(err)
		}
	}
	if l.path != "" {
		p.do("go to "+l.path, chromedp.Navigate(p.base+l.path))
	}
	if l.there != nil {
		l.there(p)
	}
	p.until(l.name+" is there", `document.readyState === "complete"`)
}

// set calls a command of the browser that changes how pages are shown.
func set[P any](p *person, cmd cdp.Command[P, cdp.Empty], params P) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		p.t.Fatalf("%s: %v", cmd.Method, err)
	}
}

// prefer is what the browser says of its person's taste: light or dark. Nothing moves.
func (p *person) prefer(scheme string) {
	p.t.Helper()
	set(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

func (p *person) resize(width, height int64) {
	p.t.Helper()
	p.do("take another window", chromedp.EmulateViewport(width, height))
}

func TestPagesWithoutScripts(t *testing.T) {
	w := street(t)
	p := w.sit(chromium(t))
	set(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	// Scripts of the test work nevertheless, but nothing of the page's, and nothing that waits in it.
	submit := func(form string) {
		p.leave("send "+form, fmt.Sprintf(`document.querySelector(%q).click()`, form))
	}
	says := func(want string) {
		t.Helper()
		if text := p.text(); !strings.Contains(text, want) {
			t.Fatalf("the page does not say %q: %s", want, text)
		}
	}
	p.do("fill in the form", chromedp.Navigate(p.base+"/signin?next=/account"),
		chromedp.SendKeys(chromedp.CSS("#handle"), alices), chromedp.SendKeys(chromedp.CSS("#password"), "secret-alice"))
	submit("main form button")
	says(alices)
	p.do("write another name", chromedp.Clear(chromedp.CSS("#name")), chromedp.SendKeys(chromedp.CSS("#name"), "Alice without scripts"))
	submit("main form button")
	if name := w.p.User("alice").Name; name != "Alice without scripts" {
		t.Errorf("she is called %s", name)
	}
	p.do("go to the contacts", chromedp.Navigate(p.base+"/account/contacts"))
	says("Dave")
	p.do("go to the messenger", chromedp.Navigate(p.base+"/messenger"))
	says("JavaScript")
	submit("header form button")
	p.do("go to the account", chromedp.Navigate(p.base+"/account"))
	says("Password")
}
