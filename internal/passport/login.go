package passport

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"monarch/internal/auth"
)

// What a refused client shows its user.
const (
	textRefused = "The e-mail address or password is incorrect."
	textLimited = "Too many failed attempts to sign in. Please wait a minute and try again."
)

// login turns the Authorization header into a ticket, a redirection or a refusal. Any
// host, query and body will do. docs/protocol/passport.md#login
func (s *Server) login(ctx context.Context, q *request) *response {
	c, ok := parseAuthorization(q.header("Authorization"))
	if !ok {
		s.count(errRefused)
		return s.unauthorized(textRefused)
	}
	if host, ok := s.redirect(c.handle, q); ok {
		return &response{status: 302, fields: []field{
			{"Location", "https://" + host + s.loginPath + "?" + redirectQuery},
			{"Authentication-Info", "Passport1.4 da-status=redir"},
		}}
	}
	ticket, err := s.signIn(ctx, c, q.remote)
	switch {
	case err == nil:
		return success(ticket)
	case errors.Is(err, errLimited):
		return s.unauthorized(textLimited)
	case errors.Is(err, errRefused):
		return s.unauthorized(textRefused)
	}
	return s.unavailable(err)
}

// success is answered with one quoted ticket and a comma before it; no Location, which
// one client looks for before it looks at the status. docs/protocol/passport.md#success
func success(ticket string) *response {
	return &response{status: 200, fields: []field{
		{"Content-Type", "text/html"},
		{"Content-Length", ""},
		{"Cache-Control", "no-cache"},
		{"Authentication-Info", "Passport1.4 da-status=success,tname=MSPAuth,tname=MSPProf,tname=MSPSec," +
			"from-PP='" + ticket + "',ru=http://messenger.msn.com"},
	}}
}

// unauthorized is the refusal. Clients show everything after cbtxt= to the end of the
// line. docs/protocol/passport.md#failure
func (s *Server) unauthorized(text string) *response {
	return &response{
		status: 401,
		fields: []field{
			{"Content-Type", "text/html"},
			{"Content-Length", ""},
			{"WWW-Authenticate", "Passport1.4 da-status=failed,srealm=Passport.NET,ts=-3,prompt," +
				"cburl=http://" + s.loginHost + "/logo.gif,cbtxt=" + url.PathEscape(text)},
			{"PassportConfig", configVersion},
		},
		body: []byte("<html><head><title>Sign-in failed</title></head><body><p>" + text + "</p></body></html>\n"),
	}
}

// unavailable asks to come back later. Being busy is no news; anything else is.
func (s *Server) unavailable(err error) *response {
	if !errors.Is(err, auth.ErrBusy) && !errors.Is(err, context.Canceled) {
		s.cfg.Log.Error("sign-in not possible", "err", err)
	}
	return busyResponse()
}

const redirectQuery = "lc=1033"

// redirect returns the host that the accounts of a domain sign in at. A client that has
// been redirected is not sent round again: it names that host, or, without a Host header,
// comes with the query it was given. docs/protocol/passport.md#redirect
func (s *Server) redirect(handle string, q *request) (string, bool) {
	_, domain, _ := strings.Cut(handle, "@")
	host, ok := s.cfg.Redirects[domain]
	if !ok || strings.EqualFold(host, q.host) || q.host == "" && q.query == redirectQuery {
		return "", false
	}
	return host, true
}
