package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/webhook"
)

func TestWebhooks(t *testing.T) {
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	each(t, func(t *testing.T, b bench) {
		c, ctx := b.client, t.Context()
		b.Hooks = webhook.New(webhook.Config{Store: b.Store, Clock: b.Clock, Log: b.Log})
		if !c.Running() {
			ctx = audit.WithActor(ctx, me())
		}
		status = http.StatusNoContent
		made, err := c.AddWebhook(ctx, admin.NewWebhook{URL: server.URL + "/secret-path", Events: []string{"session.ended", "account.*", "account.*"}})
		if err != nil || made.ID == "" || !strings.HasPrefix(made.Secret, "whsec_") || made.MadeBy != me() || strings.Join(made.Events, " ") != "account.* session.ended" {
			t.Fatalf("made %+v, %v", made, err)
		}
		if all, err := c.Webhooks(ctx); err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].Secret != "" {
			t.Errorf("there are %+v, %v", all, err)
		}
		if err := c.TestWebhook(ctx, made.ID); err != nil {
			t.Error(err)
		}
		status = http.StatusForbidden
		err = c.TestWebhook(ctx, made.ID)
		refused(t, err, admin.CodeWebhookFailed)
		if !strings.Contains(err.Error(), "403 Forbidden") || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("the reason is %v", err)
		}
		refused(t, c.TestWebhook(ctx, "wh_none"), admin.CodeNoWebhook)
		refused(t, c.RemoveWebhook(ctx, "a/b"), admin.CodeNoWebhook)
		for _, wrong := range []admin.NewWebhook{{}, {URL: server.URL}, {URL: "ftp://example.com", Events: []string{"*"}}, {URL: server.URL, Events: []string{"emperor"}}} {
			_, err := c.AddWebhook(ctx, wrong)
			refused(t, err, admin.CodeBadWebhook)
		}
		for range 15 {
			if _, err := c.AddWebhook(ctx, admin.NewWebhook{URL: server.URL, Events: []string{"*"}}); err != nil {
				t.Error(err)
			}
		}
		_, err = c.AddWebhook(ctx, admin.NewWebhook{URL: server.URL, Events: []string{"*"}})
		refused(t, err, admin.CodeTooManyWebhooks)
		if err := c.RemoveWebhook(ctx, made.ID); err != nil {
			t.Error(err)
		}
		if all, err := c.Webhooks(ctx); err != nil || len(all) != 15 {
			t.Errorf("%d are left, %v", len(all), err)
		}
		if trail := strings.Join(b.events(t), "\n"); !strings.Contains(trail, me()+": webhook added  "+made.ID) || !strings.HasSuffix(trail, me()+": webhook removed  "+made.ID) ||
			strings.Contains(trail, "secret") || strings.Contains(b.log.String(), "secret") {
			t.Errorf("recorded is\n%s", trail)
		}
	})
}
