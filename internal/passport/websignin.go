package passport

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"monarch/internal/auth"
	"monarch/internal/im"
)

// webSignIn is where a client posts the form that opens a page for somebody who is signed
// in. The MD5 in it needs the password in plain, which we do not have, so that the token
// alone proves who it is; it comes over HTTPS and opens pages of our own only.
// docs/protocol/payloads.md#url
func (s *Server) webSignIn(ctx context.Context, q *request) *response {
	form := query(string(q.body))
	if q.method != "POST" || !s.validWebToken(ctx, form["auth"]) {
		return htmlResponse(403, s.signAgain)
	}
	return &response{status: 302, fields: []field{{"Location", s.destination(ctx, form)}}}
}

// validWebToken reports whether a token belongs to somebody who may still sign in.
func (s *Server) validWebToken(ctx context.Context, token string) bool {
	t, err := s.cfg.Signer.OpenWebToken(token, s.cfg.Clock.Steady(), s.cfg.WebLife)
	if err == nil {
		err = s.mayEnter(ctx, t)
	}
	if err != nil {
		s.cfg.Log.Debug("web sign-in refused", "err", err)
	}
	return err == nil
}

// mayEnter is an error if the account has gone, was locked or got another password.
func (s *Server) mayEnter(ctx context.Context, t auth.Ticket) error {
	user, err := s.cfg.Store.UserByID(ctx, im.UserID(t.User))
	if err != nil {
		return fmt.Errorf("look up account: %w", err)
	}
	if user.Locked(s.cfg.Clock.Now()) || user.Credential != t.Credential {
		return auth.ErrTicket
	}
	return nil
}

// target returns the path that a form wants to reach, which is that of the help page if
// it names none of ours: in rru a path, in ru a whole URL.
func (s *Server) target(form map[string]string) string {
	text := form["rru"]
	if text == "" {
		text = strings.TrimPrefix(form["ru"], s.cfg.URL)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return helpPath
	}
	if path := strings.ToLower(u.Path); s.pages[path] != nil {
		return path
	}
	return helpPath
}
