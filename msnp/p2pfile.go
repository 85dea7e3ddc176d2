package msnp

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// The layout of a file's context: length, version, size, type, name, end mark.
const (
	fileContextSize = 574
	fileNameStart   = 20
	fileNameSize    = 550
	fileVersion     = 2
)

// FileNameUnits is how many UTF-16 units of a file's name fit. The field has room for a few
// more, but the official client uses them for something else.
const FileNameUnits = 259

// FileContext is what the Context of an invitation to a file transfer says.
// docs/protocol/payloads.md#file-transfer
type FileContext struct {
	Name    string
	Size    uint64
	Preview []byte // a small picture of the file, nil for none
}

// Append appends the structure. A name that is too long loses its end.
func (c FileContext) Append(b []byte) []byte {
	le := binary.LittleEndian
	withoutPreview := uint32(1)
	if len(c.Preview) > 0 {
		withoutPreview = 0
	}
	b = le.AppendUint32(b, fileContextSize)
	b = le.AppendUint32(b, fileVersion)
	b = le.AppendUint64(b, c.Size)
	b = le.AppendUint32(b, withoutPreview)
	units := 0
	for _, r := range c.Name {
		n := utf16.RuneLen(r)
		if n < 0 {
			r, n = '\uFFFD', 1
		}
		if r == 0 || units+n > FileNameUnits {
			break
		}
		for _, u := range utf16.AppendRune(nil, r) {
			b = le.AppendUint16(b, u)
		}
		units += n
	}
	b = append(b, make([]byte, fileNameSize-2*units)...)
	b = append(b, 0xFF, 0xFF, 0xFF, 0xFF)
	return append(b, c.Preview...)
}

// ParseFileContext reads the structure. Longer ones, of later clients, are read too: the
// first field says where the preview begins. The name is as the other wrote it, with
// whatever a path may contain.
func ParseFileContext(b []byte) (FileContext, error) {
	if len(b) < fileNameStart {
		return FileContext{}, errors.New("context of a file too short")
	}
	le := binary.LittleEndian
	c := FileContext{Size: le.Uint64(b[8:])}
	if length := uint64(le.Uint32(b)); length >= fileNameStart && length < uint64(len(b)) {
		c.Preview = append(c.Preview, b[length:]...)
		b = b[:length]
	}
	name := b[fileNameStart:min(len(b), fileNameStart+fileNameSize)]
	var units []uint16
	for ; len(name) >= 2; name = name[2:] {
		u := le.Uint16(name)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	c.Name = string(utf16.Decode(units))
	return c, nil
}
