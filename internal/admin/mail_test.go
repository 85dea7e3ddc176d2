package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
)

func number(n int) *int { return &n }

func TestMailReachesItsOwner(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.MailURL = "https://mail.example.com/{user}"
		alice := b.add(t, "alice")
		ctx := t.Context()
		if _, err := b.client.Mail(ctx, admin.MailNews{To: "alice@example.com", Unread: number(1)}); code(err) != admin.CodeNoMailbox {
			t.Errorf("mail without a mailbox: %v", err)
		}
		if err := b.client.SetMailbox(ctx, "alice@example.com", "mail.example.com"); code(err) != admin.CodeBadMail {
			t.Errorf("a page that is none: %v", err)
		}
		if err := b.client.SetMailbox(ctx, "alice@example.com", ""); err != nil {
			t.Fatal(err)
		}
		if told, err := b.client.Mail(ctx, admin.MailNews{To: "alice@example.com", Unread: number(3)}); err != nil || told.Told {
			t.Errorf("while she is away: %v, %v", told, err)
		}
		s := new(session)
		b.Hub.SignIn(hub.Login{Person: alice.Person}, s)
		news := admin.MailNews{
			To: "Alice@example.com", Unread: number(4), FoldersUnread: number(2), From: "dan@example.net", FromName: "Dan",
			Subject: "Hi", MessageURL: "https://mail.example.com/alice/4",
		}
		if told, err := b.client.Mail(ctx, news); err != nil || !told.Told {
			t.Errorf("a new message: %v, %v", told, err)
		}
		for _, unread := range []int{1, 1, 2} {
			if _, err := b.client.Mail(ctx, admin.MailNews{To: "alice@example.com", Unread: number(unread)}); err != nil {
				t.Error(err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		want := []hub.Event{
			hub.MailArrived{From: "dan@example.net", Name: "Dan", Subject: "Hi", URL: news.MessageURL, Box: im.Mailbox{Inbox: 4, Folders: 2, Version: 3}},
			hub.MailMoved{Delta: -3, Box: im.Mailbox{Inbox: 1, Folders: 2, Version: 4}},
			hub.MailMoved{Delta: 1, Box: im.Mailbox{Inbox: 2, Folders: 2, Version: 6}},
		}
		if diff := cmp.Diff(want, s.events); diff != "" {
			t.Error(diff)
		}
		d, err := b.client.Account(ctx, "alice@example.com")
		if diff := cmp.Diff(&admin.Mailbox{Unread: 2, FoldersUnread: 2, URL: "https://mail.example.com/alice"}, d.Mailbox); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if err := b.client.RemoveMailbox(ctx, "alice@example.com"); err != nil {
			t.Error(err)
		}
		if err := b.client.RemoveMailbox(ctx, "alice@example.com"); code(err) != admin.CodeNoMailbox {
			t.Errorf("taken away twice: %v", err)
		}
	})
}

func TestTheMailHook(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	b.add(t, "alice")
	if err := b.SetMailbox(t.Context(), "alice@example.com", ""); err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	t.Cleanup(clk.Close)
	const token = "0123456789abcdef"
	h := b.MailHook(token, clk)
	ask := func(h http.Handler, method, authorization, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, admin.HookPath, strings.NewReader(body))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const fine = `{"to":"alice@example.com","unread":1}`
	for _, c := range []struct {
		name, method, authorization, body string
		status                            int
		says                              string
	}{
		{"mail", "POST", "Bearer " + token, fine, 200, `{"told":false}`},
		{"a scheme in small letters", "POST", "bearer  " + token, fine, 200, `"told"`},
		{"no token", "POST", "", fine, 401, "Authorization: Bearer TOKEN"},
		{"an empty token", "POST", "Bearer ", fine, 401, "unauthorized"},
		{"another scheme", "POST", "Basic " + token, fine, 401, "unauthorized"},
		{"part of the token", "POST", "Bearer " + token[:15], fine, 401, "unauthorized"},
		{"another method", "GET", "Bearer " + token, "", 405, "use POST"},
		{"a message itself", "POST", "Bearer " + token, `{"to":"` + strings.Repeat("a", 20_000), 413, "too_large"},
		{"no JSON", "POST", "Bearer " + token, "to=alice", 400, "not a JSON object"},
		{"a count that is none", "POST", "Bearer " + token, `{"to":"alice@example.com","unread":"1"}`, 400, "bad_request"},
		{"a huge count", "POST", "Bearer " + token, `{"to":"alice@example.com","unread":1000001}`, 400, "unread is"},
		{"a long subject", "POST", "Bearer " + token, `{"to":"alice@example.com","unread":1,"from":"a@b.c","subject":"` + strings.Repeat("a", 1001) + `"}`, 400, "bad_mail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, c.method, c.authorization, c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	if w := ask(b.MailHook("", clk), "POST", "Bearer ", fine); w.Code != 404 || !strings.Contains(w.Body.String(), "mail.hook_token") {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
	limited := 0
	for range 400 {
		if ask(h, "POST", "Bearer "+token, `{"to":""}`).Code == 429 {
			limited++
		}
	}
	if limited < 50 {
		t.Errorf("%d of 400 requests were too many", limited)
	}
}

func TestAlerts(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		alice, ctx := b.add(t, "alice"), t.Context()
		err := b.client.Alert(ctx, "alice@example.com", admin.NewAlert{Text: "a"})
		if code(err) != admin.CodeAlertsOff || !strings.Contains(err.Error(), "protocol.alerts") {
			t.Errorf("while they are off: %v", err)
		}
		b.Alerts = true
		for want, a := range map[string]admin.NewAlert{
			admin.CodeBadAlert:  {},
			admin.CodeNoSession: {Text: "a"},
		} {
			if err := b.client.Alert(ctx, "alice@example.com", a); code(err) != want {
				t.Errorf("%+v: %v", a, err)
			}
		}
		if err := b.client.Alert(ctx, "nobody@example.com", admin.NewAlert{Text: "a"}); code(err) != admin.CodeNoAccount {
			t.Errorf("to nobody: %v", err)
		}
		s := new(session)
		b.Hub.SignIn(hub.Login{Person: alice.Person}, s)
		for range 2 {
			if err := b.client.Alert(ctx, "alice@example.com", admin.NewAlert{Text: "a", HTML: "<b>a</b>", URL: "https://example.com/"}); err != nil {
				t.Error(err)
			}
		}
		a := im.Alert{Text: "a", HTML: "<b>a</b>", URL: "https://example.com/"}
		s.mu.Lock()
		defer s.mu.Unlock()
		if diff := cmp.Diff([]hub.Event{hub.Alerted{Number: 1, Alert: a}, hub.Alerted{Number: 2, Alert: a}}, s.events); diff != "" {
			t.Error(diff)
		}
	})
}

func TestANoticeCanBeTakenBack(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		if err := b.client.CancelNotice(t.Context()); code(err) != admin.CodeNoNotice {
			t.Errorf("none was given: %v", err)
		}
		if _, err := b.client.Notify(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if err := b.client.CancelNotice(t.Context()); err != nil {
			t.Error(err)
		}
		if minutes, ok := b.Hub.Announced(); ok {
			t.Errorf("still announced: %d", minutes)
		}
	})
}
