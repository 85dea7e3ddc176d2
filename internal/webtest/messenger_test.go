package webtest

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"monarch/msnclient"
)

const (
	alices = "alice@example.com"
	bobs   = "bob@example.com"
	carols = "carol@example.com"
)

// drawing makes a picture of one colour.
func drawing(t *testing.T, size int, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		m.Set(i%size, i/size, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// messenger signs somebody in and waits until the messenger is connected.
func (p *person) messenger(nick string) {
	p.t.Helper()
	p.signIn(nick, "/messenger")
	p.online()
}

// pair lets alice open a conversation in the browser with bob, who is on msnclient.
func (w *world) pair() (alice *person, bob *msnclient.Client) {
	w.t.Helper()
	w.p.Play("mutual alice bob")
	bob = w.signIn("bob")
	alice = w.sit(chromium(w.t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.open(bobs)
	return alice, bob
}

func (p *person) online() {
	p.t.Helper()
	p.until("the messenger is connected", `document.getElementById("state").dataset.state === "online"`)
}

// sees waits until somebody on the list is shown with a status, as the dot has it.
func (p *person) sees(handle, dot string) {
	p.t.Helper()
	p.until(handle+" is "+dot, `document.querySelector('[data-handle="`+handle+`"] .dot.`+dot+`')`)
}

// open opens the conversation with somebody.
func (p *person) open(handle string) {
	p.t.Helper()
	p.do("open the conversation with "+handle,
		chromedp.Click(chromedp.CSS(`.contact[data-handle="`+handle+`"]`)),
		chromedp.WaitVisible(chromedp.CSS(".chat:not([hidden]) textarea")))
}

// say types something and sends it.
func (p *person) say(text string) {
	p.t.Helper()
	p.do("say "+text, chromedp.SendKeys(chromedp.CSS(".chat:not([hidden]) textarea"), text), enter())
}

// reads waits until the conversation in front shows a text.
func (p *person) reads(text string) {
	p.t.Helper()
	p.until("somebody says "+text, `[...document.querySelectorAll(".chat:not([hidden]) .said")].some((e) => e.textContent === `+quote(text)+`)`)
}

// within does something that must not take for ever.
func within(t *testing.T, do func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWebMessengerTalksWithOtherClients(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\ngroup alice Friends")
	bob := w.signIn("bob")
	red := drawing(t, 96, color.RGBA{200, 20, 20, 255})
	within(t, func(ctx context.Context) error { return bob.SetPicture(ctx, &msnclient.Picture{Data: red}) })
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.picture("messenger-list")

	alice.open(bobs)
	alice.say("hello <b>Bob</b> :)")
	heard := await(t, bob, func(e msnclient.TextReceived) bool { return true })
	if heard.Text.Body != "hello <b>Bob</b> :)" || heard.From != alices {
		t.Errorf("bob hears %q from %s", heard.Text.Body, heard.From)
	}
	alice.until("the line is sent", `document.querySelector(".line.mine .fate").hidden`)
	alice.until("the emoticon is a picture", `document.querySelector(".line.mine .said img[alt=':)']")`)
	alice.until("markup is text", `!document.querySelector(".line.mine .said b")`)

	if err := heard.Chat.Typing(); err != nil {
		t.Fatal(err)
	}
	alice.until("bob is typing", `document.querySelector(".chat:not([hidden]) .typing").textContent.includes("Bob")`)
	within(t, func(ctx context.Context) error {
		return heard.Chat.Send(ctx, msnclient.Text{
			Body: "look: (red) <img src=x onerror=alert(1)>", Font: "Comic Sans MS", Effects: "BI", Color: 0x0000ff,
			Emoticons: map[string]*msnclient.Picture{"(red)": {Data: drawing(t, 19, color.RGBA{255, 0, 0, 255})}},
		})
	})
	alice.until("the text has its looks and is text",
		`document.querySelector(".line.theirs .said.effect-b.effect-i.face-hand")?.textContent.includes("<img src=x onerror=alert(1)>")`)
	alice.until("the custom emoticon is a picture", `document.querySelector(".line.theirs .custom img")?.naturalWidth === 19`)
	alice.until("bob's picture is there", `document.querySelector(".side .other")?.naturalWidth === 96`)
	alice.until("nobody is typing", `document.querySelector(".chat:not([hidden]) .typing").textContent === ""`)

	if err := heard.Chat.Nudge(); err != nil {
		t.Fatal(err)
	}
	alice.until("a nudge came", `document.querySelector(".line.theirs.nudge") && document.querySelector(".chat.shaking")`)
	alice.do("nudge back", chromedp.Click(chromedp.CSS(".chat:not([hidden]) [data-do=nudge]")))
	await[msnclient.NudgeReceived](t, bob, nil)
	alice.do("type", chromedp.SendKeys(chromedp.CSS(".chat:not([hidden]) textarea"), "wait"))
	await[msnclient.TypingStarted](t, bob, nil)
	alice.picture("messenger-conversation")
}

func TestWebMessengerShowsAPicture(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob")
	file := filepath.Join(t.TempDir(), "me.png")
	if err := os.WriteFile(file, drawing(t, 300, color.RGBA{20, 120, 20, 255}), 0o600); err != nil {
		t.Fatal(err)
	}
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.do("choose a picture",
		chromedp.Click(chromedp.CSS("#my-picture")),
		chromedp.SetUploadFiles(chromedp.CSS("dialog input[type=file]"), []string{file}))
	alice.until("it is shown", `document.querySelector("dialog .preview").src.startsWith("blob:")`)
	alice.picture("messenger-picture")
	alice.do("take it", chromedp.Click(chromedp.CSS("dialog .button.primary")), chromedp.WaitNotPresent(chromedp.CSS("dialog")))
	await(t, bob, func(e msnclient.PresenceChanged) bool { return e.Handle == alices && e.Picture != nil })
	within(t, func(ctx context.Context) error {
		data, err := bob.FetchPicture(ctx, alices)
		if err != nil {
			return err
		}
		got, err := png.DecodeConfig(bytes.NewReader(data))
		if err == nil && (got.Width != 96 || got.Height != 96) {
			t.Errorf("the picture is %d by %d", got.Width, got.Height)
		}
		return err
	})
	alice.do("load the page again", chromedp.Reload())
	alice.online()
	alice.until("the picture was kept", `document.querySelector("#my-picture img").src.startsWith("blob:")`)

	alice.do("make an emoticon",
		chromedp.Click(chromedp.CSS("#options")), chromedp.Click(chromedp.CSS("dialog .window-body .button")),
		chromedp.SendKeys(chromedp.CSS("dialog input[maxlength='7']"), "(me)"),
		chromedp.SetUploadFiles(chromedp.CSS("dialog input[type=file]"), []string{file}),
		chromedp.Click(chromedp.CSS("dialog:last-of-type .window-body > p > .button")),
		chromedp.WaitVisible(chromedp.CSS(".own-list img")))
	alice.picture("messenger-emoticons")
	alice.do("close the dialogs", chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("dialog").forEach((d) => d.close())`))
	alice.sees(bobs, "online")
	alice.open(bobs)
	alice.say("this is (me)")
	e := await[msnclient.EmoticonAnnounced](t, bob, nil)
	within(t, func(ctx context.Context) error {
		data, err := e.Chat.FetchObject(ctx, e.From, e.Object)
		if err != nil {
			return err
		}
		got, err := png.DecodeConfig(bytes.NewReader(data))
		if err == nil && (e.Shortcut != "(me)" || got.Width != 50) {
			t.Errorf("%q is %d wide", e.Shortcut, got.Width)
		}
		return err
	})
}

func TestTwoPeopleAtBrowsers(t *testing.T) {
	w := newWorld(t)
	browser := chromium(t)
	alice, bob := w.sit(browser), w.sit(browser)
	alice.messenger("alice")
	bob.messenger("bob")
	alice.do("add bob",
		chromedp.Click(chromedp.CSS("#add")),
		chromedp.SendKeys(chromedp.CSS("dialog input[type=email]"), bobs), enter(),
		chromedp.WaitNotPresent(chromedp.CSS("dialog")))
	bob.picture("messenger-request")
	bob.do("accept alice",
		chromedp.Click(chromedp.CSS(`.request[data-handle="`+alices+`"] .primary`)),
		chromedp.WaitNotPresent(chromedp.CSS(".request")))
	alice.sees(bobs, "online")
	bob.sees(alices, "online")
	alice.open(bobs)
	alice.say("hello")
	bob.reads("hello")
	bob.say("hello yourself")
	alice.reads("hello yourself")
}

func TestWebMessengerComesBack(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.pair()
	alice.say("before")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "before" })

	w.cut()
	alice.until("the loss is told", `document.getElementById("state").dataset.state === "waiting" && !document.getElementById("state-button").hidden`)
	alice.say("while away")
	alice.do("type", chromedp.SendKeys(chromedp.CSS(".chat:not([hidden]) textarea"), "half a line"))
	alice.picture("messenger-waiting")
	w.mend()
	alice.do("do not wait", chromedp.Evaluate[chromedp.Void](`document.getElementById("state-button").click()`))
	alice.online()
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "while away" })

	w.restart()
	alice.until("the messenger is back", `document.getElementById("state").dataset.state === "online" &&
		document.querySelector('.contact[data-handle="`+bobs+`"] .dot.online')`)
	alice.until("what was typed is there", `document.querySelector(".chat:not([hidden]) textarea").value === "half a line"`)
	alice.do("send it", chromedp.Focus(chromedp.CSS(".chat:not([hidden]) textarea")), enter())
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "half a line" })
	alice.reads("before")
	alice.reads("while away")
}

func TestSignedInElsewhere(t *testing.T) {
	w := newWorld(t)
	browser := chromium(t)
	here, there := w.sit(browser), w.sit(browser)
	here.messenger("alice")
	there.messenger("alice")
	here.until("it is told", `document.getElementById("state-text").textContent.includes("somewhere else")`)
	here.do("come back", chromedp.Click(chromedp.CSS("#state-button")))
	here.online()
	there.until("it is told there", `document.getElementById("state").dataset.state === "offline"`)
}

func TestGroupChatFromABrowser(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nmutual alice carol\nmutual bob carol")
	bob, carol := w.signIn("bob"), w.signIn("carol")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.sees(carols, "online")
	alice.open(bobs)
	alice.say("carol is here too")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "carol is here too" })
	alice.do("invite carol",
		chromedp.Click(chromedp.CSS(".chat:not([hidden]) [data-do=invite]")),
		chromedp.SetValue(chromedp.CSS("dialog select"), carols),
		chromedp.Click(chromedp.CSS("dialog .button.primary")),
		chromedp.WaitNotPresent(chromedp.CSS("dialog")))
	alice.until("the group is open", `document.querySelectorAll(".chat:not([hidden]) .side li").length === 2`)
	alice.say("hello both")
	heard := await(t, carol, func(e msnclient.TextReceived) bool { return e.Text.Body == "hello both" })
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "hello both" })
	within(t, func(ctx context.Context) error {
		return heard.Chat.Send(ctx, msnclient.Text{Body: "hello alice and bob"})
	})
	alice.reads("hello alice and bob")
	alice.picture("messenger-group")
	if err := heard.Chat.Close(); err != nil {
		t.Fatal(err)
	}
	alice.until("carol's leaving is told", `document.querySelector(".chat:not([hidden]) .line.left")`)
}

func TestMessengerOnAPhone(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\nlist carol FL alice")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.do("take a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateScale(2)))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.fits("the list")
	alice.picture("messenger-phone-list")
	within(t, func(ctx context.Context) error {
		_, err := bob.Send(ctx, alices, msnclient.Text{Body: "are you there?"})
		return err
	})
	alice.until("there is something unread", `document.querySelector(".contact .badge.unread") && document.title.startsWith("(1)")`)
	alice.open(bobs)
	alice.until("it was read", `!document.title.startsWith("(")`)
	alice.fits("the conversation")
	alice.say("yes (Y)")
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "yes (Y)" })
	alice.picture("messenger-phone-conversation")
	alice.do("wish for dark", chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
		_, err := cdp.Call(ctx, c, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return err
	}))
	alice.picture("messenger-phone-dark")
	alice.do("open the emoticons", chromedp.Click(chromedp.CSS(".chat:not([hidden]) [data-do=emoticons]")), chromedp.WaitVisible(chromedp.CSS(".picker")))
	alice.picture("messenger-phone-emoticons")
	alice.do("close them", chromedp.Evaluate[chromedp.Void](`document.querySelector(".picker").hidePopover()`))
	alice.do("go back", chromedp.Click(chromedp.CSS(".chat:not([hidden]) .back")), chromedp.WaitVisible(chromedp.CSS("#list")))
	alice.do("take a desktop", chromedp.EmulateViewport(1280, 900))
	alice.open(bobs)
	alice.picture("messenger-dark")
}

// fits complains when something is wider than the window.
func (p *person) fits(what string) {
	p.t.Helper()
	p.until(what+" is no wider than the window", `document.scrollingElement.scrollWidth <= innerWidth && [...document.querySelectorAll("main *")]
		.every((e) => !e.checkVisibility() || e.closest(".out-of-sight") || e.getBoundingClientRect().right <= innerWidth + 1)`)
}

// press presses keys wherever the focus is.
func (p *person) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do("press a key", chromedp.KeyEvent(key))
	}
}

// focused waits until what has the focus matches a selector.
func (p *person) focused(selector string) {
	p.t.Helper()
	p.until(selector+" has the focus", `document.activeElement.matches(`+quote(selector)+`)`)
}

func TestMessengerByKeyboard(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob\ngroup alice Friends\nlist alice FL carol 1")
	w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	alice.do("go to the list", chromedp.Focus(chromedp.CSS("#contacts [data-key=group-1]")))
	alice.press(kb.ArrowLeft)
	alice.until("the group is folded", `document.querySelector("[data-key=group-1]").ariaExpanded === "false"`)
	alice.focused("[data-key=group-1]")
	alice.press(kb.ArrowRight, kb.ArrowDown)
	alice.focused(`.contact[data-handle="` + carols + `"]`)
	alice.press("b")
	alice.focused(`.contact[data-handle="` + bobs + `"]`)
	alice.press(kb.ArrowRight)
	alice.focused(".more")
	alice.do("open the menu", enter())
	alice.focused("[role=menuitem]")
	alice.press(kb.Escape)
	alice.focused(".more")
	alice.press(kb.ArrowLeft)
	alice.do("open the conversation", enter())
	alice.focused(".chat:not([hidden]) textarea")
	alice.press(kb.Escape)
	alice.focused(`.contact[data-handle="` + bobs + `"]`)
	alice.press(kb.F6)
	alice.focused(".chat:not([hidden]) textarea")
}

func TestWhatFailedIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.p.Play("mutual alice bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.open(bobs)
	alice.say("nobody hears this")
	alice.until("it has failed, and says why", `document.querySelector(".line.mine .fate.failed")?.textContent.includes("offline")`)
	bob := w.signIn("bob")
	alice.sees(bobs, "online")
	alice.do("send it again", chromedp.Click(chromedp.CSS(".fate.failed .button")))
	await(t, bob, func(e msnclient.TextReceived) bool { return e.Text.Body == "nobody hears this" })
	alice.until("it is sent", `document.querySelector(".line.mine .fate").hidden`)
}
