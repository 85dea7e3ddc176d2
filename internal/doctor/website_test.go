package doctor_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"monarch/internal/acme/acmetest"
	"monarch/internal/config"
	"monarch/internal/doctor"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

const checkWebsite = "website's certificate"

// certificateFor returns the files of a certificate for one name.
func certificateFor(t *testing.T, host string, until time.Time) (cert, key string) {
	t.Helper()
	return sort{func(c *x509.Certificate) {
		c.DNSNames, c.NotBefore, c.NotAfter = []string{host}, until.Add(-year), until
	}, nil}.files(t)
}

func TestTheWebsitesCertificate(t *testing.T) {
	cfg := freePorts(t)
	examine(t, cfg, stopped).expect(t, doctor.OK, checkWebsite, "for this machine only")
	cfg.Service.Host = "192.0.2.10"
	examine(t, cfg, stopped).expect(t, doctor.Warning, checkWebsite, "for everybody to read")
	cfg.Web.URL = "https://im.example.com"
	examine(t, cfg, stopped).expect(t, doctor.OK, checkWebsite, "in front of the website")
	cfg.Web.ACME = config.ACMEOn
	examine(t, cfg, stopped).expect(t, doctor.Problem, checkWebsite, "has no address")
	cfg.Web.ACME, cfg.Web.Cert, cfg.Web.Key = config.ACMEOff, "absent.pem", "absent.key"
	examine(t, cfg, stopped).expect(t, doctor.Problem, checkWebsite, "cannot be used")
	cfg.Web.Cert, cfg.Web.Key = certificateFor(t, "other.example.com", time.Now().Add(100*24*time.Hour))
	examine(t, cfg, stopped).expect(t, doctor.Warning, checkWebsite, "does not cover im.example.com")
	cfg.Web.Cert, cfg.Web.Key = certificateFor(t, "im.example.com", time.Now().Add(10*24*time.Hour))
	examine(t, cfg, stopped).expect(t, doctor.Warning, checkWebsite, "expires soon")
	cfg.Web.Cert, cfg.Web.Key = certificateFor(t, "im.example.com", time.Now().Add(-time.Hour))
	examine(t, cfg, stopped).expect(t, doctor.Problem, checkWebsite, "has expired")
	cfg.Web.Cert, cfg.Web.Key = certificateFor(t, "im.example.com", time.Now().Add(100*24*time.Hour))
	examine(t, cfg, stopped).expect(t, doctor.OK, checkWebsite, "For im.example.com")
}

// A machine knows its own name without a name server.
func TestACertificateThatAnAuthorityGives(t *testing.T) {
	a := acmetest.New(t)
	cfg := freePorts(t)
	cfg.Web.ACME, cfg.Web.ACMEDirectory, cfg.Web.ACMECA = config.ACMEOn, a.Directory, a.CA
	cfg.Web.URL, cfg.Web.Listen = "https://im.example.com", loopback.Address(t)
	cfg.Passport.HTTPListen = loopback.Address(t)
	here := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, a.Names)
	}
	examineWith(t, cfg, stopped, here).expect(t, doctor.OK, checkWebsite, "once it runs")
	s := msntest.Serve(t, cfg)
	cfg.Passport.HTTPSListen, cfg.Ops.Listen = s.Addr("https"), s.Addr("ops")
	examineWith(t, cfg, running, here).expect(t, doctor.Problem, checkWebsite, "the authority cannot be reached")
	a.Start(cfg.Passport.HTTPListen, cfg.Web.Listen)
	examineWith(t, cfg, running, here).expect(t, doctor.Problem, checkWebsite, "does not lead to passport.http_listen")
	if _, err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		for _, f := range examineWith(t, cfg, running, here) {
			if f.Check == checkWebsite && f.Level == doctor.OK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal(examineWith(t, cfg, running, here))
		}
	}
}

func TestALookAtOneSetting(t *testing.T) {
	cfg := freePorts(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg.Passport.HTTPListen = l.Addr().String()
	p := doctor.Patient{
		Config: cfg, Command: func(rest string) string { return rest },
		Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("none") }},
	}
	for key, level := range map[string]doctor.Level{
		"passport.http_listen": doctor.Problem, "passport.https_listen": doctor.OK, "service.host": doctor.Warning,
		"web.url": doctor.OK, "smtp.host": doctor.OK,
	} {
		if got := doctor.Look(t.Context(), p, key); len(got) != 1 || got[0].Level != level {
			t.Errorf("%s: %+v", key, got)
		}
	}
	if got := doctor.Look(t.Context(), p, "service.name"); got != nil {
		t.Errorf("%+v", got)
	}
}
