package passport_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/passport"
)

// wellFormed reports whether text is XML, and what of.
func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func soapRequest(lcid string) string {
	envelope := `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<GetClientConfig xmlns="http://www.msn.com/webservices/Messenger/Client"><clientinfo><Country>FR</Country><CLCID>` + lcid +
		`</CLCID><PLCID>` + lcid + `</PLCID><GeoID>84</GeoID></clientinfo></GetClientConfig></soap:Body></soap:Envelope>`
	return fmt.Sprintf("POST /Config/MsgrConfig.asmx HTTP/1.1\r\nHost: config.messenger.msn.com\r\nContent-Length: %d\r\n"+
		"SOAPAction: \"http://www.msn.com/webservices/Messenger/Client/GetClientConfig\"\r\n\r\n%s", len(envelope), envelope)
}

func TestConfigurationService(t *testing.T) {
	dir := t.TempDir()
	french := `<?xml version="1.0"?><MsgrConfig><tab>{{html .Name}} {{html .URL}} {{.Market}} ]]></tab></MsgrConfig>`
	if err := os.WriteFile(filepath.Join(dir, "MsgrConfig.fr-FR.xml"), []byte(french), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *passport.Config) { c.Templates, c.Name = dir, "M&M" })
	const query = "?op=GetClientConfig&Country=US&CLCID="
	for name, c := range map[string]struct{ request, contains string }{
		"GET":               {"GET /Config/MsgrConfig.asmx" + query + "0409&PLCID=0409 HTTP/1.1\r\n\r\n", `<LocalizedConfig Market="en-US">`},
		"in small letters":  {"GET /config/msgrconfig.asmx" + query + "0409 HTTP/1.1\r\n\r\n", `<LocalizedConfig Market="en-US">`},
		"unknown locale":    {"GET /Config/MsgrConfig.asmx" + query + "7777&PLCID=zz HTTP/1.1\r\n\r\n", `<LocalizedConfig Market="en-US">`},
		"locale without":    {"GET /Config/MsgrConfig.asmx" + query + "0407 HTTP/1.1\r\n\r\n", `<LocalizedConfig Market="en-US">`},
		"nothing asked for": {"GET /Config/MsgrConfig.asmx HTTP/1.1\r\n\r\n", `<LocalizedConfig Market="en-US">`},
		"French":            {"GET /Config/MsgrConfig.asmx" + query + "040c HTTP/1.1\r\n\r\n", `<tab>M&amp;M https://msn.example.com fr-FR ]]></tab>`},
		"SOAP":              {soapRequest("0409"), `<GetClientConfigResult><![CDATA[<?xml`},
		"SOAP, unknown":     {soapRequest("nonsense"), `<LocalizedConfig Market="en-US">`},
		"SOAP, French":      {soapRequest("040C"), `fr-FR ]]]]><![CDATA[></tab></MsgrConfig>]]></GetClientConfigResult>`},
		"SOAP, no XML":      {"POST /Config/MsgrConfig.asmx HTTP/1.1\r\nContent-Length: 4\r\n\r\n<a<b", `<LocalizedConfig Market="en-US">`},
	} {
		got := w.askHTTP(c.request)
		if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: text/xml; charset=utf-8\r\n") || !strings.Contains(got, c.contains) {
			t.Errorf("%s: answered %q", name, got)
		}
		if err := wellFormed(body(got)); err != nil && name != "French" {
			t.Errorf("%s: %v in %q", name, err, body(got))
		}
	}
}

func TestDocumentsOfADirectory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tabs.xml", "<first/>")
	write("README", "no document")
	w := newWorld(t, func(c *passport.Config) { c.Templates = dir })
	tabs := func() string { return body(w.askHTTP("GET /svcs/mms/tabs.asp HTTP/1.1\r\n\r\n")) }
	if got := tabs(); got != "<first/>" {
		t.Errorf("tabs %q", got)
	}
	write("tabs.xml", "<second/>")
	use, err := w.srv.Documents(dir)
	w.must(err)
	if got := tabs(); got != "<first/>" {
		t.Errorf("read, but not in use: tabs %q", got)
	}
	use()
	if got := tabs(); got != "<second/>" {
		t.Errorf("after a change: tabs %q", got)
	}
	for name, text := range map[string]string{"tabs.xml": "{{.Nonsense}}", "portal.html": "{{", "tabz.xml": "", "tabs.html": ""} {
		write(name, text)
		if _, err := w.srv.Documents(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s holds %q: %v", name, text, err)
		}
		if got := tabs(); got != "<second/>" {
			t.Errorf("after an error: tabs %q", got)
		}
		w.must(os.Remove(filepath.Join(dir, name)))
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	for name, cfg := range map[string]passport.Config{
		"scheme in the login address": {LoginURL: "https://login.passport.com/login2.srf"},
		"port in the login address":   {LoginURL: "login.passport.com:8443/login2.srf"},
		"no path in it":               {LoginURL: "login.passport.com"},
		"comma in it":                 {LoginURL: "login.passport.com/a,b"},
		"templates missing":           {LoginURL: "a/b", Templates: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := passport.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
