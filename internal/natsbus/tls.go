package natsbus

import (
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"
)

// ShortestSecret is how long a secret must be, in bytes. Whoever reaches a node may try to guess it at
// leisure, at home.
const ShortestSecret = 16

// SecretTLS returns the TLS by which nodes with one secret know each other, and nobody else. The
// secret makes a key, and the key a certificate: who can prove that he has the key knows the
// secret, which itself is never sent.
func SecretTLS(secret string) (*tls.Config, error) {
	if len(secret) < ShortestSecret {
		return nil, fmt.Errorf("cluster.secret is too short: it has %d characters and needs %d; openssl rand -base64 24 makes a good one",
			len(secret), ShortestSecret)
	}
	seed, err := pbkdf2.Key(sha256.New, secret, []byte("monarch cluster"), 100_000, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	// The same everywhere and always valid, so that clocks do not matter.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: clusterName}, DNSNames: []string{clusterName},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate of the secret: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	cfg := mutual(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}, pool)
	cfg.ServerName = clusterName
	return cfg, nil
}

// clusterName is what every node is called where a secret is all they need.
const clusterName = "monarch-cluster"

// FilesTLS returns TLS with certificates of the operator's. With all three files each side checks
// the other's; with ca alone, only the server has a certificate.
func FilesTLS(cert, key, ca string) (*tls.Config, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("cluster.ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("cluster.ca: there is no certificate in " + ca)
	}
	if cert == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cluster.cert, cluster.key: %w", err)
	}
	return mutual(pair, pool), nil
}

func mutual(own tls.Certificate, others *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		RootCAs: others, ClientCAs: others, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}
