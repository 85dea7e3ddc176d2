package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"

	"monarch/internal/acme"
	"monarch/internal/config"
	"monarch/internal/passport"
)

// certifying is the website's certificate over ACME, if it is to have one.
type certifying struct {
	keeper *acme.Keeper // nil: it is not
	stop   context.CancelFunc
}

// buildACME makes what gets the website its certificate. Nodes without the website answer for those
// that have it.
func (s *Server) buildACME(ctx context.Context) error {
	if s.cfg.Web.ACME != config.ACMEOn {
		return nil
	}
	settings, err := acmeSettings(s.cfg)
	if err != nil {
		return err
	}
	s.certifying.keeper, err = acme.New(ctx, acme.Config{
		Store: s.store, Clock: s.clock, Log: s.log,
		Alone: s.cluster == nil, Asks: s.listeners.web != nil, Client: "monarch/" + release(),
		Settings: settings,
	})
	if err != nil {
		return err
	}
	c := &s.certifying.keeper.Counts
	s.metrics.Total("monarch_acme_certificates_total", "Certificates for the website that this node got over ACME.", c.Issued.Load)
	s.metrics.Total("monarch_acme_failures_total", "Attempts of this node to get one that came to nothing.", c.Failed.Load)
	return nil
}

// startACME begins to look after the certificate, until s.certifying.stop; s.serving waits for its end.
func (s *Server) startACME() {
	ctx, stop := context.WithCancel(context.Background())
	s.certifying.stop = stop
	if keeper := s.certifying.keeper; keeper != nil {
		s.serving.Go(func() { keeper.Run(ctx) })
	}
}

func acmeSettings(cfg config.Config) (acme.Settings, error) {
	settings := acme.Settings{Host: cfg.WebHost(), Directory: cfg.Web.ACMEDirectory, Email: cfg.Web.ACMEEmail, Ways: ways(cfg)}
	if cfg.Web.ACMECA == "" {
		return settings, nil
	}
	text, err := os.ReadFile(cfg.Web.ACMECA)
	if err != nil {
		return settings, fmt.Errorf("web.acme_ca: %w", err)
	}
	settings.Roots = x509.NewCertPool()
	if !settings.Roots.AppendCertsFromPEM(text) {
		return settings, fmt.Errorf("web.acme_ca: there is no certificate in %s", cfg.Web.ACMECA)
	}
	return settings, nil
}

// ways returns how the authority is to look whose the name is, the likeliest first: by the ports
// that there are. A redirect of another port is not seen from here.
func ways(cfg config.Config) []acme.Way {
	ways := []acme.Way{acme.HTTP, acme.TLS}
	if portOf(cfg.Passport.HTTPListen) != "80" && (portOf(cfg.WebListen()) == "443" || portOf(cfg.Passport.HTTPSListen) == "443") {
		slices.Reverse(ways)
	}
	return ways
}

// reloadACME takes other settings and has the authority asked at once, if it is time.
func (s *Server) reloadACME(next config.Config) (func(), error) {
	settings, err := acmeSettings(next)
	return func() {
		if s.certifying.keeper != nil {
			s.certifying.keeper.Set(settings)
		}
	}, err
}

// certified returns what the website's listener shows and speaks with a certificate over ACME. Until
// there is one it shows that of clients, which says that something is to come, and no more.
func (s *Server) certified(cfg config.Config) (*tls.Config, error) {
	meanwhile, err := loadCertificate(cfg)
	if err != nil {
		return nil, err
	}
	settings := passport.ModernTLS(meanwhile)
	settings.Certificates = nil // or the next is not asked when no name is given
	settings.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c := s.certifying.keeper.Certificate(); c != nil {
			return c, nil
		}
		return &meanwhile, nil
	}
	return settings, nil
}

// handshake returns the settings for a handshake by which an authority looks whose the website's name
// is, and otherwise those that now returns.
func (s *Server) handshake(now func() *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if s.certifying.keeper != nil {
			if special := s.certifying.keeper.Handshake(hello); special != nil {
				return special, nil
			}
		}
		return now(), nil
	}
}

// challenge is what passport's documents answer an authority.
func (s *Server) challenge() func(context.Context, string) (string, bool) {
	if s.certifying.keeper == nil {
		return nil
	}
	return s.certifying.keeper.Answer
}

// expires returns when the website's certificate does, in Unix seconds; 0 if there is none.
func (s *Server) expires() float64 {
	var end time.Time
	switch settings := s.website.tls.Load(); {
	case s.certifying.keeper != nil:
		end = s.certifying.keeper.Expires()
	case settings != nil:
		end = settings.Certificates[0].Leaf.NotAfter
	}
	if end.IsZero() {
		return 0
	}
	return float64(end.Unix())
}
