package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"monarch/internal/config"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/mail"
	"monarch/internal/passport"
	"monarch/internal/web"
)

// website is the website, if there is one.
type website struct {
	server *web.Server                // nil: there is none
	tls    atomic.Pointer[tls.Config] // what its listener shows and speaks; nil: plain HTTP
}

// buildWebsite makes the website, unless nobody listens for it.
func (s *Server) buildWebsite() error {
	if s.listeners.web == nil {
		return nil
	}
	settings, err := s.webTLS(s.cfg)
	if err != nil {
		return err
	}
	s.website.tls.Store(settings)
	cfg := web.Config{
		Login: s.login, Account: s.users, Store: s.store, Hub: s.hub, Signer: s.signer, Clock: s.clock, Log: s.log,
		Audit: s.audit, Gate: s.gate, Admin: s.service,
		Name: s.cfg.Service.Name, URL: s.site(), Host: s.cfg.Service.Host,
		Clients: web.Clients{
			Dispatch: s.told(s.cfg.Dispatch, "dispatch"), Login: s.cfg.Passport.LoginURL,
			HTTPS: portOf(s.Addr("https")), TLS: s.tls.Load,
		},
		Sockets: web.Sockets{Engine: s.engine, Notification: s.ns.Notification(), Switchboard: s.boards.role, Elsewhere: s.elsewhere},
		Limits:  webLimits(s.cfg),
		Place:   s.place,
		Manage:  s.bearer,
		Tell:    func(e web.Ended) { s.nodes.Tell(topicEnded, e) },
	}
	if sender := s.post.sender; sender != nil {
		cfg.Post = func(l web.Letter) { sender.Send(mail.Letter(l)) }
	}
	if s.website.server, err = web.New(cfg); err != nil {
		return fmt.Errorf("make the website: %w", err)
	}
	s.nodes.Hear(topicEnded, hear(s.website.server.Learn))
	return nil
}

// place returns where somebody is signed in, with what only that node knows.
func (s *Server) place(ctx context.Context, id im.UserID) (hub.Login, bool) {
	l, in := s.hub.ByID(id)
	if !in || l.Node == "" {
		return l, in
	}
	if told, ok := s.service.Place(ctx, im.User{Person: l.Person}); ok {
		l.Client, l.Since = told.Client, told.Since
		l.Addr, _ = netip.ParseAddrPort(told.Address) // not valid when that node does not tell
	}
	return l, true
}

// site returns where people find the website, or "" if there is none.
func (s *Server) site() string {
	if s.listeners.web == nil {
		return ""
	}
	return s.cfg.WebURL(s.Addr("web"))
}

// portOf returns the port of an address, or "" where there is none.
func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return port
}

func webLimits(cfg config.Config) web.Limits {
	r := ratesOf(cfg).ns
	operators, err := config.Prefixes(cfg.Admin.Networks)
	if err != nil {
		operators = []netip.Prefix{{}} // which nobody is in; config has looked at them
	}
	return web.Limits{
		Operators: operators,

		Lists: r.Lists, Names: r.Names,
		Rates:        cfg.Limits.Rates == config.RatesOn,
		Registration: web.Registration(cfg.Accounts.Registration),
		ProofBits:    cfg.Accounts.ProofOfWork,
	}
}

// reloadWebsite reads the certificate again. Whether there is one at all stays as it was, see
// [fixedSettings].
func (s *Server) reloadWebsite(next config.Config) (func(), error) {
	settings, err := s.webTLS(next)
	return func() {
		if s.website.server != nil {
			s.website.server.SetLimits(webLimits(next))
			s.website.tls.Store(settings)
		}
	}, err
}

// webTLS returns what the website's listener shows and speaks, or nil for plain HTTP.
func (s *Server) webTLS(cfg config.Config) (*tls.Config, error) {
	if cfg.Web.ACME == config.ACMEOn {
		return s.certified(cfg)
	}
	return loadWebTLS(cfg.Web)
}

// loadWebTLS does with a certificate of one's own.
func loadWebTLS(w config.Web) (*tls.Config, error) {
	if w.Cert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(w.Cert, w.Key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate of web.cert and web.key: %w", err)
	}
	return passport.ModernTLS(cert), nil
}

// presentWeb returns settings that are, for each handshake, those of the moment; nil for plain HTTP.
func (s *Server) presentWeb() *tls.Config {
	settings := s.website.tls.Load()
	if settings == nil {
		return nil
	}
	settings = settings.Clone()
	settings.GetConfigForClient = s.handshake(s.website.tls.Load)
	return settings
}

// close ends the website, once the requests in hand are answered or ctx ends.
func (w *website) close(ctx context.Context) error {
	if w.server == nil {
		return nil
	}
	return w.server.Shutdown(ctx)
}
