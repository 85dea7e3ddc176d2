package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"monarch/internal/acme/acmetest"
	"monarch/internal/config"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

// certifiedHost is the name that the authority looks for.
const certifiedHost = "im.example.com"

// withACME returns settings for a certificate of an authority, whose validation comes to these
// addresses.
func withACME(a *acmetest.Authority, http, https, web string) map[string]string {
	return map[string]string{
		"web.acme": config.ACMEOn, "web.acme_directory": a.Directory, "web.acme_ca": a.CA, "web.acme_email": "you@example.com",
		"web.url": "https://" + certifiedHost, "web.listen": web, "passport.http_listen": http, "passport.https_listen": https,
	}
}

// trusted waits until the website shows a certificate that people trust who trust the authority.
func trusted(t *testing.T, f *msntest.Fixture, roots *x509.CertPool, hurry time.Duration) *x509.Certificate {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; f.Clock.Advance(hurry) {
		c, err := tls.Dial("tcp", f.Server.Addr("web"), &tls.Config{RootCAs: roots, ServerName: certifiedHost})
		if err == nil {
			defer c.Close()
			return c.ConnectionState().PeerCertificates[0]
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestTheWebsiteGetsACertificate(t *testing.T) {
	t.Parallel()
	a := acmetest.New(t)
	http, https, web := loopback.Address(t), loopback.Address(t), loopback.Address(t)
	f := msntest.Start(t, withACME(a, http, https, web))
	if page, shown := browse(t, "https://"+web+"/"); !strings.Contains(page, "Monarch") || shown == "" {
		t.Error("without a certificate of the authority there is no page")
	}
	sees(t, f, `monarch_certificate_expiry_timestamp_seconds{listener="web"} 0`)
	a.Start(http, web)
	reload(t, f, map[string]string{"web.acme_email": "another@example.com"}) // which does not wait
	leaf := trusted(t, f, a.Roots(), 0)
	if err := leaf.VerifyHostname(certifiedHost); err != nil {
		t.Error(err)
	}
	if got := gauge(t, f, `monarch_certificate_expiry_timestamp_seconds{listener="web"}`); got < 1e9 {
		t.Errorf("it expires at %v", got)
	}
	if page, _ := browse(t, "https://"+web+"/"); !strings.Contains(page, "Monarch") {
		t.Error("there is no page")
	}
	if c, err := tls.Dial("tcp", https, &tls.Config{RootCAs: f.Roots(), ServerName: "login.passport.com"}); err != nil {
		t.Errorf("clients of old are shown another certificate than before: %v", err)
	} else {
		c.Close()
	}
	if got := status(t, "http://"+http+"/.well-known/acme-challenge/none"); got != 404 {
		t.Errorf("a question of nobody: status %d", got)
	}
}

// Port 80 leads nowhere, and port 443 to where clients send their passwords.
func TestTheWebsiteGetsACertificateThroughTheListenerOfClients(t *testing.T) {
	t.Parallel()
	a := acmetest.New(t)
	http, https, web := loopback.Address(t), loopback.Address(t), loopback.Address(t)
	a.Start(loopback.Address(t), https)
	f := msntest.Start(t, withACME(a, http, https, web))
	trusted(t, f, a.Roots(), 5*time.Second)
	sees(t, f, "monarch_acme_certificates_total 1")
	if got := gauge(t, f, "monarch_acme_failures_total"); got < 1 {
		t.Errorf("%v attempts failed", got)
	}
}

func TestACertificateOverACMETakesARestart(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	report, err := f.Reload(map[string]string{"web.acme": config.ACMEOn, "web.url": "https://" + certifiedHost})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(report.Restart, " ") != "web.url web.acme" {
		t.Errorf("%+v", report)
	}
	if page, _ := browse(t, "http://"+f.Server.Addr("web")+"/"); !strings.Contains(page, "Monarch") {
		t.Error("there is no page")
	}
}

// status asks for a page and returns the status of the answer.
func status(t *testing.T, address string) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}
