package msnclient

import (
	"monarch/msnp"
)

// p2pPeer is somebody in the chat, as long as he is there. Guarded by p2p.mu.
type p2pPeer struct {
	handle   string
	ids      p2pIDs
	sessions map[uint32]*p2pSession
	partial  []*p2pPartial // oldest first
}

// p2pIDs counts identifiers of messages. Who is invited begins as the official client does:
// his first acknowledgement, then three before it, then on after it.
// docs/protocol/payloads.md#object-transfer
type p2pIDs struct {
	base, count uint32
	invited     bool
}

func (n *p2pIDs) next(ack bool) uint32 {
	if n.count == 0 {
		n.invited = ack
	}
	i := n.count
	n.count++
	switch {
	case !n.invited || i == 0:
		return n.base + i
	case i <= 3:
		return n.base + i - 4
	}
	return n.base + i - 3
}

// p2pPartial is an MSNSLP message of which parts are missing.
type p2pPartial struct {
	id   uint32
	text []byte
}

// assemble adds a part of an MSNSLP message and returns the whole after the last. Parts of
// several messages may be mixed, but those of one come in order; what does not fit is
// forgotten together with its message.
func (peer *p2pPeer) assemble(m msnp.P2P) (text []byte, complete bool) {
	if m.Total > p2pMaxText {
		return nil, false
	}
	if m.Offset == 0 && m.Last() {
		return m.Data, true
	}
	i := peer.find(m.ID)
	if i < 0 {
		if m.Offset != 0 {
			return nil, false
		}
		if len(peer.partial) == p2pMaxPartial {
			peer.forget(0)
		}
		peer.partial = append(peer.partial, &p2pPartial{id: m.ID})
		i = len(peer.partial) - 1
	}
	whole := peer.partial[i]
	switch have := uint64(len(whole.text)); {
	case m.Offset+uint64(len(m.Data)) <= have && have > 0:
		return nil, false // came twice
	case m.Offset != have:
		peer.forget(i)
		return nil, false
	}
	whole.text = append(whole.text, m.Data...)
	if !m.Last() {
		return nil, false
	}
	peer.forget(i)
	return whole.text, true
}

func (peer *p2pPeer) find(id uint32) int {
	for i, x := range peer.partial {
		if x.id == id {
			return i
		}
	}
	return -1
}

func (peer *p2pPeer) forget(i int) {
	peer.partial = append(peer.partial[:i], peer.partial[i+1:]...)
}

// call returns the session of a Call-ID, or nil.
func (peer *p2pPeer) call(id string) *p2pSession {
	for _, s := range peer.sessions {
		if s.callID == id {
			return s
		}
	}
	return nil
}

// count returns how many sessions of a kind there are.
func (peer *p2pPeer) count(kind p2pKind) int {
	n := 0
	for _, s := range peer.sessions {
		if s.kind == kind {
			n++
		}
	}
	return n
}

func (peer *p2pPeer) endAll(err error) {
	for _, s := range peer.sessions {
		s.end(err)
	}
}
