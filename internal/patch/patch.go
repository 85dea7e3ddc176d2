// Package patch leads a copy of MSN Messenger's program to another service: it finds the names of
// the original one in the program and puts others in their place, without moving anything. It
// leaves files to whoever calls it, and knows nothing of the service but names.
package patch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxProgram is the most bytes a program may have. Those that are known have a few million.
const MaxProgram = 64 << 20

// What cannot be patched.
var (
	ErrNoProgram = errors.New("this is no Windows program")
	ErrTooLarge  = errors.New("this is larger than any Messenger")
)

// Encoding is how the characters of a text are written in a program.
type Encoding string

// The two encodings.
const (
	ANSI  Encoding = "ANSI"
	UTF16 Encoding = "UTF-16"
)

// Place is where a text is in a program.
type Place struct {
	Text     string   `json:"text"`
	Offset   int      `json:"offset"`
	Encoding Encoding `json:"encoding"`
}

// Change is a text that gives way to another. Both are whole: with the path behind the name.
type Change struct {
	Place // where, and the text of before

	Now string `json:"now"`
}

// Result is what was found in a program and what was done about it. Lists are in the order of
// the file.
type Result struct {
	Version Version
	Changes []Change
	Already []Place // texts of ours that were there before
	Left    []Place // texts for which no name is short enough
	Program []byte  // the copy, exactly as long as the original
}

// Patch returns a changed copy of a program.
func Patch(program []byte, texts []Text) (Result, error) {
	if len(program) > MaxProgram {
		return Result{}, ErrTooLarge
	}
	if !isProgram(program) {
		return Result{}, ErrNoProgram
	}
	r := Result{Version: versionOf(program), Program: bytes.Clone(program)}
	var taken []stretch
	for _, t := range texts {
		for _, p := range find(program, t.Original) {
			switch t.Ours {
			case "":
				r.Left = append(r.Left, p)
			case t.Original:
			default:
				c := change(r.Program, p, t)
				r.Changes = append(r.Changes, c)
				taken = append(taken, c.stretch())
			}
		}
	}
	for _, t := range texts {
		if t.Ours == "" {
			continue
		}
		for _, p := range find(program, t.Ours) {
			if s := p.stretch(); !slices.ContainsFunc(taken, s.meets) { // the name alone is also in the address that has it
				taken = append(taken, s)
				r.Already = append(r.Already, p)
			}
		}
	}
	slices.SortFunc(r.Changes, func(a, b Change) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, list := range [][]Place{r.Already, r.Left} {
		slices.SortFunc(list, func(a, b Place) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	return r, nil
}

// isProgram reports whether a file is in the format of Windows programs: it begins with a
// program for DOS, which says where the real one begins.
func isProgram(file []byte) bool {
	if len(file) < 0x40 || string(file[:2]) != "MZ" {
		return false
	}
	at := int64(binary.LittleEndian.Uint32(file[0x3c:]))
	return at+4 <= int64(len(file)) && string(file[at:at+4]) == "PE\x00\x00"
}

// stretch is some bytes of a file.
type stretch struct{ from, to int }

func (p Place) stretch() stretch {
	return stretch{p.Offset, p.Offset + p.Encoding.width()*len(p.Text)}
}

func (s stretch) meets(other stretch) bool { return s.from < other.to && other.from < s.to }

// encode writes a text of ASCII as it is in a program.
func (e Encoding) encode(text string) []byte {
	if e == ANSI {
		return []byte(text)
	}
	b := make([]byte, 2*len(text))
	for i := range len(text) {
		b[2*i] = text[i]
	}
	return b
}

// at returns the character at an offset, or 0 where there is none of ASCII.
func (e Encoding) at(program []byte, offset int) byte {
	if offset < 0 || offset+e.width() > len(program) || e == UTF16 && program[offset+1] != 0 {
		return 0
	}
	return program[offset]
}

// width is how many bytes a character takes.
func (e Encoding) width() int {
	if e == ANSI {
		return 1
	}
	return 2
}

// find returns all places of a text, where it is not a part of another name.
func find(program []byte, text string) []Place {
	var places []Place
	for _, e := range []Encoding{ANSI, UTF16} {
		encoded := e.encode(text)
		for from := 0; ; {
			i := bytes.Index(program[from:], encoded)
			if i < 0 {
				break
			}
			offset := from + i
			from = offset + len(encoded)
			if !inName(program, offset, from, e) {
				places = append(places, Place{text, offset, e})
			}
		}
	}
	return places
}

// inName reports whether a name goes on before or after a stretch. In front of a text may be
// anything, letters too, that does not belong to it: only a dot or a dash with a letter before
// that does.
func inName(program []byte, from, to int, e Encoding) bool {
	w := e.width()
	before := e.at(program, from-w)
	if (before == '.' || before == '-') && isWord(e.at(program, from-2*w)) {
		return true
	}
	after := e.at(program, to)
	return isWord(after) || (after == '.' || after == '-') && isWord(e.at(program, to+w))
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// change writes a text over another. What stands behind a name, as a path does, moves up to it;
// the rest of the place is zeros.
func change(program []byte, p Place, t Text) Change {
	rest := tail(program, p.stretch().to, p.Encoding)
	p.Text += rest
	now := t.Ours + rest
	if t.Fill && !strings.HasPrefix(rest, "?") {
		now += filler(len(p.Text) - len(now))
	}
	s := p.stretch()
	room := program[s.from:s.to]
	clear(room[copy(room, p.Encoding.encode(now)):])
	return Change{p, now}
}

// longestTail is more than any path that is known.
const longestTail = 256

// tail returns what belongs to an address and follows its name.
func tail(program []byte, offset int, e Encoding) string {
	var b strings.Builder
	for ; b.Len() < longestTail; offset += e.width() {
		c := e.at(program, offset)
		if b.Len() == 0 && !strings.ContainsRune("/:?", rune(c)) || !isWord(c) && !strings.ContainsRune("/:?&=%._~+,;@!$#-", rune(c)) {
			break
		}
		b.WriteByte(c)
	}
	return b.String()
}

// filler returns a query of a length that means nothing.
func filler(length int) string {
	const query = "?x="
	if length <= len(query) {
		return query[:max(0, length)]
	}
	return query + strings.Repeat("x", length-len(query))
}

// Version is the file version that a program says it has; zero if it says none.
type Version [4]uint16

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3]) }

// Known reports whether the program said it.
func (v Version) Known() bool { return v != Version{} }

// Suits reports whether programs of this version sign in as the service expects, once their
// names are changed.
func (v Version) Suits() bool { return v[0] == 5 || v[0] == 6 }

// versionMark begins the block with the version.
var versionMark = []byte{0xbd, 0x04, 0xef, 0xfe, 0, 0, 1, 0}

func versionOf(program []byte) (v Version) {
	i := bytes.Index(program, versionMark)
	if i < 0 || i+16 > len(program) {
		return v
	}
	high, low := binary.LittleEndian.Uint32(program[i+8:]), binary.LittleEndian.Uint32(program[i+12:])
	return Version{uint16(high >> 16), uint16(high), uint16(low >> 16), uint16(low)}
}
