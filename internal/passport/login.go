package passport

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"monarch/internal/auth"
	"monarch/internal/login"
	"monarch/internal/trace"
)

// textRefused is what a refused client shows its user. It is for everybody, so that it does not
// tell whether the password was looked at.
const textRefused = "The e-mail address or password is incorrect. After several attempts wait a few minutes before the next."

// login turns the Authorization header into a ticket, a redirection or a refusal. Any
// host, query and body will do. docs/protocol/passport.md#login
func (s *Server) login(ctx context.Context, q *request) *response {
	c, ok := parseAuthorization(q.header("Authorization"))
	if !ok {
		s.cfg.Login.Counts.Refused.Add(1)
		return s.unauthorized()
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
	case isRefusal(err):
		return s.unauthorized()
	}
	return s.unavailable(err)
}

// signIn gives the ticket for the right password. docs/protocol/passport.md#tickets
func (s *Server) signIn(ctx context.Context, c credentials, from netip.Addr) (string, error) {
	told := trace.Password{Handle: c.handle, Began: time.Now()}
	defer func() { s.cfg.Trace.Password(told) }()
	user, err := s.cfg.Login.SignIn(ctx, c.handle, c.passwords, from)
	if err != nil {
		told.Outcome = outcome(err)
		return "", err
	}
	told.Outcome = "right"
	told.Ticket = s.cfg.Signer.Ticket(auth.Ticket{
		User:       int64(user.ID),
		Credential: user.Credential,
		Issued:     s.cfg.Clock.Steady(),
	})
	return told.Ticket, nil
}

// outcome names what became of a password that did not open the door.
func outcome(err error) string {
	switch {
	case errors.Is(err, login.ErrRefused):
		return "refused"
	case errors.Is(err, login.ErrLimited), errors.Is(err, login.ErrTurnedAway):
		return "held_back"
	case errors.Is(err, auth.ErrBusy):
		return "busy"
	}
	return "failed"
}

// isRefusal reports whether the client is to be told that its password is wrong.
func isRefusal(err error) bool {
	return errors.Is(err, login.ErrRefused) || errors.Is(err, login.ErrLimited)
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
func (s *Server) unauthorized() *response {
	return &response{
		status: 401,
		fields: []field{
			{"Content-Type", "text/html"},
			{"Content-Length", ""},
			{"WWW-Authenticate", "Passport1.4 da-status=failed,srealm=Passport.NET,ts=-3,prompt," +
				"cburl=http://" + s.loginHost + "/logo.gif,cbtxt=" + url.PathEscape(textRefused)},
			{"PassportConfig", configVersion},
		},
		body: []byte("<html><head><title>Sign-in failed</title></head><body><p>" + textRefused + "</p></body></html>\n"),
	}
}

// unavailable asks to come back later. Being busy is no news; anything else is.
func (s *Server) unavailable(err error) *response {
	if !errors.Is(err, auth.ErrBusy) && !errors.Is(err, login.ErrTurnedAway) && !errors.Is(err, context.Canceled) {
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
