package msnclient

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"monarch/msnp"
)

// p2pMaxToken is the longest Call-ID or branch that is repeated in an answer. A GUID with
// braces has 38 characters.
const p2pMaxToken = 100

// handle acts on an MSNSLP message. docs/protocol/payloads.md#msnslp
func (p *p2p) handle(from string, m msnp.SLP) {
	switch m.Method {
	case msnp.SLPInvite:
		switch m.Type {
		case msnp.SLPSession:
			p.invited(from, m)
		case msnp.SLPTransport:
			p.noBridge(from, m)
		}
	case msnp.SLPBye:
		p.mu.Lock()
		defer p.mu.Unlock()
		if s := p.call(from, m.CallID); s != nil {
			s.end(ErrCancelled)
		}
	case "":
		p.answered(from, m)
	}
}

// session returns somebody's session by its number, or nil; mu is held.
func (p *p2p) session(from string, id uint32) *p2pSession {
	if peer := p.peer(from); peer != nil && id != 0 {
		return peer.sessions[id]
	}
	return nil
}

// call returns somebody's session by its Call-ID, or nil; mu is held.
func (p *p2p) call(from, id string) *p2pSession {
	if peer := p.peer(from); peer != nil {
		return peer.call(id)
	}
	return nil
}

// answered takes the answer to an invitation of ours. Answers about direct connections,
// which we never offer, are not for us.
func (p *p2p) answered(from string, m msnp.SLP) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.call(from, m.CallID)
	if s == nil || s.step != p2pInvited || s.kind == p2pTake || m.Type == msnp.SLPTransportResponse {
		return
	}
	switch {
	case m.Status == msnp.SLPOK:
		s.step = p2pAgreed
		s.moved()
		if s.agreed != nil {
			close(s.agreed)
		}
	case m.Status == msnp.SLPDecline:
		s.end(ErrDeclined)
	case s.kind == p2pFetch:
		s.end(fmt.Errorf("%w: answer %d", ErrNoObject, m.Status))
	default:
		s.end(fmt.Errorf("%w: answer %d", ErrDeclined, m.Status))
	}
}

// invited takes an invitation to a session.
func (p *p2p) invited(from string, m msnp.SLP) {
	if len(m.CallID) > p2pMaxToken || len(m.Branch) > p2pMaxToken {
		return
	}
	id, _ := strconv.ParseUint(m.Value("SessionID"), 10, 32) // 0 is refused with the rest
	s := &p2pSession{id: uint32(id), callID: m.CallID, branch: m.Branch}
	context, err := base64.StdEncoding.DecodeString(m.Value("Context"))
	switch app := strings.ToUpper(m.Value("EUF-GUID")); {
	case err != nil:
		p.refuse(from, s, msnp.SLPInternal)
	case app == msnp.ObjectGUID:
		p.asked(from, s, string(context))
	case app == msnp.FileGUID:
		p.offered(from, s, context)
	default: // a webcam, a game
		p.refuse(from, s, msnp.SLPDecline)
	}
}

// refuse answers an invitation that leads to no session.
func (p *p2p) refuse(from string, s *p2pSession, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.peer = p.peer(from); s.peer != nil {
		p.answer(s, status)
	}
}

// noBridge answers the proposal of a direct connection as libpurple does, after which all
// clients use the switchboard.
func (p *p2p) noBridge(from string, m msnp.SLP) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.call(from, m.CallID)
	if s == nil || len(m.Branch) > p2pMaxToken {
		return
	}
	p.say(s, msnp.SLP{Status: msnp.SLPOK, Branch: m.Branch, CSeq: 1, Type: msnp.SLPTransportResponse, Body: []msnp.SLPField{
		{Name: "Bridge", Value: "TCPv1"},
		{Name: "Listening", Value: "false"},
		{Name: "Nonce", Value: "{00000000-0000-0000-0000-000000000000}"},
	}})
}

// acknowledged leads the session on that waits for this acknowledgement.
func (p *p2p) acknowledged(from string, m msnp.P2P) {
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := p.peer(from)
	if peer == nil || m.AckID == 0 {
		return
	}
	for _, s := range peer.sessions {
		if s.awaits != m.AckID {
			continue
		}
		s.awaits = 0
		s.moved()
		switch s.step {
		case p2pAgreed:
			p.prepare(s)
		case p2pPreparing:
			p.serve(s)
		case p2pMoving:
			s.end(nil)
		}
		return
	}
}

// failed takes a message that says that a session has failed at the other side.
func (p *p2p) failed(from string, m msnp.P2P) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.session(from, m.Session); s != nil {
		s.end(fmt.Errorf("%w: flags %#x", ErrCancelled, uint32(m.Flags)))
	}
}

// prepared takes the data preparation, which wants nothing but an acknowledgement.
func (p *p2p) prepared(from string, m msnp.P2P) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session(from, m.Session)
	if s == nil || s.parts == nil || !m.Last() || len(p.out) >= p2pMaxOut {
		return
	}
	p.acknowledge(s.peer, m)
}

// part takes a part of an object or a file, and blocks when there are too many that nobody
// has written yet.
func (p *p2p) part(from string, m msnp.P2P) {
	p.mu.Lock()
	s := p.session(from, m.Session)
	if s == nil || !p.fits(s, m) {
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	select {
	case s.parts <- m.Data:
	case <-s.done:
	case <-p.host.ended:
	}
}

// fits reports whether a part is the next one of a session, and counts it; mu is held. One
// that comes twice is harmless: libpurple repeats what the server has refused. A session
// that gets anything else is over.
func (p *p2p) fits(s *p2pSession, m msnp.P2P) bool {
	expected := s.kind == p2pFetch || s.kind == p2pTake && s.step != p2pInvited
	if !expected || s.step == p2pMoved {
		return false
	}
	first := s.step != p2pMoving
	have := uint64(s.got)
	switch {
	case m.Total != uint64(s.size), !first && m.ID != s.last.ID, m.Offset > have:
		p.bye(s, fmt.Errorf("part %d..%d of %d after %d of %d: %w",
			m.Offset, m.Offset+uint64(len(m.Data)), m.Total, s.got, s.size, ErrDamaged))
		return false
	case !first && m.Offset+uint64(len(m.Data)) <= have:
		return false
	case m.Offset != have:
		p.bye(s, fmt.Errorf("parts overlap at %d: %w", m.Offset, ErrDamaged))
		return false
	case len(m.Data) == 0 && !m.Last():
		return false
	}
	s.step = p2pMoving
	s.moved()
	s.got += int64(len(m.Data))
	s.last = m
	s.last.Data = nil
	if m.Last() {
		s.step = p2pMoved
	}
	return true
}
