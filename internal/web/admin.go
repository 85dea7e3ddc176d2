package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/im"
)

// adminRoute is something that the pages for operators answer, to those whose role has its scope.
type adminRoute struct {
	pattern string // method and path
	scope   admin.Scope
	serve   handler
	page    string // where the form is that is sent there; "": at the same path, or there is none
}

// adminTable are all of them.
func (s *Server) adminTable() []adminRoute {
	return slices.Concat(s.overviewRoutes(), s.peopleRoutes(), s.personRoutes(), s.inviteRoutes(), s.serviceRoutes(), s.networkRoutes(),
		s.auditRoutes(), s.tokenRoutes(), s.webhookRoutes())
}

// adminRoutes are the pages for operators, if there is a service to manage.
func (s *Server) adminRoutes(mux *http.ServeMux) {
	if s.cfg.Admin == nil {
		return
	}
	for _, each := range s.adminTable() {
		mux.Handle(each.pattern, s.operator(each.scope, each.serve))
		if each.page != "" {
			mux.Handle("GET "+each.pattern[len("POST "):], s.operator(each.scope, func(w http.ResponseWriter, r *http.Request) error {
				return back(w, r, pathOf(each.page, r))
			}))
		}
	}
}

// pathOf puts the person that a request is about into a path.
func pathOf(path string, r *http.Request) string {
	if who := r.PathValue("who"); who != "" {
		return personPath(who)
	}
	return path
}

// mayAdminister reports whether there are pages for operators for whoever sends a request. His role
// is that of the moment: it came with the request's session from the database. He must be where the
// service may be managed from.
func (s *Server) mayAdminister(r *http.Request) bool {
	v := visitorOf(r)
	return v.Account != nil && v.Account.Role != im.NoRole && s.mayManage(v.Address)
}

// operator makes an http.Handler of h for those whose role has a scope. For those without a role
// there is no page.
func (s *Server) operator(scope admin.Scope, h handler) http.Handler {
	return s.member(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case !s.mayAdminister(r):
			return errNotFound
		case !admin.Allows(visitorOf(r).Account.Role, scope):
			return errNotYours
		}
		return h(w, r)
	})
}

// byOperator is a context in which somebody does what his role lets him, which is recorded as his. What
// has begun is done to its end, also if the browser is gone meanwhile.
func byOperator(r *http.Request) context.Context {
	u := visitorOf(r).Account
	return admin.WithCaller(context.WithoutCancel(r.Context()), admin.Caller{Name: u.Handle, Scopes: admin.Scopes(u.Role)})
}

// May reports whether the visitor's role has a scope, for templates.
func (v *visitor) May(scope admin.Scope) bool {
	return v.Account != nil && admin.Allows(v.Account.Role, scope)
}

// adminHead is what every page for operators shows.
type adminHead struct {
	Places  []adminPlace
	Said    *notice
	Problem string // key of a text, or ""
	Detail  string // what the service says instead, or ""
	Field   string // of the form that it is about, or ""
}

// adminPlace is a page in the list of them.
type adminPlace struct {
	Path, Key string
	Here      bool
	scope     admin.Scope
}

// adminPlaces are the pages that are in the list.
var adminPlaces = []adminPlace{
	{Path: "/admin", Key: "admin.overview_title", scope: admin.ServiceRead},
	{Path: "/admin/people", Key: "admin.people_title", scope: admin.AccountsRead},
	{Path: "/admin/sessions", Key: "admin.sessions_title", scope: admin.SessionsRead},
	{Path: "/admin/nodes", Key: "admin.nodes_title", scope: admin.ServiceRead},
	{Path: "/admin/networks", Key: "admin.networks_title", scope: admin.NetworksRead},
	{Path: "/admin/invites", Key: "admin.invites_title", scope: admin.InvitesRead},
	{Path: "/admin/notices", Key: "admin.notices_title", scope: admin.MessagesWrite},
	{Path: "/admin/audit", Key: "admin.audit_title", scope: admin.AuditRead},
	{Path: "/admin/tokens", Key: "admin.tokens_title", scope: admin.TokensRead},
	{Path: "/admin/webhooks", Key: "admin.webhooks_title", scope: admin.WebhooksRead},
}

// adminHead begins a page; here is its place in the list.
func (s *Server) adminHead(w http.ResponseWriter, r *http.Request, here string) adminHead {
	h := adminHead{Said: s.said(w, r)}
	for _, p := range adminPlaces {
		if visitorOf(r).May(p.scope) {
			p.Here = p.Path == here
			h.Places = append(h.Places, p)
		}
	}
	return h
}

// refused has a page tell why something was not done. It reports false if err is no refusal.
func (h *adminHead) refused(err error, form string) bool {
	h.Field = form
	if h.Problem = problemOf(err); h.Problem != "" {
		return true
	}
	if f := new(fault); errors.As(err, &f) {
		return false
	}
	if errors.Is(err, auth.ErrBusy) {
		h.Problem = "admin.problem_busy"
		return true
	}
	if own := complaint(""); errors.As(err, &own) {
		h.Problem = string(own)
		return true
	}
	var p *admin.Problem
	if !errors.As(err, &p) {
		return false
	}
	if h.Problem = adminProblems[p.Code]; h.Problem == "" {
		h.Detail = p.Detail
	}
	return true
}

// refusable is what a page shows that can say why one of its forms was refused.
type refusable interface {
	refused(err error, form string) bool
}

// refuse shows a page again, with why one of its forms was refused. What is no refusal it returns.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, page string, d refusable, form string, err error) error {
	if !d.refused(err, form) {
		return err
	}
	return s.pageWith(http.StatusUnprocessableEntity, w, r, page, d)
}

// orAgain makes a handler of one that takes a form of a page: what it refuses, the page says.
func orAgain[D refusable](s *Server, page, form string, load func(http.ResponseWriter, *http.Request) (D, error), take handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := take(w, r)
		if err == nil {
			return nil
		}
		d, failed := load(w, r)
		if failed != nil {
			return failed
		}
		return s.refuse(w, r, page, d, form, err)
	}
}

// adminProblems are what operators are told of refusals of the service, by their codes. Of others
// they are told what the service says.
var adminProblems = map[string]string{
	admin.CodeBadEmail:    "account.bad_email",
	admin.CodeBadNick:     "account.bad_name",
	admin.CodeBadPassword: "admin.problem_password",
	admin.CodeEmailTaken:  "admin.problem_taken",
	admin.CodeNoAccount:   "admin.problem_no_account",
	admin.CodeNoSession:   "admin.problem_not_signed_in",
	admin.CodeNoNode:      "admin.problem_no_node",
	admin.CodeNodeSilent:  "admin.problem_node_silent",
	admin.CodeAlertsOff:   "admin.problem_alerts_off",
	admin.CodeBadAlert:    "admin.problem_alert",
	admin.CodeNoAlerts:    "admin.problem_no_alerts",
	admin.CodeNoNotice:    "admin.problem_no_notice",
	admin.CodeNoInvite:    "admin.problem_no_invite",
	admin.CodeNoMailbox:   "admin.problem_no_mailbox",
	admin.CodeBadMail:     "admin.problem_mailbox",
	admin.CodeBusy:        "admin.problem_busy",
	admin.CodeBadNetwork:  "admin.problem_network",
	admin.CodeNoNetwork:   "admin.problem_no_network",
	admin.CodeLocksOut:    "admin.problem_locks_out",
	admin.CodeConfigured:  "admin.problem_configured",
	admin.CodeNoAudit:     "admin.problem_no_audit",
	admin.CodeNoToken:     "admin.problem_no_token",
	admin.CodeTokenName:   "admin.problem_token_taken",
	admin.CodeNoWebhook:   "admin.problem_no_webhook",
}

// liveHeader marks an answer that is what is new on a page. A script looks for it, because somebody
// who is not signed in any more gets another page instead.
const liveHeader = "Monarch-Live"

// livePage answers with a page, or with what may have changed on it since if the page itself asks.
func (s *Server) livePage(w http.ResponseWriter, r *http.Request, name string, data any) error {
	if inPlace(r) {
		w.Header().Set(liveHeader, "true")
		return s.render(http.StatusOK, w, r, name, "live", data)
	}
	return s.page(w, r, name, data)
}

// proveOperator checks the operator's own password in a form, for what does most harm in the hands of
// somebody else who found his browser open.
func (s *Server) proveOperator(r *http.Request) error {
	key, err := s.proveOwner(r.Context(), visitorOf(r), r.PostFormValue("own"))
	if err == nil && key != "" {
		err = complaint(key)
	}
	return err
}

// complaint is the key of what to tell an operator about what he has filled in.
type complaint string

func (c complaint) Error() string { return string(c) }

// personPath is the path of the page of one person.
func personPath(handle string) string { return "/admin/people/" + url.PathEscape(handle) }

// atPage returns the address of another part of a list, which begins at something.
func atPage(path string, q url.Values, key, at string) string {
	if q == nil {
		q = make(url.Values)
	}
	q.Set(key, at)
	return path + "?" + q.Encode()
}

// numberIn reads a number that is within bounds, or returns 0.
func numberIn(text string, most int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > most {
		return 0
	}
	return n
}

// lower is for keys of texts that are made of what the service says.
func lower(of any) string { return strings.ToLower(fmt.Sprint(of)) }

// dot returns the class of the mark for a status.
func dot(status string) string {
	switch status {
	case "NLN":
		return "online"
	case "BSY", "PHN":
		return "busy"
	case "IDL", "BRB", "AWY", "LUN":
		return "away"
	}
	return ""
}
