package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"monarch/internal/audit"
	"monarch/internal/store"
	"monarch/internal/webhook"
)

const pathWebhooks = Root + "/webhooks"

// The codes of problems with webhooks.
const (
	CodeNoWebhook       = "no_webhook"
	CodeBadWebhook      = "bad_webhook"
	CodeTooManyWebhooks = "too_many_webhooks"
	CodeWebhookFailed   = "webhook_failed"
)

// Webhook is an address that is told of events, and how that goes.
type Webhook struct {
	ID        string     `json:"id" doc:"What names it." example:"wh_4FQ7ZJ2KXM5A"`
	URL       string     `json:"url" doc:"Where events are posted to." example:"https://example.com/hooks/monarch"`
	Events    []string   `json:"events" doc:"Which: types, or beginnings of some with an asterisk." example:"[\"account.*\"]"`
	Created   time.Time  `json:"created" doc:"When it was made." example:"2026-03-01T12:00:00Z"`
	MadeBy    string     `json:"made_by" doc:"Who made it." example:"token deploy"`
	Waiting   int        `json:"waiting" doc:"How many events it is still to be told." example:"0"`
	Delivered int        `json:"delivered" doc:"How many events it has taken." example:"17"`
	Lost      int        `json:"lost" doc:"How many events it will never be told." example:"0"`
	Told      *time.Time `json:"told,omitempty" doc:"When it took the last one. Absent: it took none." example:"2026-03-02T12:00:00Z"`
	Error     string     `json:"error,omitempty" doc:"What was wrong with the last attempt. Absent: nothing." example:"it answered 502 Bad Gateway"`
	Retry     *time.Time `json:"retry,omitempty" doc:"When it is tried again. Absent: as soon as there is something to tell." example:"2026-03-02T12:00:30Z"`
	Secret    string     `json:"secret,omitempty" doc:"What signs the events. Only in the answer to making it." example:"whsec_3WX3thqTnFe5umgdI9BPUmgPNQUqoqGEcYldUbgVsmU="`
}

// NewWebhook is a webhook to be made.
type NewWebhook struct {
	URL    string   `json:"url" doc:"Where events are to be posted to: http or https." example:"https://example.com/hooks/monarch"`
	Events []string `json:"events" doc:"Which: types, or beginnings of some with an asterisk; * is all." example:"[\"account.*\"]"`
}

// AddWebhook makes a webhook, which is told of what happens from now on. Nobody sees its secret
// again.
func (s *Service) AddWebhook(ctx context.Context, n NewWebhook) (Webhook, error) {
	w, err := webhook.Hook(n.URL, n.Events)
	if err != nil {
		return Webhook{}, problem(http.StatusBadRequest, CodeBadWebhook, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	w.Created, w.MadeBy = s.Clock.Now().Unix(), audit.Actor(ctx)
	err = s.Store.AddWebhook(ctx, w)
	if errors.Is(err, store.ErrTooManyWebhooks) {
		return Webhook{}, problem(http.StatusConflict, CodeTooManyWebhooks, "there are %d webhooks already; remove one first", store.MaxWebhooks)
	}
	if err != nil {
		return Webhook{}, err
	}
	s.changedWebhooks()
	s.Log.InfoContext(ctx, "webhook added", "webhook", w.ID)
	s.Audit.Record(ctx, audit.Event{What: audit.WebhookAdded, Note: fmt.Sprintf("%s to %s", w.ID, hostOf(w.URL))})
	shown := shownWebhook(w)
	shown.Secret = w.Secret
	return shown, nil
}

// Webhooks returns all webhooks in the order they were made in.
func (s *Service) Webhooks(ctx context.Context) ([]Webhook, error) {
	all, err := s.Store.Webhooks(ctx)
	if err != nil {
		return nil, err
	}
	shown := make([]Webhook, len(all))
	for i, w := range all {
		shown[i] = shownWebhook(w)
	}
	return shown, nil
}

// RemoveWebhook forgets a webhook and what it was still to be told.
func (s *Service) RemoveWebhook(ctx context.Context, id string) error {
	err := s.Store.RemoveWebhook(ctx, id)
	if errors.Is(err, store.ErrNoWebhook) {
		return noWebhook(id)
	}
	if err != nil {
		return err
	}
	s.changedWebhooks()
	s.Log.InfoContext(ctx, "webhook removed", "webhook", id)
	s.Audit.Record(ctx, audit.Event{What: audit.WebhookRemoved, Note: id})
	return nil
}

// TestWebhook tells a webhook of an event that only shows whether it works, at once and once.
func (s *Service) TestWebhook(ctx context.Context, id string) error {
	all, err := s.Store.Webhooks(ctx)
	if err != nil {
		return err
	}
	for _, w := range all {
		if w.ID != id {
			continue
		}
		if err := s.Hooks.Try(ctx, w); err != nil {
			return problem(http.StatusBadGateway, CodeWebhookFailed, "%s did not take it: %v", hostOf(w.URL), err)
		}
		return nil
	}
	return noWebhook(id)
}

// changedWebhooks tells whoever tells webhooks.
func (s *Service) changedWebhooks() {
	if s.Hooks != nil {
		s.Hooks.Changed()
	}
}

func noWebhook(id string) error {
	return problem(http.StatusNotFound, CodeNoWebhook, "there is no webhook %q; `monarch webhook list` shows those there are", id)
}

// hostOf returns what of a webhook's address is no secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the webhook"
	}
	return u.Host
}

func shownWebhook(w store.Webhook) Webhook {
	return Webhook{
		ID: w.ID, URL: w.URL, Events: w.Events, Created: time.Unix(w.Created, 0).UTC(), MadeBy: w.MadeBy,
		Waiting: w.Waiting, Delivered: w.Delivered, Lost: w.Lost, Told: moment(w.Told), Error: w.LastError, Retry: moment(w.Retry),
	}
}

func (s *Service) webhookRoutes() []route {
	return []route{
		{
			method: "GET", path: pathWebhooks, scope: WebhooksRead, summary: "List webhooks",
			notes: "In the order in which they were made.", query: pages, answer: List[Webhook]{}, handle: s.listWebhooks,
		},
		{
			method: "POST", path: pathWebhooks, scope: WebhooksWrite, summary: "Make a webhook",
			notes: fmt.Sprintf("Each time another one. The answer has its secret, which nobody sees again. There may be %d; the next is refused, with too_many_webhooks.", store.MaxWebhooks),
			body:  NewWebhook{}, answer: Webhook{}, status: http.StatusCreated, refuses: []int{409}, handle: s.addWebhook,
		},
		{
			method: "DELETE", path: pathWebhooks + "/{id}", scope: WebhooksWrite, summary: "Remove a webhook",
			notes: "What it was still to be told is dropped.", refuses: []int{404}, handle: s.removeWebhook,
		},
		{
			method: "POST", path: pathWebhooks + "/{id}/tests", scope: WebhooksWrite, summary: "Try a webhook",
			notes: "It is told of an event that only shows whether it works, at once and once.", refuses: []int{404, 502}, handle: s.testWebhook,
		},
	}
}

func (s *Service) listWebhooks(r *http.Request) (any, error) {
	all, err := s.Webhooks(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, all, func(w Webhook) string { return strconv.FormatInt(w.Created.Unix(), 10) + " " + w.ID })
}

func (s *Service) addWebhook(r *http.Request) (any, error) {
	body, err := read[NewWebhook](r)
	if err != nil {
		return nil, err
	}
	w, err := s.AddWebhook(r.Context(), body)
	return made(pathWebhooks, w.ID, w), err
}

func (s *Service) removeWebhook(r *http.Request) (any, error) {
	return nil, s.RemoveWebhook(r.Context(), r.PathValue("id"))
}

func (s *Service) testWebhook(r *http.Request) (any, error) {
	return nil, s.TestWebhook(r.Context(), r.PathValue("id"))
}

// AddWebhook is [Service.AddWebhook].
func (c *Client) AddWebhook(ctx context.Context, n NewWebhook) (Webhook, error) {
	return ask[Webhook](ctx, c, http.MethodPost, pathWebhooks, n)
}

// Webhooks is [Service.Webhooks].
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	return each[Webhook](ctx, c, pathWebhooks)
}

// RemoveWebhook is [Service.RemoveWebhook].
func (c *Client) RemoveWebhook(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, pathWebhooks+"/"+url.PathEscape(id), nil, nil)
}

// TestWebhook is [Service.TestWebhook].
func (c *Client) TestWebhook(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, pathWebhooks+"/"+url.PathEscape(id)+"/tests", nil, nil)
}
