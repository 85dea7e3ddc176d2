package msnp

import "strings"

const upperHex = "0123456789ABCDEF"

// plain reports whether a byte of a text parameter is sent as it is. Everything outside
// 0x21..0x7E and the percent sign itself is escaped, so that no client has to guess a
// character set. docs/protocol/wire.md#text
func plain(c byte) bool { return c > 0x20 && c < 0x7F && c != '%' }

// AppendEscaped appends text in the form of a parameter: percent-encoded, without blanks.
func AppendEscaped(b []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// Escape returns text in the form of a parameter. An empty text stays empty, which no
// parameter may be; callers choose a substitute.
func Escape(text string) string {
	for i := 0; i < len(text); i++ {
		if !plain(text[i]) {
			return string(AppendEscaped(make([]byte, 0, len(text)+16), text))
		}
	}
	return text
}

// Unescape decodes a text parameter. It never fails: a percent sign without two hex digits
// after it stands for itself, a plus sign is a plus sign, and bytes that are not UTF-8 are
// kept. docs/protocol/wire.md#text
func Unescape(param string) string {
	if strings.IndexByte(param, '%') < 0 {
		return param
	}
	b := make([]byte, 0, len(param))
	for i := 0; i < len(param); i++ {
		if param[i] == '%' && i+2 < len(param) {
			hi, lo := unhex(param[i+1]), unhex(param[i+2])
			if hi < 16 && lo < 16 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, param[i])
	}
	return string(b)
}

// unhex returns the value of a hex digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
