package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"monarch/internal/admin"
)

// webhookRoutes are about addresses that are told of events.
func (s *Server) webhookRoutes() []adminRoute {
	form := func(take handler) handler { return orAgain(s, "admin/webhooks", "webhook", s.webhooks, take) }
	return []adminRoute{
		{"GET /admin/webhooks", admin.WebhooksRead, s.webhooksPage, ""},
		{"POST /admin/webhooks/add", admin.WebhooksWrite, form(s.addWebhook), "/admin/webhooks"},
		{"POST /admin/webhooks/test", admin.WebhooksWrite, form(s.testWebhook), "/admin/webhooks"},
		{"POST /admin/webhooks/remove", admin.WebhooksWrite, form(s.removeWebhook), "/admin/webhooks"},
	}
}

// webhooksData is the page of the webhooks.
type webhooksData struct {
	adminHead
	Webhooks []admin.Webhook
	Kinds    []string
	Form     url.Values
}

// webhookKinds are the kinds of events that can be ticked.
var webhookKinds = []string{"account.*", "session.*", "network.*", "abuse.*"}

// Chosen reports whether a kind was ticked, when the form is shown again.
func (d webhooksData) Chosen(kind string) bool { return slices.Contains(d.Form["event"], kind) }

func (s *Server) webhooks(w http.ResponseWriter, r *http.Request) (d *webhooksData, err error) {
	d = &webhooksData{adminHead: s.adminHead(w, r, "/admin/webhooks"), Kinds: webhookKinds, Form: r.PostForm}
	d.Webhooks, err = s.cfg.Admin.Webhooks(r.Context())
	return d, err
}

func (s *Server) webhooksPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.webhooks(w, r)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/webhooks", d)
}

// addWebhook makes a webhook and shows its secret once.
func (s *Server) addWebhook(w http.ResponseWriter, r *http.Request) error {
	in := admin.NewWebhook{URL: strings.TrimSpace(r.PostFormValue("url")), Events: r.PostForm["event"]}
	if len(in.Events) == 0 {
		return complaint("admin.problem_no_events")
	}
	if err := s.proveOperator(r); err != nil {
		return err
	}
	made, err := s.cfg.Admin.AddWebhook(byOperator(r), in)
	if err != nil {
		return err
	}
	return s.page(w, r, "admin/secret", shownOnce{s.adminHead(w, r, "/admin/webhooks"), "admin.webhook_made", made.URL, made.Secret, "/admin/webhooks"})
}

func (s *Server) testWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Admin.TestWebhook(byOperator(r), r.PostFormValue("id")); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_webhook_works"})
	return back(w, r, "/admin/webhooks")
}

func (s *Server) removeWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Admin.RemoveWebhook(byOperator(r), r.PostFormValue("id")); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_webhook_gone"})
	return back(w, r, "/admin/webhooks")
}
