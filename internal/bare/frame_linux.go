package bare

import (
	"bytes"
	"errors"
)

// from is who everything comes from; as long as people's names are in measurements.
const from = "user00001@example.com User"

var errFrame = errors.New("not a frame")

// frame is what a stream is cut into. Of a message all that matters is its end.
type frame struct {
	line []byte // without its end
	tail []byte // of a message: from the length in its line to the end of its payload
}

// cut takes the first frame off b. Its line is nil when the rest of it is yet to come.
func cut(b []byte) (frame, []byte, error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return frame{}, b, nil
	}
	if end < 4 || b[end-1] != '\r' {
		return frame{}, b, errFrame
	}
	line := b[:end-1]
	if string(b[:4]) != "MSG " {
		return frame{line: line}, b[end+1:], nil
	}
	length, digits := number(line)
	if digits == 0 {
		return frame{}, b, errFrame
	}
	whole := end + 1 + length
	if whole > len(b) {
		return frame{}, b, nil
	}
	return frame{line, b[len(line)-digits : whole]}, b[whole:], nil
}

// number reads the last word of a line, a number of up to five digits, and says how many it
// has. None is a word that is no such number.
func number(line []byte) (n, digits int) {
	for scale := 1; ; scale *= 10 {
		c := line[len(line)-1-digits] // there is a verb, and a space after it
		switch {
		case c == ' ':
			return n, digits
		case c < '0' || c > '9' || digits == 5:
			return 0, 0
		}
		n += int(c-'0') * scale
		digits++
	}
}

// appendMessage appends a message as the partner gets it: only what stands before the length
// is new.
func appendMessage(b []byte, f frame) []byte {
	b = append(b, "MSG "+from+" "...)
	return append(b, f.tail...)
}

// appendPresence appends what the audience gets for a CHG.
func appendPresence(b, status []byte) []byte {
	b = append(b, "NLN "...)
	b = append(b, status...)
	return append(b, " "+from+" 0\r\n"...)
}

// words splits a line that is not a message into what says what to do.
func words(line []byte) (verb, first, second []byte) {
	verb, line, _ = bytes.Cut(line, []byte{' '})
	first, line, _ = bytes.Cut(line, []byte{' '})
	second, _, _ = bytes.Cut(line, []byte{' '})
	return verb, first, second
}
