package passport

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // fingerprints as old systems show them
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// legacyNames are the hosts that unpatched clients call over TLS or may be told to. The
// first is the common name: the oldest systems look at nothing else.
// docs/protocol/passport.md#names
var legacyNames = []string{
	"login.passport.com", "loginnet.passport.com", "msnialogin.passport.com",
	"nexus.passport.com", "memberservices.passport.net", "members.msn.com",
	"messenger.hotmail.com", "gateway.messenger.hotmail.com",
	"config.messenger.msn.com", "messenger.msn.com", "g.msn.com", "rad.msn.com",
	"svcs.microsoft.com", "login.live.com", "localhost", "127.0.0.1",
}

// Certificates are the certificate authority that clients have to trust and the server's
// certificate, which it signed.
type Certificates struct {
	CA     CertificateInfo
	Server CertificateInfo
	TLS    tls.Certificate // what the server shows: its certificate and the authority's

	der []byte
}

// CertificateInfo is what an operator wants to know of a certificate.
type CertificateInfo struct {
	Path    string // PEM file
	KeyPath string
	Subject string
	Names   []string // host names and addresses; none for an authority
	SHA1    string   // fingerprint, as old systems show it
	SHA256  string   // fingerprint
	Hash    string   // of the signature: SHA-1 or SHA-256
	Expires time.Time
}

// CADER returns the authority's certificate as old Windows imports it from a .cer file.
func (c Certificates) CADER() []byte { return slices.Clone(c.der) }

// CAPEM returns the authority's certificate as everybody else imports it.
func (c Certificates) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.der})
}

// Signature says with which hash certificates are signed.
type Signature x509.SignatureAlgorithm

// The two signatures.
const (
	SHA256 = Signature(x509.SHA256WithRSA)
	SHA1   = Signature(x509.SHA1WithRSA) // for Windows before XP SP3
)

// EnsureCertificate returns the certificates kept in directory dir, for the legacy host
// names and names. What is missing there or does not cover the names is made, signed as the
// authority is; the authority stays the same for as long as its key is there, because people
// have been to every client with it.
func EnsureCertificate(dir string, names []string) (Certificates, error) {
	ca := newPair(dir, "ca")
	if err := ca.load(); err != nil {
		return Certificates{}, fmt.Errorf("certificate authority: %w", err)
	}
	if ca.cert != nil {
		return certificates(dir, names, ca.cert.SignatureAlgorithm)
	}
	return certificates(dir, names, x509.SHA256WithRSA)
}

// RenewCertificate makes the server's certificate anew, and the authority's as well when the
// signature is to be another. Their keys stay.
func RenewCertificate(dir string, names []string, how Signature) (Certificates, error) {
	if err := os.Remove(newPair(dir, "server").path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Certificates{}, fmt.Errorf("remove the old certificate: %w", err)
	}
	return certificates(dir, names, x509.SignatureAlgorithm(how))
}

func certificates(dir string, names []string, algorithm x509.SignatureAlgorithm) (Certificates, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Certificates{}, fmt.Errorf("certificates: %w", err)
	}
	ca, err := ensureAuthority(dir, algorithm)
	if err != nil {
		return Certificates{}, fmt.Errorf("certificate authority: %w", err)
	}
	server, err := ensureServer(dir, ca, wantedNames(names), algorithm)
	if err != nil {
		return Certificates{}, fmt.Errorf("server certificate: %w", err)
	}
	return Certificates{
		CA:     ca.info(),
		Server: server.info(),
		TLS: tls.Certificate{
			Certificate: [][]byte{server.cert.Raw, ca.cert.Raw},
			PrivateKey:  server.key,
			Leaf:        server.cert,
		},
		der: ca.cert.Raw,
	}, nil
}

// wantedNames returns the legacy names and then those that are not among them.
func wantedNames(names []string) []string {
	all := slices.Clone(legacyNames)
	for _, n := range names {
		if n = strings.ToLower(strings.Trim(n, "[]")); n != "" && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// pair is a certificate with its key, and the files they are in.
type pair struct {
	path, keyPath string
	cert          *x509.Certificate
	key           *rsa.PrivateKey
}

func newPair(dir, name string) pair {
	return pair{path: filepath.Join(dir, name+".pem"), keyPath: filepath.Join(dir, name+"-key.pem")}
}

func (p pair) info() CertificateInfo {
	weak, strong := sha1.Sum(p.cert.Raw), sha256.Sum256(p.cert.Raw) //nolint:gosec // see the import
	info := CertificateInfo{
		Path:    p.path,
		KeyPath: p.keyPath,
		Subject: p.cert.Subject.CommonName,
		Names:   slices.Clone(p.cert.DNSNames),
		SHA1:    fingerprint(weak[:]),
		SHA256:  fingerprint(strong[:]),
		Hash:    "SHA-256",
		Expires: p.cert.NotAfter,
	}
	if p.cert.SignatureAlgorithm == x509.SHA1WithRSA {
		info.Hash = "SHA-1"
	}
	for _, ip := range p.cert.IPAddresses {
		info.Names = append(info.Names, ip.String())
	}
	return info
}

// fingerprint writes a hash as certificate windows do: AB:CD:...
func fingerprint(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// covers reports whether a certificate is good for every one of the names.
func covers(cert *x509.Certificate, names []string) bool {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			if !slices.ContainsFunc(cert.IPAddresses, ip.Equal) {
				return false
			}
		} else if !slices.Contains(cert.DNSNames, n) {
			return false
		}
	}
	return true
}
