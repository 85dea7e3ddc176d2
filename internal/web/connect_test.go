package web_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"html"
	"math/big"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/patch"
	"monarch/internal/web"
)

// shown returns what a password check shows: a certificate that its own authority has signed.
func shown(t *testing.T, algorithm x509.SignatureAlgorithm) *tls.Config {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, SignatureAlgorithm: algorithm,
	}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "login.passport.com"}, NotAfter: ca.NotAfter, SignatureAlgorithm: algorithm}
	chain := tls.Certificate{}
	for _, template := range []*x509.Certificate{server, ca} {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		chain.Certificate = append(chain.Certificate, der)
	}
	return &tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS10}
}

// serving changes how a site is made, to a service that clients find there.
func serving(host, dispatch, login string, settings *tls.Config) func(*web.Config) {
	return func(cfg *web.Config) {
		cfg.Host = host
		cfg.Clients = web.Clients{Dispatch: dispatch, Login: login, HTTPS: "8443", TLS: func() *tls.Config { return settings }}
	}
}

var guides = map[string][]string{
	"msn-messenger-5-6": {"98", "2000", "xp", "7", "11"}, "msn-messenger-1-4": {"98"}, "windows-messenger": {"xp", "2000"},
	"pidgin": {"unix", "xp"}, "amsn": {"unix", "11"}, "bitlbee": {"unix"}, "miranda": {"98", "7"}, "centerim": {"unix"},
	"monarch-chat": {""}, "web": {""}, "patch": {""},
}

// unfilled matches a text that is missing, or a value that is.
var unfilled = regexp.MustCompile(`>[^<]*(\bconnect\.[a-z0-9_]+|\{[a-z_]+\})`)

func TestGuidesInEveryLanguage(t *testing.T) {
	s := open(t, serving("192.0.2.77", "192.0.2.77:1863", "login.passport.com/login2.srf", shown(t, x509.SHA256WithRSA)))
	linked := regexp.MustCompile(`href="(/connect[^"]*)"`)
	for _, language := range []string{"en", "de", "es"} {
		b := s.browse()
		b.header.Set("Accept-Language", language)
		paths, seen := []string{"/connect"}, make(map[string]bool)
		for id, systems := range guides {
			for _, system := range systems {
				paths = append(paths, strings.TrimSuffix("/connect/"+id+"?system="+system, "?system="))
			}
		}
		for _, path := range paths {
			page := b.get(path)
			page.wants(t, http.StatusOK, `<html lang="`+language+`">`)
			text, _, _ := strings.Cut(page.text, `<script type="application/json"`) // has texts with places for values
			if found := unfilled.FindString(text); found != "" {
				t.Errorf("%s in %s: %s", path, language, found)
			}
			if path != "/connect/web" && !strings.Contains(text, "192.0.2.77") {
				t.Errorf("%s in %s does not say where the service is", path, language)
			}
			for _, to := range linked.FindAllStringSubmatch(text, -1) {
				if !seen[to[1]] {
					b.get(html.UnescapeString(to[1])).wants(t, http.StatusOK)
				}
				seen[to[1]] = true
			}
		}
	}
	s.browse().get("/connect/icq").wants(t, http.StatusNotFound)
	s.browse().get("/connect/files/msnmsgr.exe").wants(t, http.StatusNotFound)
}

func TestChoosingAGuide(t *testing.T) {
	b := open(t).browse()
	b.get("/connect").wants(t, http.StatusOK, `<form class="choose" action="/connect/guide" method="get">`)
	b.get("/connect/guide?client=pidgin&system=xp").leadsTo(t, "/connect/pidgin?system=xp")
	b.get("/connect/guide?client=bitlbee&system=xp").leadsTo(t, "/connect/bitlbee")
	b.get("/connect/guide?client=msn-messenger-5-6&system=unix").leadsTo(t, "/connect/msn-messenger-5-6")
	b.get("/connect/guide?client=//elsewhere.example").wants(t, http.StatusNotFound)
}

// file gets a file and returns it, and the name it is to be saved under.
func (b *browser) file(path, mediaType string) (content, name string) {
	b.t.Helper()
	a := b.get("/connect/files/" + path)
	a.wants(b.t, http.StatusOK)
	if got := a.Header.Get("Content-Type"); got != mediaType {
		b.t.Errorf("%s: Content-Type %q, want %q", path, got, mediaType)
	}
	kind, values, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
	if err != nil || kind != "attachment" {
		b.t.Errorf("%s: Content-Disposition %q", path, a.Header.Get("Content-Disposition"))
	}
	if strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
		b.t.Errorf("%s: old browsers do not save it", path)
	}
	return a.text, values["filename"]
}

func TestReadyFiles(t *testing.T) {
	const reg, text = "text/x-ms-regedit", "text/plain; charset=utf-8"
	hosts := []string{
		"192.0.2.10 messenger.hotmail.com gateway.messenger.hotmail.com",
		"192.0.2.10 nexus.passport.com login.passport.com loginnet.passport.com msnialogin.passport.com login.live.com",
		"192.0.2.10 config.messenger.msn.com messenger.msn.com svcs.microsoft.com g.msn.com rad.msn.com",
		"192.0.2.10 members.msn.com memberservices.passport.net", "192.0.2.10 im.example.com", "",
	}
	key := func(name, value string) string {
		return "REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\" + name + "]\r\n\"Server\"=" + value + "\r\n\r\n"
	}
	s := open(t, serving("192.0.2.10", "ds.example.com:2000", "im.example.com/login2.srf", nil))
	b := s.browse()
	for _, c := range []struct{ path, mediaType, name, content string }{
		{"messenger-1-4.reg", reg, "messenger-1-4.reg", key("MessengerService", `"ds.example.com"`)},
		{"messenger-5-6.reg", reg, "messenger-5-6.reg", key("MSNMessenger", `"ds.example.com;ds.example.com:2000"`)},
		{"messenger-forget.reg", reg, "messenger-forget.reg", key("MSNMessenger", "-")},
		{"hosts.txt", text, "monarch-hosts.txt", strings.Join(hosts, "\r\n")},
		{"hosts-unix.txt", text, "monarch-hosts.txt", strings.Join(hosts, "\n")},
		{"hosts-unix.txt?address=192.168.1.7", text, "monarch-hosts.txt", strings.ReplaceAll(strings.Join(hosts, "\n"), "192.0.2.10", "192.168.1.7")},
		{"hosts-unix.txt?address=nonsense", text, "monarch-hosts.txt", strings.Join(hosts, "\n")},
		{"bitlbee.txt", text, "bitlbee.txt", "account add msn alice@example.com PASSWORD\naccount on\n"},
		{
			"miranda.ini", text, "autoexec_msn.ini",
			"[MSN]\r\ne-mail=salice@example.com\r\nLoginServer=sds.example.com\r\nMSNMPort=w2000\r\nMsnPassportHost=l\r\n",
		},
	} {
		content, name := b.file(c.path, c.mediaType)
		if content != c.content || name != c.name {
			t.Errorf("%s as %s (-want +got):\n%s", c.path, name, cmp.Diff(c.content, content))
		}
	}
	var accounts struct {
		Protocol string   `xml:"account>protocol"`
		Name     string   `xml:"account>name"`
		Settings []string `xml:"account>settings>setting"`
	}
	content, name := b.file("pidgin.xml", "application/xml")
	if err := xml.Unmarshal([]byte(content), &accounts); err != nil || name != "accounts.xml" || accounts.Protocol != "prpl-msn" ||
		accounts.Name != "alice@example.com" || strings.Join(accounts.Settings, " ") != "ds.example.com 2000 0" {
		t.Errorf("pidgin: %v %s %+v", err, name, accounts)
	}
	var config struct {
		Attribute string `xml:"entry>attribute"`
		Value     string `xml:"entry>value"`
	}
	content, name = b.file("amsn.xml", "application/xml")
	if err := xml.Unmarshal([]byte(content), &config); err != nil || name != "config.xml" || config.Attribute != "start_ns_server" || config.Value != "ds.example.com:2000" {
		t.Errorf("amsn: %v %s %+v", err, name, config)
	}
	b.get("/connect/files/monarch-ca.crt").wants(t, http.StatusNotFound)
	b.get("/connect/pidgin").wants(t, http.StatusOK, "a certificate that was not made by itself", "is at port <code>2000</code>")
	b.get("/connect").wants(t, http.StatusOK, "<code>https://im.example.com/login2.srf</code>", "<code>ds.example.com</code>")
}

func TestRegistryHasTheAddress(t *testing.T) {
	b := open(t, serving("im.example.invalid", "im.example.invalid:1863", "login.passport.com/login2.srf", nil)).browse()
	for query, want := range map[string]string{
		"": `"im.example.invalid;im.example.invalid:1863"`, "?address=198.51.100.7": `"im.example.invalid;198.51.100.7:1863"`,
	} {
		if content, _ := b.file("messenger-5-6.reg"+query, "text/x-ms-regedit"); !strings.Contains(content, `"Server"=`+want+"\r\n") {
			t.Errorf("with %q: %s", query, content)
		}
	}
	b.get("/connect/amsn").wants(t, http.StatusOK, "We do not know the address of <code>im.example.invalid</code>", "192.0.2.10 messenger.hotmail.com")
	b.get("/connect/amsn?address=198.51.100.7&system=98").wants(t, http.StatusOK, "198.51.100.7 messenger.hotmail.com",
		`href="/connect/amsn?address=198.51.100.7&amp;system=xp"`, `href="/connect/files/hosts.txt?address=198.51.100.7"`)
}

func TestAuthority(t *testing.T) {
	settings := shown(t, x509.SHA256WithRSA)
	s := open(t, serving("192.0.2.10", "", "login.passport.com/login2.srf", settings))
	b := s.browse()
	der, name := b.file("monarch-ca.crt", "application/x-x509-ca-cert")
	if want := settings.Certificates[0].Certificate[1]; der != string(want) || name != "monarch-ca.crt" {
		t.Errorf("%s is not the authority", name)
	}
	text, name := b.file("monarch-ca.pem", "application/x-pem-file")
	if block, rest := pem.Decode([]byte(text)); block == nil || len(rest) > 0 || !bytes.Equal(block.Bytes, []byte(der)) || name != "monarch-ca.pem" {
		t.Errorf("%s is not the authority", name)
	}
	b.get("/connect/msn-messenger-5-6?system=xp").wants(t, http.StatusOK, "monarch-ca.crt", "Service Pack 3", "monarch cert --renew --sha1")
	if page := b.get("/connect/msn-messenger-5-6?system=7"); strings.Contains(page.text, "Service Pack 3") || !strings.Contains(page.text, "certutil -addstore Root monarch-ca.crt") {
		t.Errorf("Windows 7: %s", page.text)
	}
	b.get("/connect/monarch-chat").wants(t, http.StatusOK, "monarch chat alice@example.com --server 192.0.2.10 --ca monarch-ca.pem</code>",
		"--login https://192.0.2.10:8443/login2.srf")
	*settings = *shown(t, x509.SHA1WithRSA)
	settings.MinVersion = tls.VersionTLS12
	b.get("/connect/msn-messenger-5-6?system=11").wants(t, http.StatusOK, "is signed with SHA-1", "switched TLS 1.0 off")
	b.get("/connect/msn-messenger-5-6?system=xp").wants(t, http.StatusOK, "switched TLS 1.0 off", "Use SSL 2.0")
}

func TestPatcherPage(t *testing.T) {
	s := open(t, serving("chat.my.example.org", "im.example.net:1863", "login.passport.com/login2.srf", nil))
	page := s.browse().get("/connect/patch")
	page.wants(t, http.StatusOK, "patch_page.js", "is too long for some of the places", "send passwords to <code>login.passport.com</code>", "no name is short enough")
	_, table, _ := strings.Cut(page.text, `<script type="application/json" id="patch-table">`)
	table, _, _ = strings.Cut(table, "</script>")
	var got struct {
		Texts []patch.Text
		Say   map[string]string
	}
	if err := json.Unmarshal([]byte(table), &got); err != nil {
		t.Fatalf("%v in %s", err, table)
	}
	want := patch.Names{Dispatch: []string{"im.example.net"}, Pages: []string{"chat.my.example.org"}}.Texts()
	if diff := cmp.Diff(want, got.Texts); diff != "" || got.Say["connect.patch_found"] == "" {
		t.Errorf("texts (-want +got):\n%s%v", diff, got.Say)
	}
	s = open(t, serving("im.example.com", "", "im.example.com/login2.srf", nil))
	if page := s.browse().get("/connect/patch"); strings.Contains(page.text, "note warning") {
		t.Errorf("a warning, though all is well:\n%s", page.text)
	}
}

func TestGuidesNameTheVisitor(t *testing.T) {
	s := open(t, serving("192.0.2.10", "", "login.passport.com/login2.srf", nil))
	s.add("o'carol@example.com", "secret words")
	b := s.browse()
	b.signIn("o'carol@example.com", "secret words")
	b.get("/connect/msn-messenger-5-6").wants(t, http.StatusOK, "sign in as <code>o&#39;carol@example.com</code>")
	if content, _ := b.file("pidgin.xml", "application/xml"); !strings.Contains(content, "<name>o&#39;carol@example.com</name>") {
		t.Errorf("pidgin: %s", content)
	}
}

// A link to the site must not lead people's programs to a machine of whoever made the link.
func TestLinksLeadToNoOtherService(t *testing.T) {
	s := open(t, func(c *web.Config) { c.Host = "203.0.113.9" })
	b := s.browse()
	for asked, want := range map[string]string{
		"198.51.100.66": "203.0.113.9", "192.168.0.9": "192.168.0.9", "100.64.0.9": "100.64.0.9", "127.0.0.1": "127.0.0.1",
	} {
		for _, page := range []string{"files/hosts.txt?", "msn-messenger-5-6?system=xp&"} {
			b.get("/connect/"+page+"address="+asked).wants(t, http.StatusOK, want+" messenger.hotmail.com")
		}
	}
}
