package im

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes a text of anybody's harmless where one line is wanted: valid UTF-8 without
// control characters or signs that reverse the reading order, of so many characters at most.
func OneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return strings.TrimSpace(text)
}
