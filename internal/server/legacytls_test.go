package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// oldest is how a client of Windows 98 shakes hands.
var oldest = &tls.Config{
	InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA},
}

// shakeHands tries that on one of the listeners.
func shakeHands(t *testing.T, f *msntest.Fixture, listener string) error {
	t.Helper()
	network, addr := "tcp", f.Server.Addr(listener)
	if listener == "management" {
		network, addr = "unix", f.Server.ManagementSocket()
	}
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(talkerLimit)); err != nil {
		t.Fatal(err)
	}
	return tls.Client(nc, oldest).HandshakeContext(t.Context())
}

// Old ciphers are spoken where old clients bring their passwords, and nowhere else.
func TestLegacyTLSIsOneListenersAlone(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"limits.greeting": "5s", "limits.switchboard_login": "5s"})
	for _, listener := range []string{"dispatch", "notification", "switchboard", "http", "web", "ops", "management"} {
		t.Run(listener, func(t *testing.T) {
			t.Parallel()
			if err := shakeHands(t, f, listener); err == nil {
				t.Error("it speaks TLS 1.0 or 1.1")
			}
		})
	}
	if err := shakeHands(t, f, "https"); err != nil {
		t.Errorf("https: %v", err)
	}
	modern := msntest.Start(t, map[string]string{"passport.legacy_tls": "false"})
	if err := shakeHands(t, modern, "https"); err == nil {
		t.Error("https speaks TLS 1.0 or 1.1 though it is switched off")
	}
}

// What is for operators cannot be had where clients come.
func TestClientsListenersKnowNothingOfOperators(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	for _, path := range []string{
		"/metrics", "/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/heap", "/hooks/mail",
		"/api/v1/accounts", "/api/v1/users", "/api/v1/sessions", "/v1/users",
	} {
		for _, port := range []string{"http", "https"} {
			nc := dialPort(t, f, port)
			if _, err := fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
			r, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, r.Body) // it matters what it is, not how it ends
			r.Body.Close()
			nc.Close()
			if r.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: %s", port, path, r.Status)
			}
		}
	}
}
