package passport_test

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"

	"monarch/internal/passport"
)

func TestHandshakes(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		min, max uint16
		suites   []uint16
		server   string
	}{
		"TLS 1.0 with 3DES":       {tls.VersionTLS10, tls.VersionTLS10, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, "nexus.passport.com"},
		"TLS 1.0 with RC4":        {tls.VersionTLS10, tls.VersionTLS10, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}, "login.passport.com"},
		"TLS 1.0 with AES-CBC":    {tls.VersionTLS10, tls.VersionTLS10, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}, "loginnet.passport.com"},
		"TLS 1.1":                 {tls.VersionTLS11, tls.VersionTLS11, []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}, "msnialogin.passport.com"},
		"TLS 1.2":                 {tls.VersionTLS12, tls.VersionTLS12, nil, "msn.example.com"},
		"TLS 1.2, key by RSA":     {tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, "msn.example.com"},
		"TLS 1.3":                 {tls.VersionTLS13, tls.VersionTLS13, nil, "localhost"},
		"no server name":          {tls.VersionTLS10, tls.VersionTLS13, nil, ""},
		"an address for a name":   {tls.VersionTLS10, tls.VersionTLS13, nil, "127.0.0.1"},
		"an unknown server name":  {tls.VersionTLS10, tls.VersionTLS13, nil, "unknown.example.org"},
		"offering HTTP/2 as well": {tls.VersionTLS12, tls.VersionTLS13, nil, "login.passport.com"},
	} {
		cfg := &tls.Config{RootCAs: w.roots, ServerName: c.server, MinVersion: c.min, MaxVersion: c.max, CipherSuites: c.suites}
		if c.server == "" || strings.HasPrefix(c.server, "unknown") {
			cfg.InsecureSkipVerify = true // the name cannot be right; what counts is the handshake
		}
		if name == "offering HTTP/2 as well" {
			cfg.NextProtos = []string{"h2", "http/1.1"}
		}
		conn, err := tls.Dial("tcp", w.https, cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		state := conn.ConnectionState()
		if got := w.exchange(conn, "GET /rdr/pprdr.asp HTTP/1.0\r\n\r\n"); got != nexusAnswer(dateOf(got)) {
			t.Errorf("%s: answered %q", name, got)
		}
		if state.PeerCertificates[0].Subject.CommonName != "login.passport.com" || state.NegotiatedProtocol != "" {
			t.Errorf("%s: certificate of %v, protocol %q", name, state.PeerCertificates[0].Subject, state.NegotiatedProtocol)
		}
		conn.Close()
	}
}

func TestNoHandshakeClosesQuietly(t *testing.T) {
	w := newWorld(t, nil)
	for name, hello := range map[string]string{
		// SSL 2.0: length, client hello, version 3.1, three cipher specs, a challenge of 16 bytes.
		"SSL 2 hello":     "\x80\x22\x01\x03\x01\x00\x09\x00\x00\x00\x10\x00\x00\x05\x00\x00\x04\x00\x00\x0a" + strings.Repeat("x", 16),
		"HTTP in clear":   "GET /rdr/pprdr.asp HTTP/1.0\r\n\r\n",
		"binary":          strings.Repeat("\x00\xff", 100),
		"SSL 3.0 at most": "\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00" + strings.Repeat("r", 32) + "\x00\x00\x02\x00\x05\x01\x00",
	} {
		c := w.dialRaw()
		if _, err := io.WriteString(c, hello); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c) // an alert, perhaps, and perhaps a reset
		if strings.Contains(string(got), "HTTP") {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	if strings.Contains(w.log.String(), "level=ERROR") || strings.Contains(w.log.String(), "level=WARN") {
		t.Errorf("logged %s", w.log)
	}
	if got := w.askHTTPS("GET /rdr/pprdr.asp\r\n\r\n"); got != nexusAnswer(dateOf(got)) {
		t.Errorf("afterwards: %q", got)
	}
}

func TestModernTLSRefusesOldVersions(t *testing.T) {
	w := newWorld(t, nil)
	certs, err := testCertificates()
	w.must(err)
	l := w.listen()
	go func() { w.check(w.srv.ServeHTTPS(l, passport.ModernTLS(certs.TLS))) }()
	_, err = tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: w.roots, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("shook hands with TLS 1.1")
	}
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: w.roots, ServerName: "localhost"})
	w.must(err)
	if got := w.exchange(c, "GET /rdr/pprdr.asp\r\n\r\n"); got != nexusAnswer(dateOf(got)) {
		t.Errorf("answered %q", got)
	}
}
