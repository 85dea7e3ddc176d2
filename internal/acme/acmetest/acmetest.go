// Package acmetest runs Pebble, the authority to test ACME with, as a process on the loopback, with a
// name server that says where names are. It is for tests alone, and leaves to Pebble what an
// authority does: its validation comes to the ports that tests name.
package acmetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/loopback"
)

// patience is how long anything may take that ought to be quick.
const patience = time.Minute

// Authority is one that certifies names which lead to the loopback.
type Authority struct {
	Directory string         // its address
	CA        string         // a file: who certifies that
	Trust     *x509.CertPool // the same
	Names     string         // the address of the name server

	t              testing.TB
	dir            string // of its files
	listen, manage string
	dnsManage      string
	client         *http.Client
	pebble         *exec.Cmd // nil: it does not run
}

// New prepares an authority, which runs from [Authority.Start] on.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir(), Names: loopback.Address(t)}
	a.listen, a.manage, a.dnsManage = loopback.Address(t), loopback.Address(t), loopback.Address(t)
	a.Directory, a.CA = "https://"+a.listen+"/dir", filepath.Join(a.dir, "ca.pem")
	a.Trust = a.certify()
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Trust}, DisableKeepAlives: true}, Timeout: patience}
	a.run("pebble-challtestsrv", nil, "-dnsserver", a.Names, "-management", a.dnsManage,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")
	a.wait("http://" + a.dnsManage + "/")
	return a
}

// Start runs the authority, which looks for names at these addresses of one host: over HTTP, and by handshakes.
func (a *Authority) Start(http, tls string) {
	a.t.Helper()
	a.tell("set-default-ipv4", map[string]any{"ip": hostOf(a.t, http)})
	config := map[string]map[string]any{"pebble": {
		"listenAddress": a.listen, "managementListenAddress": a.manage,
		"certificate": a.CA, "privateKey": filepath.Join(a.dir, "ca.key"),
		"httpPort": portOf(a.t, http), "tlsPort": portOf(a.t, tls),
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "90 days", "validityPeriod": 90 * 24 * 3600}},
	}}
	text, err := json.Marshal(config)
	if err != nil {
		a.t.Fatal(err)
	}
	file := filepath.Join(a.dir, "pebble.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	// It neither waits before it looks, nor takes an earlier look for a new one.
	a.pebble = a.run("pebble", []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0"}, "-config", file, "-dnsserver", a.Names)
	a.wait(a.Directory)
}

// Stop ends the authority; it forgets everything.
func (a *Authority) Stop() {
	a.t.Helper()
	if err := a.pebble.Process.Kill(); err != nil {
		a.t.Error(err)
	}
	_ = a.pebble.Wait() // it was killed
}

// Lead has the name server say that a name is at an address.
func (a *Authority) Lead(name, address string) {
	a.t.Helper()
	a.tell("clear-a", map[string]any{"host": name + "."})
	a.tell("add-a", map[string]any{"host": name + ".", "addresses": []string{address}})
}

// tell changes what the name server says.
func (a *Authority) tell(how string, what map[string]any) {
	a.t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		a.t.Fatal(err)
	}
	res, err := a.client.Post("http://"+a.dnsManage+"/"+how, "application/json", bytes.NewReader(text))
	if err != nil {
		a.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		a.t.Fatalf("the name server answers %s", res.Status)
	}
}

// Roots trust what the authority certifies.
func (a *Authority) Roots() *x509.CertPool {
	a.t.Helper()
	res, err := a.client.Get("https://" + a.manage + "/roots/0")
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		a.t.Fatalf("no root certificate in %q", text)
	}
	return pool
}

func hostOf(t testing.TB, address string) string {
	t.Helper()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func portOf(t testing.TB, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// run runs a program of the tools' module until the test ends.
func (a *Authority) run(name string, env []string, args ...string) *exec.Cmd {
	a.t.Helper()
	_, here, _, _ := runtime.Caller(0)
	where := exec.Command("go", "tool", "-modfile=tools/go.mod", "-n", name) //nolint:gosec // one of two names
	where.Dir = filepath.Join(filepath.Dir(here), "..", "..", "..")
	path, err := where.Output()
	if err != nil {
		a.t.Fatalf("build %s: %v", name, err)
	}
	cmd := exec.Command(strings.TrimSpace(string(path)), args...) //nolint:gosec // what Go has just built
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		a.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintf(a.t.Output(), "%s: %s\n", name, lines.Text())
		}
	}()
	a.t.Cleanup(func() {
		_ = cmd.Process.Kill() // the test may have done so
		<-said
		_ = cmd.Wait()
	})
	return cmd
}

// wait waits until something answers.
func (a *Authority) wait(address string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		res, err := a.client.Get(address)
		if err == nil {
			res.Body.Close()
			return
		}
		select {
		case <-ctx.Done():
			a.t.Fatalf("%s does not answer: %v", address, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// certify writes a certificate for the directory itself, and its key.
func (a *Authority) certify() *x509.CertPool {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(hostOf(a.t, a.listen)), net.ParseIP(hostOf(a.t, a.manage))}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, text := range map[string][]byte{
		a.CA: cert, filepath.Join(a.dir, "ca.key"): pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
