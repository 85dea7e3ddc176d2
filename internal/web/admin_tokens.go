package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/im"
)

// tokenRoutes are about what programs manage the service with.
func (s *Server) tokenRoutes() []adminRoute {
	form := func(take handler) handler { return orAgain(s, "admin/tokens", "token", s.tokens, take) }
	return []adminRoute{
		{"GET /admin/tokens", admin.TokensRead, s.tokensPage, ""},
		{"POST /admin/tokens/make", admin.TokensWrite, form(s.makeToken), "/admin/tokens"},
		{"POST /admin/tokens/revoke", admin.TokensWrite, form(s.revokeToken), "/admin/tokens"},
	}
}

// tokensData is the page of the tokens.
type tokensData struct {
	adminHead
	Tokens []tokenRow
	Scopes []admin.Scope
	Form   url.Values
}

// tokenRow is a token with how it is doing.
type tokenRow struct {
	admin.Token
	Role im.Role // whose scopes it has; "": those that are listed
	Over bool    // it has expired
}

// Chosen reports whether a scope was ticked, when the form is shown again.
func (d tokensData) Chosen(scope admin.Scope) bool {
	return slices.Contains(d.Form["scope"], string(scope))
}

func (s *Server) tokens(w http.ResponseWriter, r *http.Request) (*tokensData, error) {
	d := &tokensData{adminHead: s.adminHead(w, r, "/admin/tokens"), Scopes: admin.AllScopes(), Form: r.PostForm}
	all, err := s.cfg.Admin.Tokens(r.Context())
	for _, t := range all {
		over := t.Expires != nil && !t.Expires.After(s.cfg.Clock.Now())
		d.Tokens = append(d.Tokens, tokenRow{Token: t, Role: admin.RoleOf(t.Scopes), Over: over})
	}
	return d, err
}

func (s *Server) tokensPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.tokens(w, r)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/tokens", d)
}

// makeToken makes a token and shows it once.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request) error {
	in := admin.NewToken{Name: strings.TrimSpace(r.PostFormValue("name")), Role: im.Role(r.PostFormValue("role"))}
	if in.Role == im.NoRole {
		for _, scope := range r.PostForm["scope"] {
			in.Scopes = append(in.Scopes, admin.Scope(scope))
		}
		if len(in.Scopes) == 0 {
			return complaint("admin.problem_no_scope")
		}
	}
	if days := numberIn(r.PostFormValue("days"), 366); days > 0 {
		in.ExpiresIn = days * int(24*time.Hour/time.Second)
	}
	if err := s.proveOperator(r); err != nil {
		return err
	}
	made, err := s.cfg.Admin.CreateToken(byOperator(r), in)
	if err != nil {
		return err
	}
	return s.page(w, r, "admin/secret", shownOnce{s.adminHead(w, r, "/admin/tokens"), "admin.token_made", made.Name, made.Secret, "/admin/tokens"})
}

// shownOnce is a page with a secret that nobody sees again.
type shownOnce struct {
	adminHead
	Key    string // of what it is
	Name   string
	Secret string
	Back   string
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Admin.RevokeToken(byOperator(r), r.PostFormValue("id")); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_token_revoked"})
	return back(w, r, "/admin/tokens")
}
