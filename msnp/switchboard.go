package msnp

import (
	"bytes"
	"strconv"
)

// MaxMessage is the longest payload of MSG on a switchboard, in bytes.
const MaxMessage = 1664

// SwitchboardGrammar is what a switchboard reads. docs/protocol/wire.md#payloads
var SwitchboardGrammar = &Grammar{
	MaxLine:  1024,
	Payloads: map[Verb]Payload{MSG: {Args: 3, Max: MaxMessage}},
}

// Entrance is the request USR on a switchboard: a caller with the cookie of XFR.
type Entrance struct {
	TrID   TrID
	Handle string
	Cookie string
}

// ParseEntrance reads USR as a switchboard gets it.
func ParseEntrance(f Frame) (Entrance, error) {
	t, err := f.exactly(3)
	return Entrance{TrID: t, Handle: f.Arg(1), Cookie: f.Arg(2)}, err
}

// Answer is the request ANS: somebody invited, with the cookie of RNG.
type Answer struct {
	TrID    TrID
	Handle  string
	Cookie  string
	Session string
}

// ParseANS reads ANS.
func ParseANS(f Frame) (Answer, error) {
	t, err := f.exactly(4)
	return Answer{TrID: t, Handle: f.Arg(1), Cookie: f.Arg(2), Session: f.Arg(3)}, err
}

// Call is the request CAL.
type Call struct {
	TrID   TrID
	Handle string
}

// ParseCAL reads CAL.
func ParseCAL(f Frame) (Call, error) {
	t, err := f.exactly(2)
	return Call{TrID: t, Handle: f.Arg(1)}, err
}

// exactly returns the TrID of a line of n parameters.
func (f Frame) exactly(n int) (TrID, error) {
	if len(f.Args) != n {
		return "", f.syntax("wrong number of parameters")
	}
	return f.TrID()
}

// Acknowledgement is the letter of MSG that says what the sender wants to hear of its fate.
// docs/protocol/switchboard.md#acknowledgements
type Acknowledgement byte

// The letters.
const (
	AckNone    Acknowledgement = 'U' // nothing
	AckFailure Acknowledgement = 'N' // NAK
	AckAll     Acknowledgement = 'A' // ACK or NAK
	AckSuccess Acknowledgement = 'S' // ACK
	AckData    Acknowledgement = 'D' // ACK or NAK, from MSNP9; 282 when it is no data message
)

// String returns the letter.
func (a Acknowledgement) String() string {
	const letters = "UNASD"
	for i := range len(letters) {
		if letters[i] == byte(a) {
			return letters[i : i+1]
		}
	}
	return "?"
}

// Success reports whether ACK is wanted.
func (a Acknowledgement) Success() bool { return a == AckAll || a == AckSuccess || a == AckData }

// Failure reports whether NAK is wanted.
func (a Acknowledgement) Failure() bool { return a == AckAll || a == AckFailure || a == AckData }

// Message is the request MSG on a switchboard. Its slices alias the frame's, so that reading
// one costs no memory.
type Message struct {
	TrID    []byte
	Ack     Acknowledgement
	Payload []byte
}

// ParseMSG reads MSG as a client sends it.
func ParseMSG(f Frame) (Message, error) {
	if len(f.Args) != 3 {
		return Message{}, f.syntax("wrong number of parameters")
	}
	t, err := f.trid()
	if err != nil {
		return Message{}, err
	}
	if len(f.Args[1]) == 1 {
		switch a := Acknowledgement(f.Args[1][0]); a {
		case AckNone, AckFailure, AckAll, AckSuccess, AckData:
			return Message{TrID: t, Ack: a, Payload: f.Payload}, nil
		}
	}
	return Message{}, f.syntax("unknown acknowledgement type")
}

// AppendOutcome appends the line ACK or NAK for the message with this TrID.
func AppendOutcome(b []byte, v Verb, trid []byte) []byte {
	b = append(b, v...)
	b = append(b, ' ')
	b = append(b, trid...)
	return append(b, '\r', '\n')
}

// AppendRelayed appends the line that precedes a relayed payload of n bytes. from and name
// are in the form of parameters.
func AppendRelayed(b []byte, from, name string, n int) []byte {
	b = append(b, "MSG "...)
	b = append(b, from...)
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\r', '\n')
}

var (
	headerEnd   = []byte("\r\n\r\n")
	contentType = []byte("Content-Type")
	p2pType     = []byte("application/x-msnmsgrp2p")
	textType    = []byte("text")
)

// p2pHeader is the length of the binary header of a P2P message.
const p2pHeader = 48

// IsData reports whether a payload may be sent with [AckData]: it has a header with a type
// that is not text, and a P2P message has its binary header.
// docs/protocol/switchboard.md#data-messages
func IsData(payload []byte) bool {
	end := bytes.Index(payload, headerEnd)
	if end < 0 {
		return false
	}
	typ, ok := header(payload[:end], contentType)
	if !ok {
		return false
	}
	typ, _, _ = bytes.Cut(typ, []byte{';'})
	typ = bytes.TrimSpace(typ)
	if top, _, _ := bytes.Cut(typ, []byte{'/'}); bytes.EqualFold(bytes.TrimSpace(top), textType) {
		return false
	}
	body := len(payload) - end - len(headerEnd)
	return !bytes.EqualFold(typ, p2pType) || body >= p2pHeader
}

// header finds a field in a block of header lines.
func header(block, name []byte) ([]byte, bool) {
	for len(block) > 0 {
		var line []byte
		line, block, _ = bytes.Cut(block, []byte("\r\n"))
		k, v, ok := bytes.Cut(line, []byte{':'})
		if ok && bytes.EqualFold(bytes.TrimSpace(k), name) {
			return bytes.TrimSpace(v), true
		}
	}
	return nil, false
}
