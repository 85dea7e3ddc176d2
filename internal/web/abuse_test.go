package web_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/msntest"
	"monarch/internal/web"
)

// Registration may be closed, or take a code, while letters are on their way.
func TestALetterLetsNobodyInWhoMayNoLongerSignUp(t *testing.T) {
	var post msntest.MailServer
	s := open(t, wanting(web.Open), posting(t, &post))
	s.browse().join().leadsTo(t, "/join/sent")
	link := s.link(post.Next(t))
	page := s.browse()
	asked := page.get(link)
	asked.wants(t, http.StatusOK)
	for _, r := range []web.Registration{web.Closed, web.Invite} {
		s.SetLimits(web.Limits{Rates: true, Registration: r, ProofBits: bits})
		if a := page.submit(asked, "/join/confirm", chosen...); a.StatusCode < 400 || s.has("carol@example.com") {
			t.Errorf("%s: status %d; there is an account: %t", r, a.StatusCode, s.has("carol@example.com"))
		}
	}
	s.SetLimits(web.Limits{Rates: true, Registration: web.Open, ProofBits: bits})
	page.submit(asked, "/join/confirm", chosen...).leadsTo(t, "/signin?note=confirmed")
}

// One letter must not be good for any number of hashes, before those of everybody else.
func TestWhoHasALetterTakesHisTurn(t *testing.T) {
	var post msntest.MailServer
	hasher := auth.NewHasher(1, 1, auth.Params{Memory: 64, Time: 1})
	s := open(t, posting(t, &post), func(c *web.Config) {
		c.Account = &account.Service{Store: c.Store, Hub: c.Hub, Hasher: hasher, Clock: c.Clock, Log: c.Log}
	})
	s.add("alice@example.com", "secret-alice")
	b := s.browse()
	b.send("/reset", "/reset", "handle", "alice@example.com").leadsTo(t, "/reset/sent")
	page := b.get(s.link(post.Next(t)))

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := hasher.Turns().Take(ctx, netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- hasher.Turns().Take(ctx, netip.MustParseAddr("192.0.2.2")) }()
	for hasher.Turns().Waiting() == 0 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
	stop := context.AfterFunc(ctx, hasher.Turns().Done) // so that nobody waits for ever
	b.submit(page, "/reset/new", "password", "another-one", "again", "another-one").wants(t, http.StatusServiceUnavailable, "busy")
	if stop() {
		hasher.Turns().Done()
	}
	if err := <-waited; err == nil {
		hasher.Turns().Done()
	}
	b.submit(page, "/reset/new", "password", "another-one", "again", "another-one").leadsTo(t, "/signin?note=reset")
}

// What the gate counts for a stranger is no megabyte.
func TestStrangersSendNoFiles(t *testing.T) {
	s := open(t)
	b := s.browse()
	token := b.get("/join").field("_csrf")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("_csrf", token); err != nil {
		t.Fatal(err)
	}
	if err := form.WriteField("handle", strings.Repeat("x", 900<<10)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/join", &body)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", form.FormDataContentType())
	b.do(q).wants(t, http.StatusRequestEntityTooLarge)
}

// The website is no way around the limits that an operator has set for clients.
func TestListsChangeNoFasterThanByAClient(t *testing.T) {
	t.Parallel()
	p := settle(t, map[string]string{"rates.lists": "3/1h", "rates.names": "2/1h"})
	p.User("bob")
	b := p.browser("alice")
	page := b.get(contacts)
	for i := range 4 {
		a := b.post("/account/contacts/block", url.Values{"_csrf": {page.field("_csrf")}, "who": {bobAt}})
		if limited := a.StatusCode == http.StatusTooManyRequests; limited != (i == 3) {
			t.Errorf("change %d: status %d", i+1, a.StatusCode)
		}
	}
	for i := range 3 {
		a := b.post("/account/name", url.Values{"_csrf": {page.field("_csrf")}, "name": {"Alice"}})
		if limited := a.StatusCode == http.StatusTooManyRequests; limited != (i == 2) {
			t.Errorf("name %d: status %d", i+1, a.StatusCode)
		}
	}
}

// Guesses are counted together, wherever they are made.
func TestGuessesAtTheWebsiteAndOfClientsAreCountedTogether(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.User("alice")
	b := (&site{t: t, base: "http://" + p.Server.Addr("web")}).browse()
	for range 3 {
		p.Play(`login A password "wrong" refused`)
	}
	for range 2 {
		b.signIn("alice@example.com", "wrong").wants(t, http.StatusUnauthorized, "That did not work")
	}
	b.signIn("alice@example.com", "secret-alice").wants(t, http.StatusUnauthorized, "That did not work")
	p.Play("login A refused")
}

// Links in letters lead to the site's own address, whatever host a request was for.
func TestLettersLeadToTheSite(t *testing.T) {
	var post msntest.MailServer
	s := open(t, posting(t, &post))
	s.add("alice@example.com", "secret-alice")
	b := s.browse()
	form := url.Values{"_csrf": {b.get("/reset").field("_csrf")}, "handle": {"alice@example.com"}}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/reset", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	q.Host = "evil.example.com"
	for _, c := range b.client.Jar.Cookies(b.address()) {
		q.AddCookie(c)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("X-Forwarded-Host", "evil.example.com")
	b.do(q).leadsTo(t, "/reset/sent")
	if letter := post.Next(t); strings.Contains(letter.Text, "evil") || !strings.HasPrefix(s.link(letter), "/reset/new?token=") {
		t.Errorf("the letter:\n%s", letter.Text)
	}
}
