package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/mail"
	"monarch/internal/msntest"
	"monarch/internal/store"
	"monarch/internal/web"
)

const bits = 8 // of the proof of work, in tests

// wanting makes the site ask for work, and lets sign up whom a registration does.
func wanting(r web.Registration) func(*web.Config) {
	return func(c *web.Config) { c.Limits.Registration, c.Limits.ProofBits = r, bits }
}

// posting gives the site a mail server.
func posting(t *testing.T, post *msntest.MailServer) func(*web.Config) {
	return func(c *web.Config) {
		post.Start(t)
		sender, err := mail.New(mail.Config{
			Host: "localhost", Port: post.Port(), Security: mail.None, From: "robot@example.com", Service: c.Name,
		}, c.Clock, c.Log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { sender.Run(ctx) })
		t.Cleanup(func() { stop(); running.Wait() })
		c.Post = func(l web.Letter) { sender.Send(mail.Letter(l)) }
	}
}

// field returns the value of a hidden field.
func (a answer) field(name string) string {
	for _, m := range hidden.FindAllStringSubmatch(a.text, -1) {
		if m[1] == name && m[2] != "" {
			return m[2]
		}
	}
	return ""
}

// solve does the work that a form wants.
func solve(challenge string) string {
	for n := 0; ; n++ {
		sum := sha256.Sum256([]byte(challenge + strconv.Itoa(n)))
		if binary.BigEndian.Uint32(sum[:])>>(32-bits) == 0 {
			return strconv.Itoa(n)
		}
	}
}

// carol is what somebody types who signs up.
var carol = []string{"handle", " Carol@Example.com ", "name", "Carol <b>", "password", "secret-carol", "again", "secret-carol"}

// chosen is what carol types where she confirms her address.
var chosen = []string{"password", "secret-carol", "again", "secret-carol"}

// join signs up, with the work that is wanted; other fields may be given.
func (b *browser) join(fields ...string) answer {
	b.t.Helper()
	page := b.get("/join")
	page.wants(b.t, http.StatusOK)
	all := append([]string{"answer", solve(page.field("challenge"))}, carol...)
	return b.submit(page, "/join", append(all, fields...)...)
}

// add makes an account.
func (s *site) add(handle, password string) im.User {
	s.t.Helper()
	hash, err := s.hasher.Hash(s.t.Context(), password)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := s.store.CreateUser(s.t.Context(), handle, "Alice", hash)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// has reports whether there is an account.
func (s *site) has(handle string) bool {
	s.t.Helper()
	_, err := s.store.User(s.t.Context(), handle)
	return err == nil
}

// link follows a letter: it returns the path of the only link in it.
func (s *site) link(l msntest.Letter) string {
	s.t.Helper()
	_, body, _ := strings.Cut(l.Text, "\r\n\r\n")
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	links := regexp.MustCompile(`https?://\S+`).FindAllString(string(text), -1)
	if len(links) != 1 || !strings.HasPrefix(links[0], s.base) {
		s.t.Fatalf("links %q in:\n%s", links, text)
	}
	return strings.TrimPrefix(links[0], s.base)
}

func TestSignUp(t *testing.T) {
	s := open(t, wanting(web.Open))
	b := s.browse()
	b.join().leadsTo(t, "/welcome")
	b.get("/welcome").wants(t, http.StatusOK, "carol@example.com")
	u, err := s.store.User(t.Context(), "carol@example.com")
	if err != nil || u.Name != "Carol <b>" {
		t.Errorf("made %+v, %v", u, err)
	}
	b.get("/").wants(t, http.StatusOK, "Carol &lt;b&gt;", "Open the messenger", "Sign out")
	b.get("/join").leadsTo(t, "/account")
	b.send("/", "/signout").leadsTo(t, "/signin?note=out")
	b.get("/").wants(t, http.StatusOK, "Get an account")
	s.browse().join().wants(t, http.StatusUnprocessableEntity, "There is an account with this address already")
}

func TestWhatIsWrongWithAForm(t *testing.T) {
	s := open(t, wanting(web.Open), func(c *web.Config) { c.Limits.Rates = false })
	for _, c := range []struct{ field, value, says string }{
		{"handle", "carol", "This is not an address"},
		{"handle", "carol@nowhere", "This is not an address"},
		{"name", strings.Repeat("é", 130), "This name is too long"},
		{"password", "short", "This password is too short"},
		{"password", strings.Repeat("x", 257), "This password is too long"},
		{"password", "secret\tcarol", "characters that cannot be typed"},
		{"again", "secret-carlo", "The two passwords are not the same"},
		{"challenge", "", "please wait"},
		{"challenge", strings.Repeat("A", 64), "open for very long"},
		{"answer", "1e3", "please wait"},
		{"answer", strings.Repeat("9", 21), "please wait"},
	} {
		b := s.browse()
		fields := []string{c.field, c.value}
		if c.field == "password" {
			fields = append(fields, "again", c.value)
		}
		got := b.join(fields...)
		got.wants(t, http.StatusUnprocessableEntity, c.says)
		if strings.Contains(got.text, "secret-car") {
			t.Errorf("%s %q: the password is in the page", c.field, c.value)
		}
	}
	if s.has("carol@example.com") {
		t.Error("there is an account")
	}
}

func TestAProofIsGoodOnceAndForAnHour(t *testing.T) {
	s := open(t, wanting(web.Open))
	b := s.browse()
	page := b.get("/join")
	proof := solve(page.field("challenge"))
	again := func(handle string) answer {
		return b.submit(page, "/join", append([]string{"answer", proof}, append(carol, "handle", handle)...)...)
	}
	again("carol@example.com").leadsTo(t, "/welcome")
	b = s.browse()
	page2 := b.get("/join")
	b.submit(page2, "/join", append([]string{"challenge", page.field("challenge"), "answer", proof}, append(carol, "handle", "dave@example.com")...)...).
		wants(t, http.StatusUnprocessableEntity, "open for very long")
	proof, page = solve(page2.field("challenge")), page2
	s.clock.Advance(time.Hour)
	again("dave@example.com").wants(t, http.StatusUnprocessableEntity, "open for very long")
	if s.has("dave@example.com") {
		t.Error("there is an account")
	}
}

func TestSignUpWithoutScripts(t *testing.T) {
	s := open(t, wanting(web.Open))
	handles := []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}
	for i, handle := range handles {
		b := s.browse()
		page := b.get("/join")
		page = b.submit(page, "/join", append(carol, "handle", handle)...)
		page.wants(t, http.StatusUnprocessableEntity, "type the password again", `value="`+handle+`"`)
		s.clock.Advance(time.Minute)
		got := b.submit(page, "/join", append(carol, "handle", handle)...)
		if i < 3 {
			got.leadsTo(t, "/welcome")
		} else {
			got.wants(t, http.StatusTooManyRequests, "A little slower")
		}
	}
}

func TestSignUpByInvitation(t *testing.T) {
	s := open(t, wanting(web.Invite))
	code := auth.Code()
	if err := s.store.AddInvite(t.Context(), store.InviteCode{Code: code, Uses: 1, MadeBy: "test"}); err != nil {
		t.Fatal(err)
	}
	b := s.browse()
	b.get("/join?code="+code).wants(t, http.StatusOK, `value="`+code+`"`)
	b.join().wants(t, http.StatusUnprocessableEntity, "This code does not work")
	b.join("code", auth.Code()).wants(t, http.StatusUnprocessableEntity, "This code does not work")
	b.join("code", strings.ToLower(code)).leadsTo(t, "/welcome")
	s.browse().join("code", code, "handle", "dave@example.com").wants(t, http.StatusUnprocessableEntity, "This code does not work")
}

func TestNobodySignsUpWhereThatIsClosed(t *testing.T) {
	s := open(t, wanting(web.Open))
	b := s.browse()
	page := b.get("/join")
	s.SetLimits(web.Limits{Rates: true, Registration: web.Closed})
	b.get("/join").wants(t, http.StatusOK, "made by the people who run it")
	b.submit(page, "/join", carol...).wants(t, http.StatusForbidden, "made by the people who run it")
}

func TestFormsToSignUpAreCounted(t *testing.T) {
	s := open(t)
	b := s.browse()
	for range 20 {
		b.send("/join", "/join").wants(t, http.StatusUnprocessableEntity)
	}
	b.send("/join", "/join").wants(t, http.StatusTooManyRequests)
}

func TestAnAddressIsConfirmed(t *testing.T) {
	var post msntest.MailServer
	s := open(t, wanting(web.Open), posting(t, &post))
	b := s.browse() // somebody's who does not read carol's letters
	b.join("password", "secret-stranger", "again", "secret-stranger").leadsTo(t, "/join/sent")
	b.get("/join/sent").wants(t, http.StatusOK, "A letter is on its way")
	letter := post.Next(t)
	if letter.To != "carol@example.com" {
		t.Errorf("the letter is for %s", letter.To)
	}
	link := s.link(letter)
	for range 2 { // a program that looks at letters may do so
		s.browse().get(link).wants(t, http.StatusOK, "carol@example.com")
	}
	if s.has("carol@example.com") {
		t.Fatal("there is an account before anybody has confirmed it")
	}
	other := s.browse()
	other.send(link, "/join/confirm").wants(t, http.StatusUnprocessableEntity, "Use at least 8 characters")
	other.send(link, "/join/confirm", "password", "secret-carol", "again", "secret-else").wants(t, http.StatusUnprocessableEntity, "not the same")
	if s.has("carol@example.com") {
		t.Fatal("there is an account without a password")
	}
	other.send(link, "/join/confirm", chosen...).leadsTo(t, "/signin?note=confirmed")
	b.signIn("carol@example.com", "secret-stranger").wants(t, http.StatusUnauthorized)
	other.get(link).wants(t, http.StatusGone, "no longer works")
	other.send("/signin?note=confirmed", "/signin", "handle", "carol@example.com", "password", "secret-carol").leadsTo(t, "/messenger")
}

func TestTheAnswerDoesNotSayWhoHasAnAccount(t *testing.T) {
	var post msntest.MailServer
	s := open(t, wanting(web.Open), posting(t, &post))
	s.add("carol@example.com", "secret")
	b := s.browse()
	b.header.Set("Accept-Language", "de")
	b.join().leadsTo(t, "/join/sent")
	letter := post.Next(t)
	if !strings.Contains(letter.Text, "Dein Konto bei Test Service") {
		t.Errorf("the letter:\n%s", letter.Text)
	}
	b.get(s.link(letter)).wants(t, http.StatusOK, "Neues Passwort")
	for range 5 {
		s.browse().join().leadsTo(t, "/join/sent")
	}
	s.browse().join("handle", "dave@example.com").leadsTo(t, "/join/sent")
	letters := 1
	for post.Next(t).To == "carol@example.com" { // then comes that to dave
		letters++
	}
	if letters != 3 {
		t.Errorf("%d letters to one address, want 3", letters)
	}
}

func TestAForgottenPassword(t *testing.T) {
	var post msntest.MailServer
	s := open(t, posting(t, &post))
	s.add("alice@example.com", "secret-alice")
	in := s.browse()
	in.signIn("alice@example.com", "secret-alice").leadsTo(t, "/messenger")

	b := s.browse()
	b.send("/reset", "/reset", "handle", "nobody@example.com").leadsTo(t, "/reset/sent")
	b.send("/reset", "/reset", "handle", "Alice@example.com").leadsTo(t, "/reset/sent")
	b.send("/reset", "/reset", "handle", "alice").wants(t, http.StatusUnprocessableEntity, "This is not an address")
	b.get("/reset/sent").wants(t, http.StatusOK, "If there is an account")
	letter := post.Next(t)
	if letter.To != "alice@example.com" {
		t.Fatalf("a letter to %s", letter.To)
	}
	link := s.link(letter)
	b.get(link).wants(t, http.StatusOK, "alice@example.com")
	b.send(link, "/reset/new", "password", "short", "again", "short").wants(t, http.StatusUnprocessableEntity, "too short")
	b.send(link, "/reset/new", "password", "another-one", "again", "another-one").leadsTo(t, "/signin?note=reset")
	b.get(link).wants(t, http.StatusGone)
	b.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized, "That did not work")
	b.signIn("alice@example.com", "another-one").leadsTo(t, "/messenger")
	in.get("/").wants(t, http.StatusOK, "Get an account") // the old password's session is over
}

func TestWhereThereIsNoMail(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.get("/reset").wants(t, http.StatusOK, "sends no letters")
	page := b.get("/signin")
	b.post("/reset", url.Values{"_csrf": {page.field("_csrf")}, "handle": {"a@example.com"}}).wants(t, http.StatusNotFound)
}

// signIn signs somebody in on the page for it.
func (b *browser) signIn(handle, password string) answer {
	b.t.Helper()
	return b.send("/signin", "/signin", "handle", handle, "password", password)
}

func TestSignIn(t *testing.T) {
	s := open(t)
	s.add("alice@example.com", "secret-alice")
	b := s.browse()
	b.signIn("alice@example.com", "wrong").wants(t, http.StatusUnauthorized, "That did not work", `value="alice@example.com"`)
	b.signIn("nobody@example.com", "wrong").wants(t, http.StatusUnauthorized, "That did not work")
	b.signIn("\"><script>", "wrong").wants(t, http.StatusUnauthorized, "&#34;&gt;&lt;script&gt;")
	b.send("/", "/signin", "handle", "ALICE@example.com", "password", "secret-alice").leadsTo(t, "/messenger")
	b.get("/signin").leadsTo(t, "/messenger")
	b.get("/signin?next=/account").leadsTo(t, "/account")
	for _, elsewhere := range []string{"//evil.example/", "https://evil.example/", "/\\evil.example", "/\tevil"} {
		b.get("/signin?next="+url.QueryEscape(elsewhere)).leadsTo(t, "/messenger")
	}
	s.browse().get("/welcome").leadsTo(t, "/signin?next=%2Fwelcome")
}

func TestGuessingPasswordsIsSlow(t *testing.T) {
	s := open(t)
	s.add("alice@example.com", "secret-alice")
	b := s.browse()
	for range 5 {
		b.signIn("alice@example.com", "wrong").wants(t, http.StatusUnauthorized)
	}
	b.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized)
	s.clock.Advance(2 * time.Minute)
	b.signIn("alice@example.com", "secret-alice").leadsTo(t, "/messenger")
}

func TestASessionIsAsGoodAsItsAccount(t *testing.T) {
	s := open(t)
	u := s.add("alice@example.com", "secret-alice")
	b := s.browse()
	b.signIn("alice@example.com", "secret-alice").leadsTo(t, "/messenger")
	sessions, err := s.store.WebSessions(t.Context(), u.ID, s.clock.Now())
	if err != nil || len(sessions) != 1 || sessions[0].Address != "127.0.0.1" || !strings.HasPrefix(sessions[0].Agent, "Go-http-client") {
		t.Errorf("sessions %+v, %v", sessions, err)
	}
	s.clock.Advance(time.Hour)
	b.get("/").wants(t, http.StatusOK, "Sign out")
	if seen, err := s.store.WebSessions(t.Context(), u.ID, s.clock.Now()); err != nil || seen[0].Seen <= sessions[0].Seen {
		t.Errorf("seen %+v, %v", seen, err)
	}
	if err := s.store.SetDisabled(t.Context(), u.ID, true); err != nil {
		t.Fatal(err)
	}
	b.get("/").wants(t, http.StatusOK, "Get an account")
	b.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized)
}

func TestCookies(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"http://im.example.com", `^(?:session|visitor)=[^;]*; Path=/; (?:Max-Age=\d+; )?HttpOnly; SameSite=Lax$`},
		{"https://im.example.com", `^__Host-(?:session|visitor)=[^;]*; Path=/; (?:Max-Age=\d+; )?HttpOnly; Secure; SameSite=Lax$`},
	} {
		s := open(t, func(cfg *web.Config) { cfg.URL = c.url })
		s.add("alice@example.com", "secret-alice")
		page := s.browse().get("/signin")
		b := s.browse() // cookies that are marked secure are not sent back to the loopback
		b.header.Set("Cookie", strings.Split(page.Header.Get("Set-Cookie"), ";")[0])
		in := b.submit(page, "/signin", "handle", "alice@example.com", "password", "secret-alice")
		in.leadsTo(t, "/messenger")
		for _, cookie := range append(page.Header["Set-Cookie"], in.Header["Set-Cookie"]...) {
			if !regexp.MustCompile(c.want).MatchString(cookie) {
				t.Errorf("%s: %s", c.url, cookie)
			}
		}
	}
}

func TestTheAuditLogTellsOfTheWebsite(t *testing.T) {
	var post msntest.MailServer
	path := filepath.Join(t.TempDir(), "audit.log")
	s := open(t, wanting(web.Open), posting(t, &post), func(c *web.Config) {
		log, err := audit.Open(audit.Config{Path: path, Limits: audit.Limits{MaxSize: 1, Keep: 1}, Clock: c.Clock, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		c.Audit, c.Account.Audit = log, log
	})
	b := s.browse()
	b.join().leadsTo(t, "/join/sent")
	link := s.link(post.Next(t))
	b.send(link, "/join/confirm", chosen...).leadsTo(t, "/signin?note=confirmed")
	b.signIn("carol@example.com", "secret-carol").leadsTo(t, "/messenger")
	text := read(t, path)
	for _, want := range []string{
		`"event":"letter sent","user":"carol@example.com","addr":"127.0.0.1"`,
		`"event":"account added","user":"carol@example.com","by":"visitor from 127.0.0.1"`,
		`"event":"signed in","user":"carol@example.com","addr":"127.0.0.1","note":"at the website"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the audit log lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, link[strings.Index(link, "=")+1:]) {
		t.Error("the audit log has a token")
	}
}

// The browser's half of the proof of work is tried by node.
func TestProofInJavaScript(t *testing.T) {
	const challenge = "AAABogQjGPcUzpHeKlfU6HdrTRJvii8R8yxwEcqFXJFyodX4Mv6BjqPAaK3_zEtq"
	program := `import { searcher } from "./static/js/proof.js"; console.log(searcher(process.argv[1], ` + strconv.Itoa(bits) + `)(100000));`
	out, err := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", program, challenge).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), solve(challenge); got != want {
		t.Errorf("node found %s, want %s", got, want)
	}
}
