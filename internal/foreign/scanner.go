package foreign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// kind is what a token is.
type kind int

const (
	mark       kind = iota // a sign that stands for itself
	word                   // a keyword, a name, or a number
	identifier             // a name in backticks
	text                   // in quotes
)

type token struct {
	kind kind
	text string
}

func (t token) is(sign string) bool { return t.kind == mark && t.text == sign }
func (t token) word(w string) bool  { return t.kind == word && strings.EqualFold(t.text, w) }

// scanner cuts SQL of MariaDB and MySQL into tokens.
type scanner struct {
	r    *bufio.Reader
	line int // breaks that were read
	back []token
}

// unread gives a token back.
func (s *scanner) unread(t token) { s.back = append(s.back, t) }

// next returns the next token, or io.EOF.
func (s *scanner) next() (token, error) {
	if n := len(s.back); n > 0 {
		t := s.back[n-1]
		s.back = s.back[:n-1]
		return t, nil
	}
	for {
		c, err := s.read()
		if err != nil {
			return token{}, err
		}
		switch {
		case c <= ' ':
		case c == '#', c == '-' && s.peek('-'):
			if err := s.until("\n"); err != nil {
				return token{}, err
			}
		case c == '/' && s.peek('*'):
			if err := s.until("*/"); err != nil {
				return token{}, err
			}
		case c == '\'' || c == '"':
			body, err := s.quoted(c)
			return token{text, body}, err
		case c == '`':
			body, err := s.quoted(c)
			return token{identifier, body}, err
		case letter(c):
			return s.word(c)
		default:
			return token{mark, string(rune(c))}, nil
		}
	}
}

func (s *scanner) read() (byte, error) {
	c, err := s.r.ReadByte()
	if c == '\n' {
		s.line++
	}
	return c, err
}

// peek reports whether the next byte is this one.
func (s *scanner) peek(c byte) bool {
	b, err := s.r.Peek(1)
	return err == nil && b[0] == c
}

// until reads up to the end of a comment.
func (s *scanner) until(end string) error {
	at := 0
	for at < len(end) {
		c, err := s.read()
		if err != nil {
			return err
		}
		switch c {
		case end[at]:
			at++
		case end[0]:
			at = 1
		default:
			at = 0
		}
	}
	return nil
}

// letter reports whether a byte is part of a word; numbers are words.
func letter(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '+' || c == '-' || c == '$' || c >= 0x80
}

func (s *scanner) word(first byte) (token, error) {
	b := []byte{first}
	for {
		c, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return token{word, string(b)}, nil
		case err != nil:
			return token{}, err
		case !letter(c) && (c != '.' || b[0] < '0' || b[0] > '9'):
			return token{word, string(b)}, s.r.UnreadByte()
		case len(b) > 1000:
			return token{}, fmt.Errorf("line %d: this is no SQL", s.line)
		}
		b = append(b, c)
	}
}

// escapes are the signs behind a backslash that do not stand for themselves.
var escapes = map[byte]byte{'0': 0, 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'Z': 0x1A}

// quoted reads up to the closing quote, which is there twice where it is part of the text.
func (s *scanner) quoted(quote byte) (string, error) {
	var b []byte
	begun := s.line
	for {
		c, err := s.read()
		if err == nil && c == '\\' && quote != '`' {
			if c, err = s.read(); err == nil {
				if e, ok := escapes[c]; ok {
					c = e
				}
				b = append(b, c)
				continue
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return "", fmt.Errorf("line %d: a text begins here and does not end", begun)
		case err != nil:
			return "", err
		case c == quote && s.peek(quote):
			_, _ = s.read()
		case c == quote:
			return string(b), nil
		case len(b) > longestValue:
			return "", fmt.Errorf("line %d: a text is too long", begun)
		}
		b = append(b, c)
	}
}
