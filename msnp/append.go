package msnp

import "strconv"

// AppendLine appends a line of a verb and its parameters, which must be in the form they
// have on the wire: not empty, without blanks.
func AppendLine(b []byte, v Verb, params ...string) []byte {
	b = append(b, v...)
	for _, p := range params {
		b = append(b, ' ')
		b = append(b, p...)
	}
	return append(b, '\r', '\n')
}

// AppendPayload appends a payload command: the line, completed by the payload's length, and
// the payload.
func AppendPayload(b []byte, v Verb, payload []byte, params ...string) []byte {
	b = append(b, v...)
	for _, p := range params {
		b = append(b, ' ')
		b = append(b, p...)
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, '\r', '\n')
	return append(b, payload...)
}

// Uint returns a number, which must not be negative, in the form of a parameter.
func Uint[T ~uint8 | ~uint32 | ~uint64 | ~int | ~int64](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}

// Presence is what ILN and NLN tell about somebody.
type Presence struct {
	Status Status
	Handle string
	Name   string // decoded
	Flags  uint64 // client id
	Object string // MSNObject as its owner sent it, or ""
}

// AppendNLN appends the line that tells a contact's presence to a client of version v.
// docs/protocol/presence.md#lines
func (p Presence) AppendNLN(b []byte, v Version) []byte {
	b = append(b, "NLN "...)
	return p.append(b, v)
}

// AppendILN appends the line that tells a contact's presence in answer to the CHG or ADD
// with this TrID.
func (p Presence) AppendILN(b []byte, v Version, t TrID) []byte {
	b = append(b, "ILN "...)
	b = append(b, t...)
	b = append(b, ' ')
	return p.append(b, v)
}

// append writes the part that ILN and NLN share. MSNP8 clients count the words of it: the
// client id is always there, the object never. docs/protocol/presence.md#lines
func (p Presence) append(b []byte, v Version) []byte {
	b = append(b, p.Status...)
	b = append(b, ' ')
	b = append(b, p.Handle...)
	b = append(b, ' ')
	b = AppendEscaped(b, p.Name)
	b = append(b, ' ')
	b = strconv.AppendUint(b, p.Flags, 10)
	if v >= MSNP9 && p.Object != "" {
		b = append(b, ' ')
		b = append(b, p.Object...)
	}
	return append(b, '\r', '\n')
}
