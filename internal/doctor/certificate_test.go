package doctor_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"monarch/internal/doctor"
	"monarch/internal/passport"
)

// year is short for dates of certificates.
const year = 365 * 24 * time.Hour

// sort is a kind of certificate: the sound one, changed.
type sort struct {
	change func(*x509.Certificate)
	key    crypto.Signer // nil: RSA, 2048 bits
}

func TestCertificates(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sort  sort
		level doctor.Level
		says  string
	}{
		"sound":                {sort{func(*x509.Certificate) {}, nil}, doctor.OK, "the key fits"},
		"expired":              {sort{func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, nil}, doctor.Problem, "has expired"},
		"not yet valid":        {sort{func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, nil}, doctor.Problem, "not valid before"},
		"expires soon":         {sort{func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Hour) }, nil}, doctor.Warning, "expires soon"},
		"beyond 2038":          {sort{func(c *x509.Certificate) { c.NotAfter = time.Now().Add(30 * year) }, nil}, doctor.Warning, "January 2038"},
		"without a login":      {sort{func(c *x509.Certificate) { c.DNSNames = c.DNSNames[1:] }, nil}, doctor.Problem, "does not cover login.passport.com"},
		"without names of old": {sort{func(c *x509.Certificate) { c.DNSNames = c.DNSNames[:1] }, nil}, doctor.Warning, "nexus.passport.com"},
		"without service.host": {sort{func(c *x509.Certificate) { c.IPAddresses = nil }, nil}, doctor.Warning, "does not cover 127.0.0.1"},
		"of another algorithm": {sort{func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA512WithRSA }, nil}, doctor.Warning, "SHA512"},
		"with a modern key":    {sort{func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA256 }, curve}, doctor.Problem, "RSA only"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := freePorts(t)
			cfg.Passport.Cert, cfg.Passport.Key = c.sort.files(t)
			examine(t, cfg, stopped).expect(t, c.level, "certificate", c.says)
		})
	}
}

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	sound := sort{change: func(*x509.Certificate) {}}
	first, key := sound.files(t)
	_, other := sound.files(t)
	cfg := freePorts(t)
	cfg.Passport.Cert, cfg.Passport.Key = first, other
	examine(t, cfg, stopped).expect(t, doctor.Problem, "certificate", "does not match")
	cfg.Passport.Key = filepath.Join(t.TempDir(), "absent.pem")
	examine(t, cfg, stopped).expect(t, doctor.Problem, "certificate", "no such file")
	cfg.Passport.Key = key
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	examine(t, cfg, stopped).expect(t, doctor.Problem, "certificate's key", "holds secrets")
}

// files makes the certificate and returns its files.
func (s sort) files(t *testing.T) (cert, key string) {
	t.Helper()
	if s.key == nil {
		made, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		s.key = made
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "login.passport.com"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(year),
		IPAddresses:  nil,
	}
	for _, name := range passport.LegacyNames() {
		if name != "127.0.0.1" {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	template.IPAddresses = append(template.IPAddresses, []byte{127, 0, 0, 1})
	s.change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert, key
}

// execSQL changes a database behind the store's back.
func execSQL(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}
