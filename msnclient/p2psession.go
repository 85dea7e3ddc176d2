package msnclient

import (
	"fmt"
	"time"

	"monarch/msnp"
)

// p2pKind is what a session is for.
type p2pKind int

const (
	p2pFetch p2pKind = iota // we get an object
	p2pServe                // we give an object
	p2pSend                 // we send a file
	p2pTake                 // we are sent a file
)

// p2pStep is how far a session has come.
type p2pStep int

const (
	p2pInvited   p2pStep = iota // there is no answer yet, ours or his
	p2pAgreed                   // 200 OK
	p2pPreparing                // an object's owner has sent the data preparation
	p2pMoving                   // data goes
	p2pMoved                    // all of it was received
	p2pOver
)

// p2pSession is one transfer.
type p2pSession struct {
	peer   *p2pPeer
	kind   p2pKind
	id     uint32
	callID string
	branch string // of the invitation
	size   int64
	object []byte        // what we serve
	until  time.Time     // when an object has to be there
	parts  chan []byte   // from receive to whoever waits for the data
	agreed chan struct{} // closed when he wants our file
	done   chan struct{} // closed when the session is over; then err may be read

	// Guarded by p2p.mu.
	step   p2pStep
	awaits uint32   // identifier of the message whose acknowledgement leads on, or 0
	got    int64    // bytes received
	last   msnp.P2P // the latest part of the data, without it
	timer  *time.Timer
	err    error
}

// start puts a session in the books; mu is held.
func (p *p2p) start(s *p2pSession) {
	s.done = make(chan struct{})
	patience := p2pPatience
	switch s.kind {
	case p2pFetch, p2pTake:
		s.parts = make(chan []byte, 64)
	case p2pSend:
		s.agreed = make(chan struct{})
	}
	switch s.kind {
	case p2pFetch, p2pServe:
		s.until = time.Now().Add(p2pObjects)
	case p2pTake:
		patience = p2pDecision
	case p2pSend:
		patience = p2pDecision + p2pPatience // his clock is not ours
	}
	s.peer.sessions[s.id] = s
	s.timer = time.AfterFunc(patience, func() { p.expire(s) })
}

// invite starts a session of ours. docs/protocol/payloads.md#msnslp
func (p *p2p) invite(to string, s *p2pSession, app, guid string, context string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.peer = p.peer(to)
	if s.peer == nil {
		return p.err
	}
	for s.id = p.host.random(); s.peer.sessions[s.id] != nil; {
		s.id = p.host.random()
	}
	s.branch, s.callID = p.host.guid(), p.host.guid()
	p.start(s)
	p.say(s, msnp.SLP{Method: msnp.SLPInvite, Branch: s.branch, Type: msnp.SLPSession, Body: []msnp.SLPField{
		{Name: "EUF-GUID", Value: guid},
		{Name: "SessionID", Value: msnp.Uint(s.id)},
		{Name: "AppID", Value: app},
		{Name: "Context", Value: context},
	}})
	return nil
}

// admit starts a session that the other has invited us to, unless it cannot be; mu is held.
func (p *p2p) admit(s *p2pSession, limit int) bool {
	if s.id == 0 || s.callID == "" || s.peer.sessions[s.id] != nil || s.peer.call(s.callID) != nil ||
		s.peer.count(s.kind) >= limit {
		return false
	}
	p.start(s)
	return true
}

// answer says what becomes of an invitation; mu is held. It returns the identifier of the
// message.
func (p *p2p) answer(s *p2pSession, status int) uint32 {
	return p.say(s, msnp.SLP{
		Status: status, Branch: s.branch, CSeq: 1, Type: msnp.SLPSession,
		Body: []msnp.SLPField{{Name: "SessionID", Value: msnp.Uint(s.id)}},
	})
}

// say sends an MSNSLP message about a session; mu is held.
func (p *p2p) say(s *p2pSession, m msnp.SLP) uint32 {
	m.To, m.From, m.CallID = s.peer.handle, p.self, s.callID
	text := m.Append(nil)
	id := s.peer.ids.next(false)
	p.queue(p2pOut{to: s.peer.handle, s: s, m: msnp.P2P{
		ID: id, Total: uint64(len(text)), AckID: p.host.random(), Data: text,
	}})
	return id
}

// bye says that the session is over and ends it; mu is held. The result is closed when the
// message was sent.
func (p *p2p) bye(s *p2pSession, err error) <-chan struct{} {
	sent := make(chan struct{})
	if s.step == p2pOver {
		close(sent)
		return sent
	}
	if s.kind == p2pTake && s.step == p2pInvited {
		p.answer(s, msnp.SLPDecline)
	} else {
		p.say(s, msnp.SLP{Method: msnp.SLPBye, Branch: p.host.guid(), Type: msnp.SLPSessionClose})
	}
	p.out[len(p.out)-1].sent = sent
	s.end(err)
	return sent
}

// hangUp is bye for those who do not hold mu.
func (p *p2p) hangUp(s *p2pSession, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bye(s, err)
}

// drop ends a session without a word to the other, who cannot be reached.
func (p *p2p) drop(s *p2pSession, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.end(err)
}

// expire gives a session up.
func (p *p2p) expire(s *p2pSession) {
	p.hangUp(s, fmt.Errorf("transfer with %s: %w", s.peer.handle, ErrTimeout))
}

// end takes the session off the books; p2p.mu is held. One that was refused never came on
// them.
func (s *p2pSession) end(err error) {
	if s.step == p2pOver || s.done == nil {
		return
	}
	s.step, s.awaits, s.err = p2pOver, 0, err
	s.timer.Stop()
	delete(s.peer.sessions, s.id)
	close(s.done)
}

// moved gives the session more time, because it goes on; p2p.mu is held.
func (s *p2pSession) moved() {
	if s.step == p2pOver {
		return
	}
	patience := p2pPatience
	if s.kind == p2pServe || s.kind == p2pSend {
		patience *= 2 // who waits for data knows better that none comes
	}
	if !s.until.IsZero() {
		patience = min(patience, time.Until(s.until))
	}
	s.timer.Reset(patience)
}
