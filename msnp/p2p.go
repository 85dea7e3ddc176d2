package msnp

import (
	"encoding/binary"
	"errors"
)

// P2PMaxData is the most data that one P2P message carries. Longer things go in parts.
const P2PMaxData = 1202

// p2pFooter is the length of what follows the data of a P2P message.
const p2pFooter = 4

// P2PFlags says what a P2P message is.
type P2PFlags uint32

// The flags. P2PText is the one of MSNSLP texts and of data preparation, P2PObject that of
// pictures; of later clients' flags, P2PFile has the bits of P2PObject and more.
const (
	P2PText        P2PFlags = 0x00
	P2PNAK         P2PFlags = 0x01
	P2PAck         P2PFlags = 0x02
	P2PWaiting     P2PFlags = 0x04
	P2PError       P2PFlags = 0x08
	P2PObject      P2PFlags = 0x20
	P2PClose       P2PFlags = 0x40
	P2PTransport   P2PFlags = 0x80 // error of the transport
	P2PHandshake   P2PFlags = 0x100
	P2PFile        P2PFlags = 0x01000030
	p2pLater       P2PFlags = 0x01000000 // set by later clients on anything
	p2pDataBits    P2PFlags = 0x30
	p2pFailureBits          = P2PNAK | P2PError | P2PClose | P2PTransport
)

// Kind returns the flags without the mark that later clients put on everything.
func (f P2PFlags) Kind() P2PFlags { return f &^ p2pLater }

// Data reports whether the message carries a part of an object or a file.
func (f P2PFlags) Data() bool { return f&p2pDataBits != 0 }

// Failure reports whether the message says that something went wrong, or was ended.
func (f P2PFlags) Failure() bool { return f&p2pFailureBits != 0 }

// The footers of P2P messages. Texts and acknowledgements have none, which is 0.
const (
	P2PFooterObject = 1
	P2PFooterFile   = 2
)

// P2P is the body of a message of type application/x-msnmsgrp2p: a part of something longer,
// all of something short, or an acknowledgement. docs/protocol/payloads.md#p2p
type P2P struct {
	Session uint32 // 0 while negotiating
	ID      uint32 // the same in all parts
	Offset  uint64 // of Data in the whole
	Total   uint64 // bytes of the whole
	Flags   P2PFlags
	AckID   uint32 // in an acknowledgement the ID of what is acknowledged, else random
	AckUID  uint32 // in an acknowledgement the AckID of what is acknowledged
	AckSize uint64 // in an acknowledgement the Total of what is acknowledged
	Data    []byte
	Footer  uint32
}

// Ack returns the acknowledgement of the whole that m is the last part of.
func (m P2P) Ack(id uint32) P2P {
	return P2P{
		Session: m.Session, ID: id, Total: m.Total, Flags: P2PAck,
		AckID: m.ID, AckUID: m.AckID, AckSize: m.Total,
	}
}

// Last reports whether the whole ends with this part.
func (m P2P) Last() bool { return m.Offset+uint64(len(m.Data)) >= m.Total }

// Append appends the body: header, data, footer.
func (m P2P) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, m.Session)
	b = le.AppendUint32(b, m.ID)
	b = le.AppendUint64(b, m.Offset)
	b = le.AppendUint64(b, m.Total)
	b = le.AppendUint32(b, uint32(len(m.Data)))
	b = le.AppendUint32(b, uint32(m.Flags))
	b = le.AppendUint32(b, m.AckID)
	b = le.AppendUint32(b, m.AckUID)
	b = le.AppendUint64(b, m.AckSize)
	b = append(b, m.Data...)
	return binary.BigEndian.AppendUint32(b, m.Footer)
}

// ParseP2P reads a body. Data aliases it. A part that does not lie inside its whole is
// refused; a footer that is missing counts as 0, because nothing depends on it.
func ParseP2P(body []byte) (P2P, error) {
	if len(body) < p2pHeader {
		return P2P{}, errors.New("P2P message shorter than its header")
	}
	le := binary.LittleEndian
	m := P2P{
		Session: le.Uint32(body[0:]),
		ID:      le.Uint32(body[4:]),
		Offset:  le.Uint64(body[8:]),
		Total:   le.Uint64(body[16:]),
		Flags:   P2PFlags(le.Uint32(body[28:])),
		AckID:   le.Uint32(body[32:]),
		AckUID:  le.Uint32(body[36:]),
		AckSize: le.Uint64(body[40:]),
	}
	length, rest := uint64(le.Uint32(body[24:])), body[p2pHeader:]
	if length > uint64(len(rest)) {
		return P2P{}, errors.New("P2P message shorter than it says")
	}
	if m.Offset > m.Total || length > m.Total-m.Offset {
		return P2P{}, errors.New("P2P part outside of its whole")
	}
	m.Data, rest = rest[:length:length], rest[length:]
	if len(rest) >= p2pFooter {
		m.Footer = binary.BigEndian.Uint32(rest)
	}
	return m, nil
}
