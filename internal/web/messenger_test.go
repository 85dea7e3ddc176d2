package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/web"
)

// signing gives the site the keys of its database to sign tickets with.
func signing(t *testing.T) func(*web.Config) {
	return func(c *web.Config) {
		keys, err := c.Store.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Signer = auth.NewSigner(keys)
	}
}

// joined returns a browser in which somebody has signed in.
func (s *site) joined(handle string) *browser {
	s.t.Helper()
	s.add(handle, "a password")
	b := s.browse()
	b.signIn(handle, "a password").leadsTo(s.t, "/messenger")
	return b
}

func TestMessengerIsForWhoHasSignedIn(t *testing.T) {
	s := open(t, signing(t))
	s.browse().get("/messenger").leadsTo(t, "/signin?next=%2Fmessenger")
	b := s.joined("alice@example.com")
	b.get("/messenger").wants(t, http.StatusOK, `data-handle="alice@example.com"`, "/js/messenger/main.js", "/messages/en.json", "<noscript>")
	b.header.Set("Accept-Language", "de")
	b.get("/messenger").wants(t, http.StatusOK, "/messages/de.json", "Kontakte")
}

// formToken matches what the script of the page sends with its requests.
var formToken = regexp.MustCompile(`data-token="([^"]+)"`)

func TestTicketOfTheMessenger(t *testing.T) {
	var signer *auth.Signer
	s := open(t, signing(t), func(c *web.Config) { signer = c.Signer })
	b := s.joined("alice@example.com")
	page := b.get("/messenger")
	b.post("/messenger/ticket", nil).wants(t, http.StatusForbidden)

	b.header.Set("X-Csrf-Token", formToken.FindStringSubmatch(page.text)[1])
	a := b.post("/messenger/ticket", nil)
	a.wants(t, http.StatusOK)
	var got struct{ Handle, Name, Ticket string }
	if err := json.Unmarshal([]byte(a.text), &got); err != nil {
		t.Fatal(err)
	}
	u, err := s.store.User(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := signer.OpenTicket(got.Ticket, s.clock.Steady(), time.Minute)
	if err != nil || ticket.User != int64(u.ID) || ticket.Credential != u.Credential {
		t.Errorf("the ticket is %+v, %v, of user %d", ticket, err, u.ID)
	}
	if got.Handle != u.Handle || got.Name != "Alice" {
		t.Errorf("it is for %q, %q", got.Handle, got.Name)
	}

	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.post("/messenger/ticket", nil).wants(t, http.StatusForbidden)
}

func TestNoTicketAfterSigningOut(t *testing.T) {
	s := open(t, signing(t))
	b := s.joined("alice@example.com")
	b.submit(b.get("/messenger"), "/signout").leadsTo(t, "/signin?note=out")
	page := b.get("/")
	b.header.Set("X-Csrf-Token", hidden.FindStringSubmatch(page.text)[2])
	b.post("/messenger/ticket", nil).wants(t, http.StatusUnauthorized)
}

// What people type must not become markup, and nothing in a page may be a style or a script.
func TestScriptsMakeNoMarkup(t *testing.T) {
	scripts := 0
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|srcdoc|cssText|\beval\(|new Function|["']style["']`)
	eachFile(t, func(file, content string) {
		if !strings.HasPrefix(file, "static/js/") || strings.Contains(file, "htmx") {
			return
		}
		scripts++
		if found := forbidden.FindString(content); found != "" {
			t.Errorf("%s has %q", file, found)
		}
	})
	if scripts == 0 {
		t.Error("there are no scripts")
	}
}
