package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// What clients see of a reload is in testdata/scenarios/reload.txt.

func TestAReloadTellsWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	reload := func(settings map[string]string) admin.Report {
		t.Helper()
		report, err := f.Reload(settings)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	for i, step := range []struct {
		settings map[string]string
		want     admin.Report
	}{
		{nil, admin.Report{Applied: []string{}, Restart: []string{}}},
		{
			map[string]string{"limits.max_contacts": "7", "log.level": "warn", "dispatch.listen": ":1", "service.name": "Other"},
			admin.Report{Applied: []string{"limits.max_contacts", "log.level"}, Restart: []string{"service.name", "dispatch.listen"}},
		},
		{nil, admin.Report{Applied: []string{}, Restart: []string{"service.name", "dispatch.listen"}}},
		{
			map[string]string{"log.level": "info", "dispatch.listen": "127.0.0.1:0"},
			admin.Report{Applied: []string{"log.level"}, Restart: []string{"service.name"}},
		},
	} {
		if diff := cmp.Diff(step.want, reload(step.settings)); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
}

// A listener does not change between HTTP and HTTPS.
func TestTurningTheWebsitesTLSOnOrOffNeedsARestart(t *testing.T) {
	t.Parallel()
	cert, other := makeCertificate(t), makeCertificate(t)
	plain := map[string]string{"web.cert": "", "web.key": ""}
	secure := map[string]string{"web.cert": cert + ".pem", "web.key": cert + ".key"}
	next := map[string]string{"web.cert": other + ".pem", "web.key": other + ".key"}
	both := []string{"web.cert", "web.key"}
	for _, c := range []struct {
		name     string
		from, to map[string]string
		want     admin.Report
	}{
		{"on", plain, secure, admin.Report{Applied: []string{}, Restart: both}},
		{"off", secure, plain, admin.Report{Applied: []string{}, Restart: both}},
		{"another one", secure, next, admin.Report{Applied: both, Restart: []string{}}},
	} {
		f := msntest.Start(t, c.from)
		for range 2 { // the second time tells the same, unless it is in force
			got, err := f.Reload(c.to)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
			if len(c.want.Applied) > 0 {
				c.want.Applied = []string{}
			}
		}
	}
}

func TestACertificateIsReplacedWhileConnectionsStay(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	shown := func(c *tls.Conn) *x509.Certificate { return c.ConnectionState().PeerCertificates[0] }
	before := shake(t, f, tls.VersionTLS10)
	files := makeCertificate(t)
	report, err := f.Reload(map[string]string{"passport.cert": files + ".pem", "passport.key": files + ".key"})
	if err != nil {
		t.Fatal(err)
	}
	if !report.NewCertificate {
		t.Error("a new certificate is not reported")
	}
	after := shake(t, f, tls.VersionTLS12)
	if name := shown(after).Subject.CommonName; name != "new" || shown(before).Equal(shown(after)) {
		t.Errorf("shown is the certificate of %q", name)
	}
	fetch(t, before)
	fetch(t, after)

	// The same files with another certificate in them.
	if err := os.Rename(makeCertificate(t)+".pem", files+".pem"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reload(nil); err == nil || !strings.Contains(err.Error(), "passport.cert") {
		t.Errorf("a certificate with another's key: %v", err)
	}
	if !shown(shake(t, f, tls.VersionTLS12)).Equal(shown(after)) {
		t.Error("what could not be loaded has changed something")
	}
}

func TestOldTLSIsSwitchedOffAtRunTime(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	kept := shake(t, f, tls.VersionTLS10)
	if _, err := f.Reload(map[string]string{"passport.legacy_tls": "false"}); err != nil {
		t.Fatal(err)
	}
	if c, err := tls.Dial("tcp", f.Server.Addr("https"), oldestTLS(tls.VersionTLS10)); err == nil {
		c.Close()
		t.Error("TLS 1.0 is still spoken")
	}
	fetch(t, shake(t, f, tls.VersionTLS12))
	fetch(t, kept)
}

func TestASettingThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"mail.hook_token": "0123456789abcdef"})
	empty := t.TempDir()
	for name, settings := range map[string]map[string]string{
		"a certificate that is not there": {"passport.cert": filepath.Join(empty, "c.pem"), "passport.key": filepath.Join(empty, "k.pem")},
		"another one for the website":     {"web.cert": filepath.Join(empty, "c.pem"), "web.key": filepath.Join(empty, "k.pem")},
		"templates that are not there":    {"passport.templates": filepath.Join(empty, "templates")},
	} {
		settings["mail.hook_token"] = "another token that would do"
		if _, err := f.Reload(settings); err == nil {
			t.Errorf("%s: no error", name)
		}
		if status := knockOn(t, f, "0123456789abcdef"); status != http.StatusBadRequest {
			t.Errorf("%s: the token of before is answered %d", name, status)
		}
	}
}

func TestTheTokenOfTheMailHookIsReplaced(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	for _, step := range []struct {
		token  string
		status map[string]int // by what is sent
	}{
		{"", map[string]int{"": 404, "0123456789abcdef": 404}},
		{"0123456789abcdef", map[string]int{"": 401, "0123456789abcdef": 400}},
		{"fedcba9876543210", map[string]int{"0123456789abcdef": 401, "fedcba9876543210": 400}},
	} {
		if _, err := f.Reload(map[string]string{"mail.hook_token": step.token}); err != nil {
			t.Fatal(err)
		}
		for sent, want := range step.status {
			if got := knockOn(t, f, sent); got != want {
				t.Errorf("token %q, sent %q: status %d, want %d", step.token, sent, got, want)
			}
		}
	}
}

// knockOn sends the mail hook an empty body.
func knockOn(t *testing.T, f *msntest.Fixture, token string) (status int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+f.Server.Addr("ops")+admin.HookPath, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// oldestTLS are the settings of a client that speaks no newer version.
func oldestTLS(version uint16) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version}
}

// shake connects to the HTTPS listener.
func shake(t *testing.T, f *msntest.Fixture, version uint16) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", f.Server.Addr("https"), oldestTLS(version))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fetch sends a request and expects an answer.
func fetch(t *testing.T, c *tls.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("GET /rdr/pprdr.asp HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.") {
		t.Errorf("%q, %v", answer, err)
	}
}

// makeCertificate writes a certificate called new to two files and returns their name without
// .pem and .key.
func makeCertificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "new"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret := x509.MarshalPKCS1PrivateKey(key)
	base := filepath.Join(t.TempDir(), "new")
	for ending, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "RSA PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(base+ending, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return base
}
