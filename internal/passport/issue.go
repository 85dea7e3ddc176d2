package passport

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
	keyBits        = 2048
)

// Old machines have wrong clocks, and the oldest cannot count past January 2038.
var (
	validFrom  = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(2037, time.December, 31, 23, 59, 59, 0, time.UTC)
)

// ensureAuthority loads the authority or makes one. Another signature algorithm makes a
// new certificate for the same key and name, so that the former goes on being trusted.
func ensureAuthority(dir string, algorithm x509.SignatureAlgorithm) (pair, error) {
	p := newPair(dir, "ca")
	if err := p.load(); err != nil {
		return p, err
	}
	if p.cert != nil && p.key == nil {
		return p, fmt.Errorf("%s is there and %s is not: put the key back, or remove both to begin anew", p.path, p.keyPath)
	}
	if p.fits() && p.cert.SignatureAlgorithm == algorithm {
		return p, nil
	}
	if err := p.ensureKey(); err != nil {
		return p, err
	}
	// Part of the key is in the name, because systems mix up authorities that share one.
	sum := sha256.Sum256(p.key.N.Bytes())
	name := pkix.Name{CommonName: fmt.Sprintf("Monarch CA %X", sum[:4]), Organization: []string{"Monarch"}}
	template := x509.Certificate{
		Subject:               name,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SignatureAlgorithm:    algorithm,
	}
	return p, p.issue(&template, p)
}

// ensureServer loads the server's certificate, or has the authority make one.
func ensureServer(dir string, ca pair, names []string, algorithm x509.SignatureAlgorithm) (pair, error) {
	p := newPair(dir, "server")
	if err := p.load(); err != nil {
		return p, err
	}
	if p.fits() && p.issuedBy(ca) && p.cert.SignatureAlgorithm == algorithm && covers(p.cert, names) {
		return p, nil
	}
	if err := p.ensureKey(); err != nil {
		return p, err
	}
	template := x509.Certificate{
		Subject:               pkix.Name{CommonName: names[0]},
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		SignatureAlgorithm:    algorithm,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	return p, p.issue(&template, ca)
}

// load reads what there is of the two files.
func (p *pair) load() error {
	block, err := readPEM(p.path, pemCertificate)
	if err != nil {
		return err
	}
	if block != nil {
		if p.cert, err = x509.ParseCertificate(block); err != nil {
			return fmt.Errorf("read %s: %w", p.path, err)
		}
	}
	if block, err = readPEM(p.keyPath, pemKey); err != nil || block == nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.keyPath, err)
	}
	var ok bool
	if p.key, ok = key.(*rsa.PrivateKey); !ok {
		return fmt.Errorf("read %s: not an RSA key, which old clients need", p.keyPath)
	}
	return nil
}

// fits reports whether certificate and key are both there and belong together.
func (p *pair) fits() bool {
	return p.cert != nil && p.key != nil && p.key.PublicKey.Equal(p.cert.PublicKey)
}

// issuedBy compares names and key identifiers, because crypto/x509 no longer looks at a
// signature made with SHA-1.
func (p *pair) issuedBy(ca pair) bool {
	return bytes.Equal(p.cert.RawIssuer, ca.cert.RawSubject) &&
		bytes.Equal(p.cert.AuthorityKeyId, ca.cert.SubjectKeyId)
}

// ensureKey makes a key and stores it, if there is none.
func (p *pair) ensureKey() error {
	if p.key != nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	if err := writePEM(p.keyPath, 0o600, pemKey, der); err != nil {
		return err
	}
	p.key = key
	return nil
}

// issue has ca, which may be p itself, sign a certificate for p's key, and stores it. It
// names no place to ask for revocations: old clients would wait for it.
func (p *pair) issue(template *x509.Certificate, ca pair) error {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return fmt.Errorf("choose serial number: %w", err)
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	template.NotBefore, template.NotAfter = validFrom, validUntil
	parent := template
	if ca.cert != nil && ca.path != p.path {
		parent = ca.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &p.key.PublicKey, ca.key)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	chain := [][]byte{der}
	if parent != template {
		chain = append(chain, parent.Raw)
	}
	if err := writePEM(p.path, 0o644, pemCertificate, chain...); err != nil {
		return err
	}
	p.cert = cert
	return nil
}

// readPEM returns the first block of a file, or nil if there is no such file.
func readPEM(path, kind string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("read %s: no %s in it", path, kind)
	}
	return block.Bytes, nil
}

// writePEM puts blocks into a file, which is either the former or the whole new one.
func writePEM(path string, mode fs.FileMode, kind string, blocks ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once renamed
	for _, der := range blocks {
		err = errors.Join(err, pem.Encode(f, &pem.Block{Type: kind, Bytes: der}))
	}
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
