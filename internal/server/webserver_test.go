package server_test

import (
	"crypto/tls"
	"crypto/x509"
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

func TestTheWebsiteTellsWhatClientsAreTold(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{
		"service.host": "192.0.2.10", "dispatch.advertise": "ds.example.com:2863", "passport.login_url": "im.example.com/login",
	})
	site := "http://" + f.Server.Addr("web") + "/connect"
	for path, wants := range map[string][]string{
		"":                             {"<code>192.0.2.10</code>", "<code>ds.example.com</code>", "<code>2863</code>", "<code>https://im.example.com/login</code>"},
		"/files/messenger-5-6.reg":     {`"Server"="ds.example.com;ds.example.com:2863"`},
		"/files/hosts.txt":             {"192.0.2.10 im.example.com\r\n"},
		"/patch":                       {"<code>ds.example.com</code>", "<code>192.0.2.10</code>"},
		"/msn-messenger-5-6?system=xp": {"monarch-ca.crt"},
	} {
		page, _ := browse(t, site+path)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, page)
			}
		}
	}
	der, _ := browse(t, site+"/files/monarch-ca.crt")
	cert, err := x509.ParseCertificate([]byte(der))
	if err != nil || !cert.IsCA {
		t.Fatalf("the authority: %v", err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(cert)
	nc, err := tls.Dial("tcp", f.Server.Addr("https"), &tls.Config{RootCAs: trust, ServerName: "login.passport.com"})
	if err != nil {
		t.Fatalf("whoever trusts it cannot send a password: %v", err)
	}
	_ = nc.Close()
}

func TestPagesOfOldLeadToTheWebsite(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"web.url": "https://im.example.com/"})
	for _, step := range []struct{ registration, want string }{
		{"", `"https://im.example.com/join"`}, {config.RegistrationClosed, "Ask them for one"}, {config.RegistrationInvite, `"https://im.example.com/join"`},
	} {
		if step.registration != "" {
			reload(t, f, map[string]string{"accounts.registration": step.registration})
		}
		if page, _ := browse(t, "http://"+f.Server.Addr("http")+"/register"); !strings.Contains(page, step.want) {
			t.Errorf("%q: %q is not on the page:\n%s", step.registration, step.want, page)
		}
		if page, _ := browse(t, "http://"+f.Server.Addr("http")+"/password"); !strings.Contains(page, `"https://im.example.com/reset"`) {
			t.Errorf("%q: where a password is changed:\n%s", step.registration, page)
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
	if page, _ := browse(t, "http://"+f.Server.Addr("http")+"/register"); !strings.Contains(page, "Ask them for one") {
		t.Errorf("where to get an account:\n%s", page)
	}
	msntest.NewPlayer(t, f).Play("A.ns> VER 1 MSNP9 CVR0\nA.ns< VER 1 MSNP9 CVR0")
}
