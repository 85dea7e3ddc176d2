package server

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"monarch/internal/config"
	"monarch/internal/passport"
)

// website is what the website asks for each time that it needs it, so that it may change.
type website struct {
	accounts atomic.Pointer[config.Accounts]
	tls      atomic.Pointer[tls.Config] // nil: plain HTTP
}

// buildWebsite reads what the website needs.
func (s *Server) buildWebsite() error {
	apply, err := s.reloadWebsite(s.cfg)
	if err == nil {
		apply()
	}
	return err
}

// reloadWebsite reads the certificate again. Whether there is one at all stays as it was: a
// listener does not change between HTTP and HTTPS.
func (s *Server) reloadWebsite(next config.Config) (func(), error) {
	settings, err := loadWebTLS(next.Web)
	return func() {
		s.website.accounts.Store(&next.Accounts)
		if (settings == nil) == (s.cfg.Web.Cert == "") {
			s.website.tls.Store(settings)
		}
	}, err
}

// loadWebTLS returns what the website's listener shows and speaks, or nil for plain HTTP.
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
