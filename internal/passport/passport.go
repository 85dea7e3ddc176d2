// Package passport is what clients of the time call over HTTP and HTTPS: the nexus, the
// login that turns a password into a ticket, the configuration service, the pages that the
// URL command names, and the gateway that carries MSNP through proxies. It leaves looking at
// passwords to login, signing to auth, accounts to store, looking at tickets to ns, and commands
// to the servers behind the gateway.
//
// The clients' HTTP is older than net/http tolerates (no version, no Host, header names
// compared letter by letter), so a small server of our own reads and answers it.
// docs/protocol/passport.md#http
package passport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/gate"
	"monarch/internal/login"
	"monarch/internal/store"
	"monarch/internal/trace"
	"monarch/internal/turns"
)

// Config is what a [Server] is made of. Every pointer but Gateway and Trace is required.
type Config struct {
	Store  *store.Store
	Login  *login.Desk
	Signer *auth.Signer
	Clock  *clock.Clock
	Log    *slog.Logger
	Gate   *gate.Gate

	Gateway *Gateway      // nil: there is none
	Trace   *trace.Tracer // nil: sign-ins are not traced

	Name      string            // of the service, as pages say it
	LoginURL  string            // host and path of the login without scheme or port
	MailURL   string            // page of mailboxes without one of their own; "" is none
	URL       string            // where the pages are: scheme and host, no slash at the end
	Site      string            // the website, where they lead on to; the same form, "": there is none
	Redirects map[string]string // domain of a handle to another login host; usually empty
	Templates string            // directory of documents in place of the built-in ones, or ""
	WebLife   time.Duration     // how long a web token of the profile opens pages

	// Challenge returns what an authority reads that looks whose the website's name is, by the token that
	// it asks for. nil: no authority is expected.
	Challenge func(ctx context.Context, token string) (answer string, ok bool)

	Limits Limits // to begin with
}

// Limits is what [Server.SetLimits] changes while the server runs. What is 0 has its default.
type Limits struct {
	Handshake time.Duration // longest time for the TLS handshake
	Header    time.Duration // and for the head of a request
	Body      time.Duration // and for its body
	Answer    time.Duration // and for the client to take the answer

	Join bool // whether people may make accounts at the website
}

// Counts is what has happened since the start, besides what the login counts.
type Counts struct {
	Panics atomic.Uint64
}

// Server answers on any number of listeners until it is closed.
type Server struct {
	Counts Counts

	cfg        Config // immutable
	loginHost  string // immutable
	loginPath  string // immutable
	secure     map[string]handler
	plain      map[string]handler
	https      *endpoint
	http       *endpoint
	gateway    *gateway          // nil: there is none
	pages      map[string][]byte // by path; immutable
	signposts  map[string][]byte // in their place, if there is a website; immutable
	signAgain  []byte            // immutable
	handshakes *turns.Queue
	limits     atomic.Pointer[Limits]
	documents  atomic.Pointer[documents]
}

// handler answers one request.
type handler func(context.Context, *request) *response

// New makes a server. It reads the templates, so an error in one shows here.
func New(cfg Config) (*Server, error) {
	host, path, ok := strings.Cut(cfg.LoginURL, "/")
	if !ok || host == "" || strings.ContainsAny(cfg.LoginURL, ":, ?") {
		return nil, fmt.Errorf("login address %q: want host/path without scheme, port or query", cfg.LoginURL)
	}
	cfg.URL, cfg.Site = strings.TrimRight(cfg.URL, "/"), strings.TrimRight(cfg.Site, "/")
	s := &Server{cfg: cfg, loginHost: strings.ToLower(host), loginPath: "/" + path, handshakes: turns.New(turns.Limits{})}
	s.SetLimits(cfg.Limits)
	use, err := s.Documents(cfg.Templates)
	if err != nil {
		return nil, err
	}
	use()
	if err := s.renderPages(); err != nil {
		return nil, err
	}
	if cfg.Gateway != nil {
		s.gateway = newGateway(*cfg.Gateway, cfg.Clock, cfg.Gate)
	}
	s.route()
	s.https = newEndpoint(s, "https", s.answerSecure)
	s.http = newEndpoint(s, "http", s.answerPlain)
	return s, nil
}

// SetLimits changes the limits, for connections from their next step on.
func (s *Server) SetLimits(l Limits) {
	usual(&l.Handshake, 15*time.Second)
	usual(&l.Header, 30*time.Second)
	usual(&l.Body, 30*time.Second)
	usual(&l.Answer, 30*time.Second)
	s.handshakes.SetLimits(handshakeTurns(l.Handshake))
	s.limits.Store(&l)
}

// usual sets what was left at zero.
func usual(value *time.Duration, to time.Duration) {
	if *value == 0 {
		*value = to
	}
}

// Documents reads the documents in a directory of templates, or "" for the built-in ones alone,
// and returns what makes them those that clients get from then on.
func (s *Server) Documents(templates string) (use func(), err error) {
	docs, err := loadDocuments(templates, documentData{Name: s.cfg.Name, URL: s.cfg.URL, Site: s.cfg.Site})
	return func() { s.documents.Store(docs) }, err
}

// ServeHTTPS answers what belongs on port 443, without TLS if cfg is nil. It returns nil after
// [Server.Close].
func (s *Server) ServeHTTPS(l net.Listener, cfg *tls.Config) error {
	return s.https.serve(l, s.inTurn(cfg))
}

// ServeHTTP answers what belongs on port 80, where nobody's secret may travel. It returns
// nil after [Server.Close].
func (s *Server) ServeHTTP(l net.Listener) error {
	return s.http.serve(l, nil)
}

// Farewell takes no new sessions at the gateway and waits until the clients of those that
// the engine has ended were told, or until ctx ends.
func (s *Server) Farewell(ctx context.Context) {
	if s.gateway != nil {
		s.gateway.drain(ctx)
	}
}

// GatewaySessions returns how many sessions the gateway carries.
func (s *Server) GatewaySessions() int {
	if s.gateway == nil {
		return 0
	}
	return s.gateway.count()
}

// Evict closes the connections of addresses that are not wanted any more. The sessions of the gateway are
// the engine's to end.
func (s *Server) Evict(unwanted func(netip.Addr) bool) {
	s.https.evict(unwanted)
	s.http.evict(unwanted)
}

// Close stops accepting and waits for the requests in hand, or until ctx ends: then it
// breaks them off and says so.
func (s *Server) Close(ctx context.Context) error {
	if s.gateway != nil {
		s.gateway.stop()
	}
	s.https.stop()
	s.http.stop()
	return errors.Join(s.https.wait(ctx), s.http.wait(ctx))
}

// route fills the tables of paths, which are compared in lower case.
func (s *Server) route() {
	s.secure = map[string]handler{
		"/rdr/pprdr.asp":             s.nexus,
		"/login2.srf":                s.login,
		"/login.srf":                 s.login,
		strings.ToLower(s.loginPath): s.login,
		"/rst.srf":                   s.rst,
		"/ppsecure/md5auth.srf":      s.webSignIn,
	}
	s.plain = map[string]handler{
		"/config/msgrconfig.asmx": s.messengerConfig,
		"/svcs/mms/tabs.asp":      s.document("tabs", typeXML),
		"/svcs/mms/portal.asp":    s.document("portal", typeHTML),
	}
	if s.gateway != nil {
		s.plain[gatewayPath] = s.gateway.answer
	}
}

// answerSecure is the HTTPS half, which speaks TLS of old: no page for people is here, but the
// way to it.
func (s *Server) answerSecure(ctx context.Context, q *request) *response {
	path := strings.ToLower(q.path)
	if h, ok := s.secure[path]; ok {
		return h(ctx, q)
	}
	answer := s.page(path, q)
	if answer.status == 200 {
		return &response{status: 302, fields: []field{{"Location", "http://" + cmp.Or(q.host, s.loginHost) + path}}}
	}
	return answer
}

// answerPlain is the HTTP half. docs/protocol/passport.md#other-services
func (s *Server) answerPlain(ctx context.Context, q *request) *response {
	path := strings.ToLower(q.path)
	h, ok := s.plain[path]
	token, asked := strings.CutPrefix(q.path, challengePrefix)
	switch {
	case asked && s.cfg.Challenge != nil:
		return s.challenge(ctx, token, q)
	case ok:
		return h(ctx, q)
	case strings.HasSuffix(path, "/abch_config.asp"):
		return s.document("abch_config", typeXML)(ctx, q)
	case q.host == "rad.msn.com":
		return &response{status: 200, fields: []field{{"Content-Type", typeHTML}}}
	case q.host == "g.msn.com":
		return &response{status: 302, fields: []field{{"Location", s.cfg.URL + helpPath}}}
	case path == "/" && q.method == "POST":
		return &response{status: 200} // later clients try the port like this
	}
	return s.page(path, q)
}

// page answers with a page of our own, or says that there is nothing.
func (s *Server) page(path string, q *request) *response {
	body := s.pageAt(path)
	if body == nil || q.method != "GET" && q.method != "HEAD" {
		s.cfg.Log.Debug("nothing at this address", "host", q.host, "path", q.path)
		return &response{status: 404}
	}
	return htmlResponse(200, body)
}

// challengePrefix begins the paths at which authorities look whose a name is (RFC 8555, 8.3).
const challengePrefix = "/.well-known/acme-challenge/"

// challenge answers an authority, which compares every byte.
func (s *Server) challenge(ctx context.Context, token string, q *request) *response {
	answer, ok := s.cfg.Challenge(ctx, token)
	if !ok || q.method != "GET" && q.method != "HEAD" {
		s.cfg.Log.Debug("nobody asks for this challenge", "addr", q.remote.String())
		return &response{status: 404}
	}
	return &response{status: 200, fields: []field{{"Content-Type", "application/octet-stream"}}, body: []byte(answer)}
}
