package transfer

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"monarch/msnp"
)

// text is something that people have written. In JSON it is a string or, where it is not UTF-8, what
// clients send for it: {"escaped": "%FF"}.
type text string

type escapedText struct {
	Escaped string `json:"escaped"`
}

// MarshalJSON writes one of the two.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(escapedText{msnp.Escape(string(t))})
}

// UnmarshalJSON reads either.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var e escapedText
		err := json.Unmarshal(b, &e)
		*t = text(msnp.Unescape(e.Escaped))
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// escapedMark begins a cell that is percent-encoded: it would not survive as it is, or a spreadsheet
// would compute it.
const escapedMark = "escaped:"

// computed matches what a spreadsheet computes, also one for which a semicolon begins a cell.
var computed = regexp.MustCompile(`(^|;)\s*[=+@-]`)

// cell writes a text as a cell of CSV.
func cell(s string) string {
	if s == "" || utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.HasPrefix(s, escapedMark) && !computed.MatchString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r == '|' || r == unicode.ReplacementChar || unicode.IsControl(r) }) {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := []byte(escapedMark)
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// uncell reads one.
func uncell(s string) string {
	if rest, ok := strings.CutPrefix(s, escapedMark); ok {
		return msnp.Unescape(rest)
	}
	return strings.TrimSpace(s)
}
