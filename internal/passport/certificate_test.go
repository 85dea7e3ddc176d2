package passport_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/passport"
)

func ensure(t *testing.T, dir string, names ...string) passport.Certificates {
	t.Helper()
	c, err := passport.EnsureCertificate(dir, names)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func renew(t *testing.T, dir string, how passport.Signature) passport.Certificates {
	t.Helper()
	c, err := passport.RenewCertificate(dir, nil, how)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateIsFitForOldClients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "directory")
	c := ensure(t, dir, "msn.example.com", "192.0.2.4", "[2001:db8::1]", "login.passport.com", "")
	leaf := c.TLS.Leaf
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.CAPEM()) {
		t.Fatal("no certificate in the export")
	}
	for _, name := range []string{
		"msn.example.com", "192.0.2.4", "2001:db8::1", "localhost", "127.0.0.1", "messenger.hotmail.com",
		"gateway.messenger.hotmail.com", "nexus.passport.com", "login.passport.com", "loginnet.passport.com",
		"msnialogin.passport.com", "config.messenger.msn.com", "svcs.microsoft.com", "messenger.msn.com",
		"g.msn.com", "rad.msn.com", "members.msn.com", "memberservices.passport.net", "login.live.com",
	} {
		for _, when := range []time.Time{time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2037, 12, 1, 0, 0, 0, 0, time.UTC)} {
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: when}); err != nil {
				t.Errorf("%s in %d: %v", name, when.Year(), err)
			}
		}
		if !slices.Contains(c.Server.Names, name) {
			t.Errorf("%s is not told of", name)
		}
	}
	if leaf.Subject.CommonName != "login.passport.com" || leaf.NotAfter.Year() > 2037 ||
		len(leaf.CRLDistributionPoints)+len(leaf.OCSPServer)+len(leaf.IssuingCertificateURL) > 0 {
		t.Errorf("certificate of %v until %v", leaf.Subject, leaf.NotAfter)
	}
	if ca, err := x509.ParseCertificate(c.CADER()); err != nil || !ca.IsCA || c.CA.Hash != "SHA-256" || len(c.CA.SHA1) != 59 || len(c.CA.SHA256) != 95 {
		t.Errorf("authority %+v, %v", c.CA, err)
	}
	for _, info := range []passport.CertificateInfo{c.CA, c.Server} {
		if stat, err := os.Stat(info.KeyPath); err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", info.KeyPath, stat, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCertificatesAreKept(t *testing.T) {
	dir := t.TempDir()
	first := ensure(t, dir, "a.example.com")
	if again := ensure(t, dir, "A.example.com"); again.Server.SHA256 != first.Server.SHA256 || again.CA.SHA256 != first.CA.SHA256 {
		t.Error("made anew for the same name")
	}
	more := ensure(t, dir, "b.example.com")
	if more.Server.SHA256 == first.Server.SHA256 || more.CA.SHA256 != first.CA.SHA256 {
		t.Error("another name: want another server certificate and the same authority")
	}
	if chain := more.TLS.Certificate; len(chain) != 2 || !bytes.Equal(chain[1], more.CADER()) {
		t.Errorf("chain of %d", len(chain))
	}
	if err := os.Remove(more.Server.KeyPath); err != nil {
		t.Fatal(err)
	}
	if lost := ensure(t, dir, "b.example.com"); lost.Server.SHA256 == more.Server.SHA256 || lost.CA.SHA256 != first.CA.SHA256 {
		t.Error("lost key: want another server certificate and the same authority")
	}
	if err := os.Remove(more.CA.Path); err != nil {
		t.Fatal(err)
	}
	if lost := ensure(t, dir, "b.example.com"); lost.CA.Subject != first.CA.Subject {
		t.Error("the authority's certificate was lost, not its key: want the same name again")
	}
}

func TestSHA1OnRequest(t *testing.T) {
	dir := t.TempDir()
	strong := ensure(t, dir)
	weak := renew(t, dir, passport.SHA1)
	if weak.CA.Hash != "SHA-1" || weak.Server.Hash != "SHA-1" || weak.TLS.Leaf.SignatureAlgorithm != x509.SHA1WithRSA {
		t.Errorf("authority %s, server %s", weak.CA.Hash, weak.Server.Hash)
	}
	if weak.CA.Subject != strong.CA.Subject {
		t.Error("another authority, where another signature would do")
	}
	if again := ensure(t, dir); again.Server.SHA256 != weak.Server.SHA256 || again.CA.SHA256 != weak.CA.SHA256 {
		t.Error("made anew")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(weak.CAPEM())
	back := renew(t, dir, passport.SHA256)
	if back.CA.Hash != "SHA-256" || back.Server.SHA256 == strong.Server.SHA256 {
		t.Errorf("authority %s, server certificate as before", back.CA.Hash)
	}
	if _, err := back.TLS.Leaf.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
		t.Errorf("who trusts the authority of before: %v", err)
	}
}

func TestDamagedFilesAreNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	c := ensure(t, dir)
	for _, path := range []string{c.CA.Path, c.CA.KeyPath, c.Server.Path, c.Server.KeyPath} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(before)
		for _, damage := range [][]byte{[]byte("nonsense"), pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[1:]})} {
			if err := os.WriteFile(path, damage, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := passport.EnsureCertificate(dir, nil); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s damaged: %v", path, err)
			}
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(c.CA.KeyPath); err != nil {
		t.Fatal(err)
	}
	if _, err := passport.EnsureCertificate(dir, nil); err == nil || !strings.Contains(err.Error(), c.CA.KeyPath) {
		t.Errorf("the authority's key is gone: %v", err)
	}
}
