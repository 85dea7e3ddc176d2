package webtest

import (
	"context"
	"io"
	"mime/quotedprintable"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"monarch/internal/admin"
	"monarch/internal/msntest"
	"monarch/msnclient"
)

// long is a password that is a character longer than all clients send.
const long = "seventeen-letters"

// posting are the settings of a server that sends letters.
func posting(post *msntest.MailServer) map[string]string {
	return map[string]string{
		"smtp.host": "localhost", "smtp.port": strconv.Itoa(post.Port()), "smtp.tls": "none", "smtp.from": "robot@example.com",
	}
}

// follow reads a letter and goes where its only link leads.
func (p *person) follow(letter msntest.Letter) (path string) {
	p.t.Helper()
	_, body, _ := strings.Cut(letter.Text, "\r\n\r\n")
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	links := regexp.MustCompile(`https?://\S+`).FindAllString(string(text), -1)
	if len(links) != 1 || !strings.HasPrefix(links[0], p.base+"/") {
		p.t.Fatalf("links %q in:\n%s", links, text)
	}
	path = strings.TrimPrefix(links[0], p.base)
	p.visit(path)
	return path
}

// asks fills in the form to sign up and sends it.
func (p *person) asks(nick, password string) {
	p.t.Helper()
	p.visit("/join")
	p.sends("/join", "handle", nick+"@example.com", "name", nick+" <b>", "password", password, "again", password)
}

// asksByLetter is asks where the password is chosen once a letter has come.
func (p *person) asksByLetter(nick string) {
	p.t.Helper()
	p.visit("/join")
	p.sends("/join", "handle", nick+"@example.com", "name", nick+" <b>")
}

// mayTalk signs somebody in on msnclient who has just got his account, and has him heard by bob.
func (w *world) mayTalk(handle, password, name string) {
	w.t.Helper()
	bob := w.signIn("bob")
	c, err := w.signInAs(handle, password)
	if err != nil {
		w.t.Fatalf("%s cannot sign in: %v", handle, err)
	}
	within(w.t, func(ctx context.Context) error {
		chat, err := c.Send(ctx, bobs, msnclient.Text{Body: "I am new here"})
		if err != nil {
			return err
		}
		return chat.Close()
	})
	heard := await(w.t, bob, func(e msnclient.TextReceived) bool { return e.From == handle })
	if heard.Text.Body != "I am new here" || heard.Name != name {
		w.t.Errorf("bob hears %q from %q", heard.Text.Body, heard.Name)
	}
}

func TestSignUpInABrowser(t *testing.T) {
	w := newWorld(t)
	p := w.sit(chromium(t))
	p.visit("/")
	p.clicks(`main a[href="/join"]`)
	p.at("/join")
	warned := `[...document.querySelectorAll("[data-too-long]")].some((e) => e.checkVisibility())`
	p.types("/join", "handle", "frank@example.com", "name", "Frank <b>", "password", long[1:])
	p.until("16 characters are fine", `!(`+warned+`)`)
	p.types("/join", "password", long)
	p.until("17 characters are warned of", warned)
	p.until("the worker has worked", `document.querySelector("form[data-bits='18'] [name=answer]").value !== ""`)

	p.sends("/join", "again", long+"?")
	p.problem("again", "The two passwords are not the same")
	p.until("what was typed is kept, but for the passwords", `document.getElementById("handle").value === "frank@example.com" &&
		document.getElementById("name").value === "Frank <b>" && document.getElementById("password").value === ""`)
	p.sends("/join", "password", long, "again", long)
	p.at("/welcome?long=1")
	p.says("frank@example.com")
	p.says("more than 16 characters")
	p.visit("/")
	p.says("Frank <b>")
	w.mayTalk("frank@example.com", long, "Frank <b>")

	again := w.sit(chromium(t))
	again.asks("frank", "another-one")
	again.problem("handle", "There is an account with this address already")
	again.sends("/join", "handle", "grace@example.com", "password", "another-one", "again", "another-one") // after the work was done anew
	again.at("/welcome")
}

func TestSignUpByLetter(t *testing.T) {
	var post msntest.MailServer
	post.Start(t)
	w := newWorldWith(t, posting(&post))
	p := w.sit(chromium(t))
	p.asksByLetter("frank")
	p.at("/join/sent")
	p.says("A letter is on its way")
	letter := post.Next(t)
	if letter.To != "frank@example.com" || letter.From != "robot@example.com" {
		t.Errorf("a letter from %s to %s", letter.From, letter.To)
	}
	if _, err := w.fix.Store.User(t.Context(), letter.To); err == nil {
		t.Error("the account is there before the letter was read")
	}
	elsewhere := w.sit(chromium(t)) // people read letters on their phones
	link := elsewhere.follow(letter)
	elsewhere.says("frank@example.com")
	elsewhere.sends("/join/confirm", "password", "secret-frank", "again", "secret-else")
	elsewhere.problem("again", "The two passwords are not the same")
	elsewhere.sends("/join/confirm", "password", "secret-frank", "again", "secret-frank")
	elsewhere.at("/signin?note=confirmed")
	elsewhere.sends("/signin", "handle", "frank@example.com", "password", "secret-frank")
	elsewhere.at("/messenger")
	elsewhere.online()
	elsewhere.visit(link)
	elsewhere.says("no longer works")
	w.mayTalk("frank@example.com", "secret-frank", "frank <b>")

	p.asksByLetter("alice")
	p.at("/join/sent") // as for everybody
	letter = post.Next(t)
	contains(t, "the letter to somebody who has an account", letter.Text, "alice@example.com")
	p.follow(letter)
	p.until("he may choose a new password instead", `document.querySelector("form[action='/reset/new']")`)
}

func TestResetInABrowser(t *testing.T) {
	var post msntest.MailServer
	post.Start(t)
	w := newWorldWith(t, posting(&post))
	before := w.sit(chromium(t))
	before.signIn("alice", "/account")
	p := w.sit(chromium(t))
	p.visit("/signin")
	p.clicks(`main a[href="/reset"]`)
	p.sends("/reset", "handle", alices)
	p.at("/reset/sent")
	p.says("If there is an account")
	link := p.follow(post.Next(t))
	p.sends("/reset/new", "password", "another-one", "again", "another-two")
	p.problem("again", "The two passwords are not the same")
	p.sends("/reset/new", "password", "another-one", "again", "another-one")
	p.at("/signin?note=reset")
	p.sends("/signin", "handle", alices, "password", "secret-alice")
	p.says("That did not work")
	p.until("that is told of the fields", `document.getElementById("password").ariaDescribedByElements[0].textContent.startsWith("That did not work")`)
	p.sends("/signin", "handle", alices, "password", "another-one")
	p.at("/messenger")
	p.visit(link)
	p.says("no longer works")
	before.visit("/account")
	before.at("/signin?next=%2Faccount")
	if _, err := w.signInAs(alices, "secret-alice"); err == nil {
		t.Error("the old password signs in")
	}
	w.mayTalk(alices, "another-one", "Alice")
}

func TestSignUpByInvitation(t *testing.T) {
	w := newWorldWith(t, map[string]string{"accounts.registration": "invite"})
	p := w.sit(chromium(t))
	p.visit("/join")
	p.do("leave the code out", chromedp.SetValue(chromedp.CSS("#handle"), "frank@example.com"), chromedp.Click(chromedp.CSS(`form[action="/join"] button`)))
	p.until("the browser wants one", `document.querySelector("#code:invalid") && document.activeElement.id === "code"`)
	p.sends("/join", "code", "K7MQ-2XFP-9D3H", "password", "secret-frank", "again", "secret-frank")
	p.problem("code", "code")
	made, err := w.fix.Server.Admin().CreateInvite(t.Context(), admin.NewInvite{Uses: 1, ExpiresIn: int(time.Hour / time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	p.sends("/join", "code", strings.ToLower(made.Code), "password", "secret-frank", "again", "secret-frank")
	p.at("/welcome")
	w.mayTalk("frank@example.com", "secret-frank", "frank")

	other := w.sit(chromium(t))
	other.visit("/join?code=" + made.Code)
	other.sends("/join", "handle", "grace@example.com", "password", "secret-grace", "again", "secret-grace")
	other.problem("code", "code") // it was for one
	if _, err := w.fix.Store.User(t.Context(), "grace@example.com"); err == nil {
		t.Error("she got in")
	}
}

func TestSignUpWhereItIsClosed(t *testing.T) {
	w := newWorldWith(t, map[string]string{"accounts.registration": "closed"})
	p := w.sit(chromium(t))
	p.visit("/join")
	p.says("the people who run it")
	p.until("there is no form", `!document.querySelector("form[action='/join']")`)
	p.clicks(`main a[href="/signin"]`)
	p.at("/signin")
}
