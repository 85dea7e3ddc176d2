package server_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"monarch/internal/config"
	"monarch/internal/msntest"
)

// browse gets a page, on a connection of its own, and returns it with the certificate that was
// shown.
func browse(t *testing.T, address string) (page, certificate string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", address, res.StatusCode, err)
	}
	if res.TLS != nil {
		certificate = res.TLS.PeerCertificates[0].Subject.CommonName
	}
	return string(text), certificate
}

func TestTheWebsiteTellsWhoIsThere(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"service.name": "Our Place"})
	msntest.NewPlayer(t, f).Play("signin9 A")
	page, _ := browse(t, "http://"+f.Server.Addr("web")+"/")
	for _, want := range []string{"Our Place", "1 person is on line"} {
		if !strings.Contains(page, want) {
			t.Errorf("the first page does not say %q", want)
		}
	}
	sees(t, f, "monarch_web_requests_total 1")
}

func TestRegistrationChangesWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	for registration, want := range map[string]string{
		config.RegistrationOpen: `data-bits="18"`, config.RegistrationInvite: `name="code"`, config.RegistrationClosed: "the people who run it",
	} {
		reload(t, f, map[string]string{"accounts.registration": registration})
		if page, _ := browse(t, "http://"+f.Server.Addr("web")+"/join"); !strings.Contains(page, want) {
			t.Errorf("%s: the page lacks %q", registration, want)
		}
	}
}

func TestTheWebsiteOverTLS(t *testing.T) {
	t.Parallel()
	cert := makeCertificate(t)
	f := msntest.Start(t, map[string]string{"web.cert": cert + ".pem", "web.key": cert + ".key", "web.url": "https://im.example.com/"})
	if _, shown := browse(t, "https://"+f.Server.Addr("web")+"/"); shown != "new" {
		t.Errorf("it shows the certificate of %q", shown)
	}
}

func TestAServerWithoutAWebsite(t *testing.T) {
	t.Parallel()
	cfg := freePorts(t)
	cfg.Web.Listen = config.WebOff
	f, _ := serve(t, cfg)
	if addr := f.Server.Addr("web"); addr != "" {
		t.Errorf("somebody listens at %s", addr)
	}
	msntest.NewPlayer(t, f).Play("A.ns> VER 1 MSNP9 CVR0\nA.ns< VER 1 MSNP9 CVR0")
}
