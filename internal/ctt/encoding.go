package ctt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// declaration matches the first line of a file and, in it, the encoding.
var declaration = regexp.MustCompile(`^<\?xml\s[^>]*?\?>`)

var encoding = regexp.MustCompile(`\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// decode returns a file as UTF-8 without its declaration. It reads what Windows writes: UTF-8,
// with or without a mark at the beginning, UTF-16 with one, and the Western code page.
func decode(file []byte) ([]byte, error) {
	for mark, order := range map[string]binary.ByteOrder{"\xFF\xFE": binary.LittleEndian, "\xFE\xFF": binary.BigEndian} {
		if text, found := bytes.CutPrefix(file, []byte(mark)); found {
			return undeclared(fromUTF16(text, order)), nil
		}
	}
	file = bytes.TrimPrefix(file, []byte("\xEF\xBB\xBF"))
	file = bytes.TrimLeft(file, " \t\r\n")
	name := "utf-8"
	if m := encoding.FindSubmatch(declaration.Find(file)); m != nil {
		name = strings.ToLower(string(m[1]))
	}
	switch name {
	case "utf-8", "us-ascii":
		if !utf8.Valid(file) {
			return nil, fmt.Errorf("%w: it is not in UTF-8", ErrFormat)
		}
	case "iso-8859-1", "windows-1252":
		file = fromLatin1(file)
	default:
		return nil, fmt.Errorf("%w: it is in %s", ErrFormat, name)
	}
	return undeclared(file), nil
}

func undeclared(text []byte) []byte {
	return text[len(declaration.Find(text)):]
}

func fromUTF16(text []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// fromLatin1 reads each byte as the character of its number. That is not quite the code page of
// Windows, but addresses have none of the characters in which the two differ.
func fromLatin1(text []byte) []byte {
	runes := make([]rune, len(text))
	for i, c := range text {
		runes[i] = rune(c)
	}
	return []byte(string(runes))
}
