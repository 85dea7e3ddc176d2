package passport

import (
	"strings"
	"unicode/utf8"

	"monarch/internal/im"
)

// credentials are what somebody signs in with.
type credentials struct {
	handle    string   // canonical, or "" when it cannot be one
	passwords []string // what the password may be, likelier first; not empty
}

// newCredentials takes a name and a password as the client meant them. Windows clients
// send a password in the ANSI character set, others in UTF-8; bytes that cannot be UTF-8
// are tried both as they are and transcribed. docs/protocol/passport.md#request
func newCredentials(name, password string) credentials {
	handle, err := im.ParseHandle(name)
	if err != nil {
		handle = ""
	}
	c := credentials{handle, []string{password}}
	if !utf8.ValidString(password) {
		c.passwords = append(c.passwords, fromANSI(password))
	}
	return c
}

// parseAuthorization reads the header of a login. Clients disagree on nearly all of it:
// the name is percent-encoded or not, the password may hold bare commas, and most rebuild
// the challenge that follows, so nothing of that is looked at.
// docs/protocol/passport.md#request
func parseAuthorization(header string) (credentials, bool) {
	const scheme = "Passport1.4"
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) || header[len(scheme)] != ' ' {
		return credentials{}, false
	}
	_, rest, ok := strings.Cut(","+strings.TrimLeft(header[len(scheme):], " "), ",sign-in=")
	if !ok {
		return credentials{}, false
	}
	name, password, ok := strings.Cut(rest, ",pwd=")
	if !ok {
		return credentials{}, false
	}
	if challenge := strings.LastIndex(password, ",lc="); challenge >= 0 {
		password = password[:challenge]
	}
	return newCredentials(percentDecode(name), percentDecode(password)), true
}

// percentDecode decodes s if all of it is valid percent-encoding, and returns it as it is
// otherwise. A plus sign is a plus sign.
func percentDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return s
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 {
			return s
		}
		b = append(b, hexValue(hi)<<4|hexValue(lo))
		i += 2
	}
	return string(b)
}

const hexDigits = "0123456789ABCDEFabcdef"

// hexValue is the value of the digit at a place in hexDigits.
func hexValue(place int) byte {
	if place > 15 {
		place -= 6
	}
	return byte(place)
}

// ansi is the part of code page 1252 that is not Latin 1, from 0x80 to 0x9F. The five
// places without a character stand for themselves, as Windows has it.
var ansi = [32]rune{
	'\u20AC', '\u0081', '\u201A', '\u0192', '\u201E', '\u2026', '\u2020', '\u2021',
	'\u02C6', '\u2030', '\u0160', '\u2039', '\u0152', '\u008D', '\u017D', '\u008F',
	'\u0090', '\u2018', '\u2019', '\u201C', '\u201D', '\u2022', '\u2013', '\u2014',
	'\u02DC', '\u2122', '\u0161', '\u203A', '\u0153', '\u009D', '\u017E', '\u0178',
}

// fromANSI transcribes text in code page 1252 to UTF-8.
func fromANSI(s string) string {
	b := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		r := rune(s[i])
		if r >= 0x80 && r < 0xA0 {
			r = ansi[r-0x80]
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}
