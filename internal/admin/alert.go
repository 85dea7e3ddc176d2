package admin

import (
	"context"
	"net/http"

	"monarch/internal/audit"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// The codes of problems with alerts and notices.
const (
	CodeAlertsOff = "alerts_off"
	CodeBadAlert  = "bad_alert"
	CodeNoAlerts  = "client_without_alerts"
	CodeNoNotice  = "no_notice"
)

// NewAlert is an alert to be shown.
type NewAlert struct {
	Text string `json:"text" doc:"What it says." example:"The pictures are there"`
	HTML string `json:"html,omitempty" doc:"The same with markup, for clients that show it." example:"<b>The pictures are there</b>"`
	URL  string `json:"url,omitempty" doc:"The web page that a click opens. Without it, the help page." example:"https://example.com/pictures"`
}

// Alert shows something to somebody who is signed in. It is not kept for anybody who is not.
// docs/protocol/presence.md#alerts
func (s *Service) Alert(ctx context.Context, email string, a NewAlert) error {
	if !s.Alerts {
		return problem(http.StatusForbidden, CodeAlertsOff,
			"alerts are switched off; set protocol.alerts = \"on\" in the configuration and start the server again.\n"+
				"Some third-party clients that pose as MSN Messenger 6 (gaim 1.x) are disconnected by an alert")
	}
	alert := im.Alert{Text: a.Text, HTML: a.HTML, URL: a.URL}
	if alert.Check() != nil {
		return problem(http.StatusBadRequest, CodeBadAlert,
			"an alert has a text without control characters, of at most %d bytes together with its HTML, and a URL like https://example.com/news, if any",
			im.MaxAlert)
	}
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	if _, in := s.Hub.ByID(u.ID); !in {
		return notSignedIn(u)
	}
	if !s.Hub.Ask(ctx, u.ID, 0, hub.Alerted{Number: s.alerts.Add(1), Alert: alert}) {
		return problem(http.StatusConflict, CodeNoAlerts,
			"%s is signed in with a client that cannot show alerts, or has not finished signing in; `monarch session list` tells which", u.Handle)
	}
	s.Log.InfoContext(ctx, "alert sent", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AlertSent, User: u.Handle})
	return nil
}

// CancelNotice takes back the announcement that the service stops: it goes on. Who has been
// told is not told otherwise, because the protocol has no word for it.
func (s *Service) CancelNotice(ctx context.Context) error {
	if !s.Hub.Cancel() {
		return problem(http.StatusNotFound, CodeNoNotice, "no end of the service is announced, so there is nothing to take back")
	}
	s.Log.InfoContext(ctx, "shutdown cancelled")
	s.Audit.Record(ctx, audit.Event{What: audit.ShutdownCancelled})
	return nil
}

func (s *Service) alertRoutes() []route {
	return []route{
		{
			method: "POST", path: pathAccounts + "/{email}/alerts", scope: MessagesWrite, summary: "Show an alert",
			notes: "To somebody who is signed in, each time that it is asked for. It is not kept for anybody who is not. " +
				"Where alerts are switched off (protocol.alerts) it is refused with 403 and alerts_off.",
			body: NewAlert{}, refuses: []int{404, 409}, handle: s.alert,
		},
		{
			method: "POST", path: pathNotices, scope: ServiceWrite, summary: "Announce that the service stops",
			notes: "Tells everybody who is signed in that all nodes stop in so many minutes, and stops them then. Asked for again, the last time holds.",
			body:  notice{}, answer: told{}, handle: s.notify,
		},
		{
			method: "DELETE", path: pathNotices, scope: ServiceWrite, summary: "Take the announcement back",
			notes: "The service goes on. Clients cannot be told so.", refuses: []int{404}, handle: s.cancelNotice,
		},
	}
}

func (s *Service) alert(r *http.Request) (any, error) {
	body, err := read[NewAlert](r)
	if err != nil {
		return nil, err
	}
	return nil, s.Alert(r.Context(), r.PathValue("email"), body)
}

func (s *Service) cancelNotice(r *http.Request) (any, error) {
	return nil, s.CancelNotice(r.Context())
}

// Alert is [Service.Alert].
func (c *Client) Alert(ctx context.Context, email string, a NewAlert) error {
	return c.call(ctx, http.MethodPost, accountPath(email)+"/alerts", a, nil)
}

// CancelNotice is [Service.CancelNotice].
func (c *Client) CancelNotice(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, pathNotices, nil, nil)
}

const pathNotices = Root + "/notices"

// notice is the body that announces a shutdown, and told is its answer.
type notice struct {
	Minutes int `json:"shutdown_in_minutes" doc:"When the service stops, in minutes from now: 1 to 1440." example:"5"`
}

type told struct {
	Sessions int `json:"sessions" doc:"How many sessions there are to tell, at all nodes." example:"42"`
}

func (s *Service) notify(r *http.Request) (any, error) {
	body, err := read[notice](r)
	if err != nil {
		return nil, err
	}
	n, err := s.Notify(r.Context(), body.Minutes)
	return told{Sessions: n}, err
}

// Notify is [Service.Notify].
func (c *Client) Notify(ctx context.Context, minutes int) (int, error) {
	var t told
	err := c.call(ctx, http.MethodPost, pathNotices, notice{Minutes: minutes}, &t)
	return t.Sessions, err
}
