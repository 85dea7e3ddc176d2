package natsbus_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"monarch/internal/metrics"
	"monarch/internal/natsbus"
)

// authority makes certificates for nodes on the loopback interface.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.make("ca", nil, nil)
	return a
}

// make makes a certificate and puts it in files. Without a signer it is an authority's.
func (a *authority) make(name string, signer *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if signer == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		signer, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), by)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	return cert, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	must(a.t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// tls returns what a node called so uses.
func (a *authority) tls(name string) *tls.Config {
	a.t.Helper()
	a.make(name, a.cert, a.key)
	c, err := natsbus.FilesTLS(a.file(name+".pem"), a.file(name+".key"), a.file("ca.pem"))
	must(a.t, err)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func withTLS(t *testing.T, c *tls.Config, peers ...string) *end {
	t.Helper()
	l := new(logs)
	bus, err := natsbus.Embedded(natsbus.EmbeddedConfig{Listen: anyPort, Peers: peers, TLS: c, Log: l.logger(), Metrics: metrics.New()})
	must(t, err)
	return newEnd(bus, l).start(t)
}

func TestNodesKnowEachOtherByCertificates(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	a := withTLS(t, ours.tls("a"))
	stranger := withTLS(t, others.tls("s"), a.Address())
	b := withTLS(t, ours.tls("b"), a.Address())
	meet(t, a, b)
	for _, e := range []*end{a, stranger} {
		eventually(t, "the log tells of the authority", func() bool { return strings.Contains(e.log.String(), "cluster.ca") })
	}
	stranger.tell(t, "let me in")
	a.forget()
	b.forget()
	meet(t, a, b)
	if a.has("let me in") || b.has("let me in") {
		t.Error("the stranger is in")
	}
}

func TestNATSElsewhereMayHaveACertificate(t *testing.T) {
	ours := newAuthority(t)
	srv := runNATS(t, anyNATS, func(o *server.Options) {
		o.TLS, o.TLSConfig = true, ours.tls("nats")
		o.TLSConfig.ClientAuth = tls.NoClientCert
	})
	c, err := natsbus.FilesTLS("", "", ours.file("ca.pem"))
	must(t, err)
	var ends []*end
	for range 2 {
		l := new(logs)
		ends = append(ends, newEnd(natsbus.External(natsbus.ExternalConfig{
			URL: "tls://monarch:sesame@" + srv.Addr().String(), TLS: c, Log: l.logger(), Metrics: metrics.New(),
		}), l).start(t))
	}
	meet(t, ends...)
}

func TestTheSecretMakesOneCertificate(t *testing.T) {
	cert := func(secret string) []byte {
		c, err := natsbus.SecretTLS(secret)
		must(t, err)
		return c.Certificates[0].Certificate[0]
	}
	if !bytes.Equal(cert(secret), cert(secret)) || bytes.Equal(cert(secret), cert(secret+" ")) {
		t.Error("the certificate is not the secret's")
	}
	if _, err := natsbus.SecretTLS("sesame"); err == nil || !strings.Contains(err.Error(), "cluster.secret is too short") {
		t.Errorf("a short secret: %v", err)
	}
}

func TestFilesThatWillNotDo(t *testing.T) {
	ours := newAuthority(t)
	ours.make("a", ours.cert, ours.key)
	for _, tc := range []struct{ cert, key, ca, want string }{
		{"a.pem", "a.key", "none.pem", "cluster.ca: open"},
		{"a.pem", "a.key", "a.key", "cluster.ca: there is no certificate in"},
		{"a.pem", "ca.key", "ca.pem", "cluster.cert, cluster.key: "},
	} {
		_, err := natsbus.FilesTLS(ours.file(tc.cert), ours.file(tc.key), ours.file(tc.ca))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}
