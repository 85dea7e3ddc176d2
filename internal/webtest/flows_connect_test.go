package webtest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"monarch/internal/patch"
)

// namesakes are the settings of a server whose clients are led by names and addresses of all kinds.
func namesakes() map[string]string {
	return map[string]string{
		"service.host": "192.0.2.77", "dispatch.advertise": "ds.example.com:1863", "passport.login_url": "im.example.com/login2.srf",
	}
}

// readyFiles are the files that guides offer, by the names that they are saved under, with what
// looks at them.
var readyFiles = map[string]func(*testing.T, *world, []byte){
	"messenger-1-4.reg":    is("REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\MessengerService]\r\n\"Server\"=\"ds.example.com\"\r\n\r\n"),
	"messenger-5-6.reg":    is("REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\MSNMessenger]\r\n\"Server\"=\"ds.example.com;ds.example.com:1863\"\r\n\r\n"),
	"messenger-forget.reg": is("REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\MSNMessenger]\r\n\"Server\"=-\r\n\r\n"),
	"monarch-hosts.txt":    checkHosts,
	"monarch-ca.crt":       checkAuthority,
	"monarch-ca.pem":       checkAuthority,
	"accounts.xml":         checkPidgin,
	"config.xml":           checkAMSN,
	"bitlbee.txt":          is("account add msn alice@example.com PASSWORD\naccount on\n"),
	"autoexec_msn.ini":     is("[MSN]\r\ne-mail=salice@example.com\r\nLoginServer=sds.example.com\r\nMSNMPort=w1863\r\nMsnPassportHost=l\r\n"),
}

// is checks that a file is a text in ASCII, to the last line end: what registry editors of all
// ages read.
func is(want string) func(*testing.T, *world, []byte) {
	return func(t *testing.T, _ *world, content []byte) {
		t.Helper()
		if string(content) != want {
			t.Errorf("%q, want %q", content, want)
		}
	}
}

func checkHosts(t *testing.T, _ *world, content []byte) {
	t.Helper()
	led := make(map[string]string)
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(line)
		for _, name := range words[1:] {
			led[name] = words[0]
		}
	}
	for _, name := range []string{"messenger.hotmail.com", "nexus.passport.com", "login.passport.com", "gateway.messenger.hotmail.com", "config.messenger.msn.com", "im.example.com"} {
		if led[name] != "192.0.2.77" {
			t.Errorf("%s leads to %q:\n%s", name, led[name], content)
		}
	}
}

// checkAuthority trusts what was saved, and nothing else, and looks whether that is enough to send
// a password.
func checkAuthority(t *testing.T, w *world, content []byte) {
	t.Helper()
	der := content
	if block, rest := pem.Decode(content); block != nil && len(rest) == 0 {
		der = block.Bytes
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || !cert.IsCA {
		t.Fatalf("no authority: %v", err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(cert)
	c, err := tls.Dial("tcp", w.fix.Server.Addr("https"), &tls.Config{RootCAs: trust, ServerName: "login.passport.com"})
	if err != nil {
		t.Fatalf("it is not the authority of this server: %v", err)
	}
	c.Close()
}

func checkPidgin(t *testing.T, _ *world, content []byte) {
	t.Helper()
	var accounts struct {
		Protocol string `xml:"account>protocol"`
		Name     string `xml:"account>name"`
		Settings []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:",chardata"`
		} `xml:"account>settings>setting"`
	}
	if err := xml.Unmarshal(content, &accounts); err != nil {
		t.Fatal(err)
	}
	got := accounts.Protocol + " " + accounts.Name
	for _, s := range accounts.Settings {
		got += " " + s.Name + "=" + s.Value
	}
	if want := "prpl-msn alice@example.com server=ds.example.com port=1863 http_method=0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func checkAMSN(t *testing.T, _ *world, content []byte) {
	t.Helper()
	var config struct {
		Attribute string `xml:"entry>attribute"`
		Value     string `xml:"entry>value"`
	}
	if err := xml.Unmarshal(content, &config); err != nil || config.Attribute != "start_ns_server" || config.Value != "ds.example.com:1863" {
		t.Errorf("%v, %+v", err, config)
	}
}

// choices are what people choose on the page for it: a program, and the systems that it is tried on.
// Files are the names of those that they are offered then.
var choices = []struct {
	client  string
	systems []string
	files   []string
}{
	{"msn-messenger-5-6", []string{"98", "xp", "11"}, []string{"monarch-hosts.txt", "messenger-5-6.reg", "monarch-ca.crt", "messenger-forget.reg"}},
	{"msn-messenger-1-4", []string{"2000"}, []string{"messenger-1-4.reg"}},
	{"windows-messenger", []string{"xp"}, []string{"monarch-hosts.txt", "monarch-ca.crt", "messenger-1-4.reg"}},
	{"pidgin", []string{"unix", "7"}, []string{"monarch-hosts.txt", "accounts.xml", "monarch-ca.pem"}},
	{"amsn", []string{"unix"}, []string{"monarch-hosts.txt", "config.xml"}},
	{"bitlbee", []string{"unix"}, []string{"monarch-hosts.txt", "bitlbee.txt"}},
	{"miranda", []string{"xp"}, []string{"monarch-hosts.txt", "monarch-ca.crt", "autoexec_msn.ini"}},
	{"centerim", []string{"unix"}, []string{"monarch-hosts.txt"}},
	{"monarch-chat", []string{"unix"}, []string{"monarch-ca.pem"}},
	{"web", []string{"7"}, nil},
}

func TestGuidesAndTheirFiles(t *testing.T) {
	w := newWorldWith(t, namesakes())
	p := w.sit(chromium(t))
	saved := make(map[string]string) // names of files, by address
	for _, c := range choices {
		for _, system := range c.systems {
			p.visit("/connect")
			p.do("choose "+c.client+" on "+system,
				chromedp.SetValue(chromedp.CSS("#client"), c.client), chromedp.SetValue(chromedp.CSS("#system"), system))
			p.clicks("form.choose button")
			p.until("the guide is there", `location.pathname === `+quote("/connect/"+c.client))
			var names []string
			for _, address := range value[[]string](p, `[...document.querySelectorAll("main a[href^='/connect/files/']")].map((a) => a.getAttribute("href"))`) {
				if saved[address] == "" {
					saved[address] = p.savesReady(w, address)
				}
				names = append(names, saved[address])
			}
			if !slices.Equal(names, c.files) {
				t.Errorf("%s on %s has the files %q, want %q", c.client, system, names, c.files)
			}
		}
	}
	p.visit("/connect")
	if got := len(value[[]string](p, `[...document.getElementById("client").options].map((o) => o.value)`)); got != len(choices) {
		t.Errorf("there are %d programs to choose from, of which %d were tried", got, len(choices))
	}
}

// savesReady saves a file of a guide and looks whether it is right. It returns its name.
func (p *person) savesReady(w *world, address string) string {
	p.t.Helper()
	p.do("open what is folded", chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("main details").forEach((d) => { d.open = true; })`))
	content, name := p.saves(`main a[href="` + address + `"]`)
	check := readyFiles[name]
	if check == nil {
		p.t.Fatalf("%s is saved as %s, which nobody knows", address, name)
	}
	check(p.t, w, content)
	if windows := !strings.Contains(address, "unix"); name == "monarch-hosts.txt" && strings.Contains(string(content), "\r\n") != windows {
		p.t.Errorf("%s has line ends of another system: %q", address, content)
	}
	return name
}

// program makes a file in the format of Windows programs: a header, a version and texts that are
// in MSN Messenger, in ANSI and UTF-16.
func program(texts ...string) []byte {
	b := make([]byte, 0x200)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	b = append(b, 0xbd, 0x04, 0xef, 0xfe, 0, 0, 1, 0, 2, 0, 6, 0, 0x89, 0, 0, 0) // 6.2.0.137
	for _, text := range texts {
		b = append(append(b, text...), 0, 0, 0, 0)
		for _, c := range []byte(text) {
			b = append(b, c, 0)
		}
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// takes chooses a file in the patcher.
func (p *person) takes(name string, content []byte) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.do("choose "+name, chromedp.SetUploadFiles(chromedp.CSS("#program"), []string{path}))
}

func TestPatcherInABrowser(t *testing.T) {
	w := newWorldWith(t, namesakes())
	original := program("messenger.hotmail.com", "nexus.passport.com/rdr/pprdr.asp", "http://config.messenger.msn.com/Config/MsgrConfig.asmx")
	want, err := patch.Patch(original, patch.Names{
		Dispatch: []string{"ds.example.com", "192.0.2.77", "im.example.com"}, Pages: []string{"192.0.2.77", "im.example.com"},
	}.Texts())
	if err != nil || len(want.Changes) < 6 {
		t.Fatalf("%d changes, %v", len(want.Changes), err)
	}
	p := w.sit(chromium(t))
	p.visit("/connect")
	p.clicks(`main a[href="/connect/patch"]`)
	p.until("it is ready", `!document.querySelector("[data-patcher]").hidden`)

	p.takes("letter.doc", []byte("Dear Bob"))
	p.until("it is refused in words", `document.querySelector("[data-said] .note.bad")?.textContent.length > 20 && document.querySelector("[data-result]").hidden`)
	p.takes("calc.exe", program("Divide by zero"))
	p.until("nothing to do", `document.querySelector("[data-said] .note.warning") && document.querySelector("[data-found]").hidden && document.querySelector("[data-result]").hidden`)

	p.takes("msnmsgr.exe", original)
	p.until("it is done", `!document.querySelector("[data-result]").hidden`)
	p.says("6.2.0.137")
	rows := value[[][]string](p, `[...document.querySelectorAll("[data-found] tbody tr")].map((tr) => [...tr.cells].map((td) => td.textContent))`)
	if len(rows) != len(want.Changes) {
		t.Fatalf("%d rows for %d changes", len(rows), len(want.Changes))
	}
	for i, c := range want.Changes {
		if row := []string{fmt.Sprintf("0x%06x %s", c.Offset, c.Encoding), c.Text, c.Now}; !slices.Equal(rows[i], row) {
			t.Errorf("row %d is %q, want %q", i, rows[i], row)
		}
	}
	copied, name := p.saves("[data-result] a")
	if name != "msnmsgr-monarch.exe" || !bytes.Equal(copied, want.Program) {
		t.Errorf("%s is not what monarch patch makes of it", name)
	}
	p.takes(name, copied)
	p.until("it is known again", `document.querySelector("[data-said] .note.good") && document.querySelector("[data-result]").hidden`)
}
