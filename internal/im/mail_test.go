package im_test

import (
	"strings"
	"testing"

	"monarch/internal/im"
)

func TestPageOfAMailbox(t *testing.T) {
	const handle = "a+b@example.com"
	for _, c := range []struct{ name, own, template, want string }{
		{"its own", "https://a.example.com/", "https://b/{email}", "https://a.example.com/"},
		{"that of the service", "", "https://b.example.com/{domain}/{user}?login={email}", "https://b.example.com/example.com/a%2Bb?login=a%2Bb%40example.com"},
		{"none", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (im.Mailbox{URL: c.own}).Page(c.template, handle); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPeopleAreSentToOneSiteOnly(t *testing.T) {
	const page = "https://mail.example.com/inbox"
	for address, want := range map[string]bool{
		"https://mail.example.com/17?x=y":      true,
		"https://mail.example.com":             true,
		"http://mail.example.com/17":           false,
		"https://mail.example.com:8443/":       false,
		"https://mail.example.com.evil.net/":   false,
		"https://mail.example.com@evil.net/":   false,
		"https://x@mail.example.com/":          false,
		"//mail.example.com/":                  false,
		"/17":                                  false,
		"":                                     false,
		"https://mail.example.com/\r\nX: y":    false,
		"https:\\\\mail.example.com/":          false,
		"https://mail.example.com/ü":           false,
		"javascript://mail.example.com/%0aa()": false,
	} {
		if got := im.SameSite(page, address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
	if im.SameSite("", "") || im.SameSite("/a", "/b") {
		t.Error("no page is a site")
	}
}

func TestInvitees(t *testing.T) {
	for text, want := range map[string]bool{
		"dan@example.net": true, "Dan+x@Example.net": true, "d'an@example.net": true,
		"dan": false, "root@localhost": false, "dan@[127.0.0.1]": false, "a,b@example.net": false, "<a>b@example.net": false,
		"a\r\nb@example.net": false, "": false,
	} {
		h, ok := im.ParseInvitee(text)
		if ok != want || ok && h != strings.ToLower(text) {
			t.Errorf("%q: %q, %v", text, h, ok)
		}
	}
}

func TestOneLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "Grüße", "Grüße"},
		{"with line ends", "a\r\nb\u2028c\x00", "a  b c"},
		{"of no encoding", "a\xffb", "a?b"},
		{"too long", strings.Repeat("ü", 20), strings.Repeat("ü", 9) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := im.OneLine(c.text, 10); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAlertsThatCanBeShown(t *testing.T) {
	for _, c := range []struct {
		name  string
		alert im.Alert
		fine  bool
	}{
		{"a text", im.Alert{Text: "Hello ♥"}, true},
		{"all", im.Alert{Text: "a", HTML: "<b>a</b>", URL: "https://example.com/?a=b&c"}, true},
		{"the longest", im.Alert{Text: strings.Repeat("&", im.MaxAlert/5)}, true},
		{"one longer", im.Alert{Text: strings.Repeat("&", im.MaxAlert/5), HTML: "x"}, false},
		{"no text", im.Alert{HTML: "a"}, false},
		{"a line end", im.Alert{Text: "a\nb"}, false},
		{"no encoding", im.Alert{Text: "\xff"}, false},
		{"no XML", im.Alert{Text: "a\uFFFE"}, false},
		{"a script", im.Alert{Text: "a", URL: "javascript:alert(1)"}, false},
		{"a quote in the address", im.Alert{Text: "a", URL: `https://example.com/"`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.alert.Check(); (err == nil) != c.fine {
				t.Error(err)
			}
		})
	}
}
