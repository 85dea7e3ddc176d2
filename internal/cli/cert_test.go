package cli_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shown is what cert --json prints.
type shown struct {
	Authority, Server struct {
		Name    string
		Hosts   []string
		SHA1    string
		Hash    string `json:"signed_with"`
		Expires time.Time
	}
}

func (p place) certificates(t *testing.T) (s shown) {
	t.Helper()
	decode(t, p.ok(t, "", "cert", "--json"), &s)
	return s
}

func TestCertShowsAndExportsTheAuthority(t *testing.T) {
	p := newPlace(t)
	text := p.ok(t, "", "cert")
	s := p.certificates(t)
	for _, want := range []string{s.Authority.SHA1, s.Server.SHA1, "nexus.passport.com", "Trusted Root", "--out monarch-ca.cer --der"} {
		if want == "" || !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	der, pemFile := filepath.Join(t.TempDir(), "ca.cer"), filepath.Join(t.TempDir(), "ca.pem")
	p.ok(t, "", "cert", "--out", der, "--der")
	p.ok(t, "", "cert", "--out", pemFile)
	binary := read(t, der)
	cert, err := x509.ParseCertificate(binary)
	if err != nil || !cert.IsCA {
		t.Fatalf("exported certificate: %v", err)
	}
	block, _ := pem.Decode(read(t, pemFile))
	if block == nil || !bytes.Equal(block.Bytes, binary) {
		t.Error("the two exported forms differ")
	}
	if got := p.ok(t, "", "cert", "--out", "-"); got != string(read(t, pemFile)) {
		t.Errorf("on standard output:\n%s", got)
	}
}

func TestCertRenewal(t *testing.T) {
	p := newPlace(t)
	before := p.certificates(t)
	p.ok(t, "", "cert", "--renew")
	renewed := p.certificates(t)
	if renewed.Server.SHA1 == before.Server.SHA1 || renewed.Authority.SHA1 != before.Authority.SHA1 {
		t.Error("renewal must make a new server certificate of the same authority")
	}
	p.ok(t, "", "cert", "--renew", "--sha1")
	old := p.certificates(t)
	if old.Authority.Hash != "SHA-1" || old.Server.Hash != "SHA-1" || old.Authority.Name != before.Authority.Name {
		t.Errorf("for old Windows: %+v", old)
	}
	if again := p.certificates(t); again.Server.SHA1 != old.Server.SHA1 {
		t.Error("looking at the certificates changed them")
	}
}

func TestCertCoversWhatClientsAreTold(t *testing.T) {
	p := newPlace(t)
	t.Setenv("MONARCH_SERVICE_HOST", "im.example.com")
	t.Setenv("MONARCH_PASSPORT_LOGIN_URL", "login.example.com/login2.srf")
	hosts := strings.Join(p.certificates(t).Server.Hosts, " ")
	for _, want := range []string{"im.example.com", "login.example.com", "login.passport.com"} {
		if !strings.Contains(hosts, want) {
			t.Errorf("no %s among %s", want, hosts)
		}
	}
	t.Setenv("MONARCH_PASSPORT_CERT", "own.pem")
	t.Setenv("MONARCH_PASSPORT_KEY", "own-key.pem")
	if r := p.run("", "cert"); r.code != 1 || !strings.Contains(r.errout, "certificate of yours, own.pem") {
		t.Errorf("with an own certificate: %+v", r)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
