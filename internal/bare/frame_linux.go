package bare

import (
	"bytes"
	"errors"
	"strconv"
)

// Who everything comes from, of the length that people's names have in measurements.
const (
	handle = "user00001@example.com"
	nick   = "User"
)

var (
	errPartial = errors.New("the rest of the frame is yet to come")
	errFrame   = errors.New("not a frame")
)

// frame is a line without its end, and the payload that belongs to it.
type frame struct {
	line    []byte
	payload []byte
}

// cut takes the first frame off b.
func cut(b []byte) (frame, []byte, error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return frame{}, b, errPartial
	}
	if end == 0 || b[end-1] != '\r' {
		return frame{}, b, errFrame
	}
	line, rest := b[:end-1], b[end+1:]
	if len(line) < 4 || string(line[:4]) != "MSG " {
		return frame{line: line}, rest, nil
	}
	length, ok := number(line[bytes.LastIndexByte(line, ' ')+1:])
	if !ok {
		return frame{}, b, errFrame
	}
	if length > len(rest) {
		return frame{}, b, errPartial
	}
	return frame{line, rest[:length]}, rest[length:], nil
}

// number reads a length, which has up to five digits.
func number(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 5 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// appendMessage appends the message as the partner gets it.
func appendMessage(b []byte, f frame) ([]byte, error) {
	// A message has a transaction id and a kind of acknowledgement before its length.
	if f.payload == nil || bytes.Count(f.line, []byte{' '}) != 3 {
		return b, errFrame
	}
	b = append(b, "MSG "+handle+" "+nick+" "...)
	b = strconv.AppendInt(b, int64(len(f.payload)), 10)
	b = append(b, '\r', '\n')
	return append(b, f.payload...), nil
}

// appendPresence appends what the audience gets for a CHG.
func appendPresence(b []byte, status []byte) []byte {
	b = append(b, "NLN "...)
	b = append(b, status...)
	return append(b, " "+handle+" "+nick+" 0\r\n"...)
}

// words splits a line that is not a message into what says what to do.
func words(line []byte) (verb, first, second []byte) {
	verb, line, _ = bytes.Cut(line, []byte{' '})
	first, line, _ = bytes.Cut(line, []byte{' '})
	second, _, _ = bytes.Cut(line, []byte{' '})
	return verb, first, second
}
