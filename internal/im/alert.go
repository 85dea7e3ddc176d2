package im

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Alert is a message of the operators' that pops up at one person.
// docs/protocol/presence.md#alerts
type Alert struct {
	Text string
	HTML string // the same with markup, for clients that show it; or ""
	URL  string // what a click opens, or "" for the help page
}

// MaxAlert is how many bytes text and markup of an alert may have together, escaped for XML.
// The clients' own limit is 1024 with the elements around them.
const MaxAlert = 900

// ErrBadAlert refuses an alert that clients could not show.
var ErrBadAlert = errors.New("not an alert that clients can show")

// Check returns [ErrBadAlert] for an alert without a text, with one that is too long or has
// control characters, or with a URL that is none.
func (a Alert) Check() error {
	size := len(EscapeXML(a.Text)) + len(EscapeXML(a.HTML))
	if a.Text == "" || size > MaxAlert || !printable(a.Text) || !printable(a.HTML) || a.URL != "" && !WebURL(a.URL) {
		return ErrBadAlert
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF'
	})
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// EscapeXML writes a text as the content of an XML element or attribute.
func EscapeXML(s string) string { return xmlEscaper.Replace(s) }
