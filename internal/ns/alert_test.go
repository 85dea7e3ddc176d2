package ns

import (
	"fmt"
	"strings"
	"testing"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
)

func alertTo(d *dialect, a im.Alert) string {
	clk := clock.New()
	defer clk.Close()
	s := &session{srv: &Server{Config: Config{WebURL: "https://msn.example.com"}}, dialect: d}
	hub.New(clk, 0).Enter(&s.entry, hub.Login{Person: im.Person{ID: 0x01EE5A43, Handle: "alice@example.com"}}, s)
	return string(s.appendAlert(nil, hub.Alerted{Number: 7, Alert: a}))
}

// The length, 458 bytes, is that of the example that descriptions of MSNP9 share; ours is as
// much shorter as its values are.
func TestAnAlertIsLaidOutAsTheOriginal(t *testing.T) {
	got := alertTo(msnp9, im.Alert{
		Text: "This is an example notification.", HTML: "<P>This is an <B>extended</B> notification!</P>",
		URL: "http://example.com/alert?command=action",
	})
	shorter := len("alerticon_32x32.png") + len("example@hotmail.com") - len("alice@example.com")
	want := fmt.Sprintf("NOT %d\r\n", 458-shorter)
	if !strings.HasPrefix(got, want) || strings.HasSuffix(got, "\n") {
		t.Errorf("it begins not with %q: %q", want, got)
	}
	if !strings.Contains(got, `pid="0x00000000:0x01ee5a43"`) {
		t.Errorf("the number of the account: %q", got)
	}
}

func TestTheBodyOfAnAlertStaysBelowTheLimitOfClients(t *testing.T) {
	a := im.Alert{Text: strings.Repeat("a", im.MaxAlert-100), HTML: strings.Repeat("<", 25)}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(alertTo(msnp9, a), "<BODY")
	body, _, _ = strings.Cut(body, "</BODY>")
	if n := len("<BODY" + body + "</BODY>"); n > 1024 {
		t.Errorf("%d bytes", n)
	}
}

func TestThePageOfAnAlertIsSplitFromItsSite(t *testing.T) {
	for url, want := range map[string]string{
		"":                            "https://msn.example.com/ help",
		"http://example.com":          "http://example.com/ ",
		"http://example.com/":         "http://example.com/ ",
		"http://example.com:81/a/b?c": "http://example.com:81/ a/b?c",
		"http://example.com?a=b/c":    "http://example.com/ ?a=b/c",
	} {
		s := &session{srv: &Server{Config: Config{WebURL: "https://msn.example.com"}}}
		if site, page := s.alertPage(url); site+" "+page != want {
			t.Errorf("%q: %q %q", url, site, page)
		}
	}
}
