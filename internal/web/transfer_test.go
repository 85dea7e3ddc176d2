package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/ctt"
)

// upload sends a form with a file, and fields in pairs.
func (b *browser) upload(page, to, file string, fields ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields = append(fields, "_csrf", b.get(page).field("_csrf"))
	for i := 0; i+1 < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	if file != "" {
		w, err := form.CreateFormFile("file", "contacts.ctt")
		if err == nil {
			_, err = w.Write([]byte(file))
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+to, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	q.Header.Set("Content-Type", form.FormDataContentType())
	return b.do(q)
}

func TestAListIsSavedAndRead(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 C, loud\nignore A.ns")
	b, other := p.browser("alice"), p.browser("dave")
	b.does(contacts, "/account/contacts/add", "email", carolAt)
	p.Play("C.ns< ADD 0 RL {v+1} alice@example.com Alice")
	b.does(contacts, "/account/contacts/block", "who", "erin@example.com")
	saved := b.get("/account/contacts.ctt")
	saved.wants(t, http.StatusOK, "<contact>bob@example.com</contact>\r\n      <contact>carol@example.com</contact>\r\n    </contactlist>")
	if got := saved.Header.Get("Content-Disposition"); got != `attachment; filename="contacts.ctt"` {
		t.Errorf("Content-Disposition: %s", got)
	}
	other.does(contacts, "/account/contacts/add", "email", bobAt)
	other.does(contacts, "/account/groups/add", "name", "Read")
	file := strings.Replace(saved.text, "</contactlist>", "<contact>Erin@example.com</contact><contact>nobody@example.org</contact><contact>&lt;b&gt;\u202e</contact></contactlist>", 1)
	a := other.upload("/account/import", "/account/import", file)
	a.wants(t, http.StatusOK, "2 people in this file", `value="carol@example.com" checked`, `value="erin@example.com" checked`,
		"One is on your list already", "One address has no account here", "nobody@example.org", "One is no address", "&lt;b&gt;")
	if diff := cmp.Diff(map[string]string{"bob": "FLAL"}, p.lists("dave")); diff != "" {
		t.Errorf("it was not only shown (-want +got):\n%s", diff)
	}
	other.upload("/account/import", "/account/import/add", "", "who", carolAt, "group", "1", "who", "nobody@example.org", "who", "no address").leadsTo(t, contacts)
	other.get(contacts).wants(t, http.StatusOK, "One more is on your list", "Read</bdi> <span class=\"muted\">(1)")
	p.Play("C.ns< ADD 0 RL {v+1} dave@example.com Dave")
	if diff := cmp.Diff(map[string]string{"bob": "FLAL", "carol": "FLAL"}, p.lists("dave")); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestAListThatIsFull(t *testing.T) {
	t.Parallel()
	p := settle(t, map[string]string{"limits.max_contacts": "1"})
	b := p.browser("alice")
	file := string(ctt.Append(nil, []string{bobAt, carolAt}))
	b.upload("/account/import", "/account/import", file).wants(t, http.StatusOK, "2 people in this file", "room for 1 more")
	b.upload("/account/import", "/account/import/add", "", "who", bobAt, "who", carolAt, "group", "0").leadsTo(t, contacts)
	b.get(contacts).wants(t, http.StatusOK, "One more is on your list. Not everybody")
	if diff := cmp.Diff(map[string]string{"bob": "FLAL"}, p.lists("alice")); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestFilesThatAreNoLists(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	b := p.browser("alice")
	for name, c := range map[string]struct {
		file   string
		status int
		says   string
	}{
		"none":               {"", http.StatusUnprocessableEntity, "Choose a file first"},
		"a picture":          {"GIF89a\x00", http.StatusUnprocessableEntity, "not a contact list"},
		"entities":           {`<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><messenger><service><contactlist><contact>&a;</contact></contactlist></service></messenger>`, http.StatusUnprocessableEntity, "not a contact list"},
		"too large":          {strings.Repeat(" ", ctt.MaxSize+1), http.StatusUnprocessableEntity, "too large"},
		"far too large":      {strings.Repeat(" ", 2<<20), http.StatusRequestEntityTooLarge, "too much"},
		"nobody in the list": {string(ctt.Append(nil, nil)), http.StatusOK, "nobody to add"},
	} {
		t.Run(name, func(t *testing.T) {
			b.upload("/account/import", "/account/import", c.file).wants(t, c.status, c.says)
		})
	}
	for range 10 {
		b.upload("/account/import", "/account/import", "nothing")
	}
	b.upload("/account/import", "/account/import", "nothing").wants(t, http.StatusTooManyRequests, "A little slower")
}
