package server

import (
	"bytes"
	"crypto/tls"
	"fmt"

	"monarch/internal/config"
	"monarch/internal/passport"
)

// loadTLS returns what the HTTPS listener shows and speaks, with the certificate as it is in
// its files now.
func loadTLS(cfg config.Config) (*tls.Config, error) {
	cert, err := loadCertificate(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Passport.LegacyTLS {
		return passport.LegacyTLS(cert), nil
	}
	return passport.ModernTLS(cert), nil
}

// loadCertificate returns the configured certificate, or the one of the data directory.
func loadCertificate(cfg config.Config) (tls.Certificate, error) {
	if cfg.Passport.Cert != "" {
		cert, err := tls.LoadX509KeyPair(cfg.Passport.Cert, cfg.Passport.Key)
		if err != nil {
			return cert, fmt.Errorf("load the certificate of passport.cert and passport.key: %w", err)
		}
		return cert, nil
	}
	made, err := passport.EnsureCertificate(cfg.Data.Dir, cfg.Hosts())
	return made.TLS, err
}

// presentTLS returns settings that are, for each handshake, those of the moment.
func (s *Server) presentTLS() *tls.Config {
	settings := s.tls.Load().Clone()
	settings.GetConfigForClient = s.handshake(s.tls.Load)
	return settings
}

// sameCertificate reports whether two settings show the same certificate.
func sameCertificate(a, b *tls.Config) bool {
	return bytes.Equal(a.Certificates[0].Certificate[0], b.Certificates[0].Certificate[0])
}
