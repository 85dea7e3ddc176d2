package msnp

import (
	"bytes"
	"fmt"
	"strconv"
)

// MaxArgs is the most words a line may have, its verb among them. No command of any version
// comes near.
const MaxArgs = 64

// TrID is a transaction id: a decimal number that fits 32 bits, chosen by the client and
// repeated by the server exactly as it was written.
type TrID string

// Async is the TrID of lines that the server sends of itself.
const Async TrID = "0"

// Frame is one command: a line and its payload. Args and Payload alias the buffer the
// frame was read from and are valid only as long as the reader says; [Frame.Clone] makes a
// frame that may be kept.
type Frame struct {
	Verb    Verb
	Args    [][]byte // the parameters, TrID included
	Payload []byte   // nil when the command has none
}

// TrID returns the transaction id, the first parameter. The error is a [*SyntaxError] when
// there is none or it is not a decimal number of 32 bits.
func (f Frame) TrID() (TrID, error) {
	t, err := f.trid()
	return TrID(t), err
}

func (f Frame) trid() ([]byte, error) {
	if len(f.Args) == 0 {
		return nil, f.syntax("no transaction id")
	}
	if _, err := parseUint(f.Args[0], 32); err != nil || len(f.Args[0]) > 10 {
		return nil, f.syntax("transaction id is not a number of 32 bits")
	}
	return f.Args[0], nil
}

// Arg returns parameter i as text of its own, or "" when there are fewer.
func (f Frame) Arg(i int) string {
	if i >= len(f.Args) {
		return ""
	}
	return string(f.Args[i])
}

// Code returns the error code of a line such as "911 4", and whether the frame is one.
func (f Frame) Code() (Code, bool) {
	if len(f.Verb) != 3 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(f.Verb), 10, 16)
	return Code(n), err == nil && n >= 100
}

// Clone returns a frame that shares no memory with f.
func (f Frame) Clone() Frame {
	size := len(f.Payload)
	for _, a := range f.Args {
		size += len(a)
	}
	buf := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		n := len(buf)
		buf = append(buf, b...)
		return buf[n:len(buf):len(buf)]
	}
	c := Frame{Verb: f.Verb, Args: make([][]byte, len(f.Args))}
	for i, a := range f.Args {
		c.Args[i] = keep(a)
	}
	if f.Payload != nil {
		c.Payload = keep(f.Payload)
	}
	return c
}

// AppendEcho appends the line of f as it came, with single blanks and CR LF and without the
// payload. Several commands are acknowledged so.
func (f Frame) AppendEcho(b []byte) []byte {
	b = append(b, f.Verb...)
	for _, a := range f.Args {
		b = append(b, ' ')
		b = append(b, a...)
	}
	return append(b, '\r', '\n')
}

func (f Frame) syntax(reason string) error { return &SyntaxError{Verb: f.Verb, Reason: reason} }

// need reports a syntax error unless the line has at least n parameters.
func (f Frame) need(n int) error {
	if len(f.Args) < n {
		return f.syntax("too few parameters")
	}
	return nil
}

// SyntaxError says that a line is not a command of the protocol. The peer cannot be
// understood any more; the connection is to be closed without an answer.
// docs/protocol/wire.md#invalid-input
type SyntaxError struct {
	Verb   Verb // "" when not even the verb was read
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Verb == "" {
		return e.Reason
	}
	return fmt.Sprintf("%.8q: %s", string(e.Verb), e.Reason)
}

// Payload says when a verb has a payload, and how long it may be.
type Payload struct {
	Args     int // parameters of a line with payload, its length included
	Min, Max int // bytes
}

// Grammar is what a server or client must know to cut a byte stream into frames. It is
// immutable and may be shared.
type Grammar struct {
	MaxLine  int // bytes of a line without its end
	Long     Verb
	MaxLong  int // the same for the one verb whose lines may be longer
	Payloads map[Verb]Payload
}

// maxLine returns the longest line that may begin like b.
func (g *Grammar) maxLine(b []byte) int {
	if g.Long != "" && len(b) >= len(g.Long) && string(b[:len(g.Long)]) == string(g.Long) {
		return g.MaxLong
	}
	return g.MaxLine
}

// Next cuts the first frame off b. It returns the number of bytes it used, which is 0 when b
// does not yet hold a whole frame. Empty lines are skipped: a frame without a verb says that
// n bytes were nothing else. scratch gives room for Args; with a capacity of [MaxArgs] no
// memory is allocated. The error is a [*SyntaxError].
//
// A line ends in LF, with or without a CR before it; parameters are separated by runs of
// blanks and tabs. A line with fewer parameters than its verb's payload rule asks for is
// returned without payload. docs/protocol/wire.md#lines
func (g *Grammar) Next(b []byte, scratch [][]byte) (f Frame, n int, err error) {
	for {
		limit := g.maxLine(b[n:])
		end := bytes.IndexByte(b[n:min(len(b), n+limit+2)], '\n')
		if end < 0 {
			// A CR right behind the longest line may be half of its end.
			if rest := len(b) - n; rest > limit+1 || rest > limit && b[n+limit] != '\r' {
				return Frame{}, n, &SyntaxError{Reason: "line too long"}
			}
			return Frame{}, n, nil
		}
		line := bytes.TrimSuffix(b[n:n+end], []byte{'\r'})
		if len(line) > limit {
			return Frame{}, n, &SyntaxError{Reason: "line too long"}
		}
		args, err := split(line, scratch[:0])
		if err != nil {
			return Frame{}, n, err
		}
		if len(args) == 0 {
			n += end + 1
			continue
		}
		f = Frame{Verb: verbOf(args[0]), Args: args[1:]}
		size, err := g.payload(f)
		if err != nil {
			return Frame{}, n, err
		}
		start := n + end + 1
		if size < 0 {
			return f, start, nil
		}
		if len(b)-start < size {
			return Frame{}, n, nil
		}
		f.Payload = b[start : start+size : start+size]
		return f, start + size, nil
	}
}

// payload returns the length of the payload that follows the line of f, or -1 for none.
func (g *Grammar) payload(f Frame) (int, error) {
	rule, ok := g.Payloads[f.Verb]
	if !ok || len(f.Args) < rule.Args {
		return -1, nil
	}
	if len(f.Args) > rule.Args {
		return 0, f.syntax("too many parameters")
	}
	size, err := parseUint(f.Args[rule.Args-1], 31)
	if err != nil || int(size) < rule.Min || int(size) > rule.Max {
		return 0, f.syntax("payload length out of range")
	}
	return int(size), nil
}

// split cuts a line at runs of blanks and tabs.
func split(line []byte, args [][]byte) ([][]byte, error) {
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		if len(args) > MaxArgs-1 {
			return nil, &SyntaxError{Reason: "too many parameters"}
		}
		args = append(args, line[start:i:i])
	}
	return args, nil
}

// parseUint reads an unsigned decimal number without sign, blank or underscore.
func parseUint(b []byte, bits int) (uint64, error) {
	if len(b) == 0 || len(b) > 20 {
		return 0, strconv.ErrSyntax
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseUint(string(b), 10, bits)
}
