package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// A packet is a format, a kind, the sender's id and what its kind says. Numbers are uvarints, and a
// string has its length before it. Readers leave what they do not know: kinds of packets and
// of messages, and more at the end than they expect.
const format = 1

// The kinds of packets.
const (
	beatPacket     = 1 // to all: JSON of a beat; for each other node the number of its run, and a standing
	batchPacket    = 2 // to one: run, sequence number, messages
	standingPacket = 3 // to one: a standing
)

// The kinds of messages. A message is its length, its kind, the number of a call, and its bytes.
const (
	dataMessage   = 1
	askMessage    = 2
	answerMessage = 3
	beginMessage  = 4
	endMessage    = 5
)

// beat is a heartbeat.
type beat struct {
	Status
	Phase phase
}

// phase is how far a node is in its life, as it says itself.
type phase int32

const (
	joining phase = iota
	serving
	leaving
)

// streams is what a node tells all others about the streams between it and each, with a heartbeat.
type streams map[string]standing // by run of the other node

// append appends a heartbeat's body: each part has its length before it.
func (s streams) append(b, beat []byte) []byte {
	b = appendPart(b, beat)
	for run, each := range s {
		b = appendPart(b, each.append(appendPart(nil, []byte(run))))
	}
	return b
}

// parseBeat returns what a heartbeat says, and what it says of the streams between the sender and
// a run of a node, if it says anything of these.
func parseBeat(c cursor, run string) (b beat, s standing, ok bool, err error) {
	if err := json.Unmarshal(c.bytes(c.uvarint()), &b); err != nil {
		return beat{}, standing{}, false, err
	}
	for len(c.b) > 0 {
		part := cursor{b: c.bytes(c.uvarint())}
		if string(part.bytes(part.uvarint())) == run && !part.bad {
			s, err = parseStanding(part)
			return b, s, err == nil, err
		}
	}
	return b, standing{}, false, c.err()
}

func appendPart(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// standing is what a node tells another about the two streams between them: how much it sent
// in its own, and how far it read in the other's. Run 0 is no stream.
type standing struct {
	run, sent  uint64
	read, next uint64
	flags      uint64
}

const (
	missed = 1 << iota // something of the other's stream: only a new run helps
	please             // tell me yours
)

var errPacket = errors.New("the packet makes no sense")

// header begins a packet.
func header(kind byte, from NodeID) []byte {
	b := []byte{format, kind}
	b = binary.AppendUvarint(b, uint64(len(from)))
	return append(b, from...)
}

// parseHeader returns the rest as body.
func parseHeader(packet []byte) (kind byte, from NodeID, body cursor, err error) {
	if len(packet) < 2 || packet[0] != format {
		return 0, "", cursor{}, errPacket
	}
	body.b = packet[2:]
	from = NodeID(body.bytes(body.uvarint()))
	if !from.valid() {
		return 0, "", cursor{}, errPacket
	}
	return packet[1], from, body, nil
}

func (s standing) append(b []byte) []byte {
	for _, n := range [...]uint64{s.run, s.sent, s.read, s.next, s.flags} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func parseStanding(c cursor) (standing, error) {
	s := standing{c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint()}
	return s, c.err()
}

// message is one of a batch.
type message struct {
	kind byte
	call uint64
	body []byte
}

func appendMessage(b []byte, m message) []byte {
	var call [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(call[:], m.call)
	b = binary.AppendUvarint(b, uint64(1+n+len(m.body)))
	b = append(b, m.kind)
	b = append(b, call[:n]...)
	return append(b, m.body...)
}

// message takes the next message off.
func (c *cursor) message() (message, error) {
	in := cursor{b: c.bytes(c.uvarint())}
	if c.bad || len(in.b) == 0 {
		return message{}, errPacket
	}
	m := message{kind: in.b[0]}
	in.b = in.b[1:]
	m.call = in.uvarint()
	m.body = in.b
	return m, in.err()
}

// cursor reads. After something that is not there everything is zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.b, c.bad = nil, true
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) err() error {
	if c.bad {
		return errPacket
	}
	return nil
}
