package swarm

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"monarch/msnp"
)

// seat is somebody's place in a conversation.
type seat struct {
	room *room
	who  *person
	link *link
	host bool   // he opened the conversation
	at   tenure // of the conversation, at its node
	stay stay   // when he was called, or opened it

	speaking sync.Mutex // held while he says something or leaves; before the room's

	// Guarded by the room's lock.
	in    bool // the books know him
	let   bool // the switchboard has let him in
	gone  bool
	how   departure
	album album
}

// send has him say something, unless he has left.
func (s *seat) send(ack msnp.Acknowledgement, contentType string, body []byte) {
	s.speaking.Lock()
	defer s.speaking.Unlock()
	r := s.room
	r.mu.Lock()
	if s.gone {
		r.mu.Unlock()
		return
	}
	n := r.books.sends(s.who.number, ack)
	r.mu.Unlock()
	r.town.done.sent.Add(1)
	s.write(msnp.AppendPayload(nil, msnp.MSG, utter(contentType, n, body), strconv.FormatUint(n, 10), ack.String()))
}

// showPicture has him send his picture.
func (s *seat) showPicture() {
	for _, part := range pictureParts(s.who.number, rand.Uint32()|1) {
		s.send(msnp.AckData, p2pData, part)
	}
}

// line has him say a command, unless he has left.
func (s *seat) line(v msnp.Verb, params ...string) {
	s.speaking.Lock()
	defer s.speaking.Unlock()
	s.write(msnp.AppendLine(nil, v, params...))
}

// write writes. If it fails the reader tells why.
func (s *seat) write(b []byte) {
	_, _ = s.link.Write(b)
}

// leave has him leave, if he has not.
func (s *seat) leave(how departure) {
	s.speaking.Lock()
	defer s.speaking.Unlock()
	r := s.room
	r.mu.Lock()
	if s.gone {
		r.mu.Unlock()
		return
	}
	s.gone, s.how = true, how
	s.come() // or he is about to, and the others hear of both
	r.books.leaves(s.who.number, how)
	r.forget(s.who.number)
	r.mu.Unlock()
	r.happened()
	if how == cutOff {
		s.link.cut()
		return
	}
	s.link.SetReadDeadline(time.Now().Add(patience))
	s.write(msnp.AppendLine(nil, msnp.OUT))
}

// cut ends a connection without a word, and half of the time without what is under way.
func (l *link) cut() {
	if tcp, ok := l.Conn.(*net.TCPConn); ok && rand.IntN(2) == 0 {
		_ = tcp.SetLinger(0) // if it cannot, it is the other half
	}
	l.Close()
}

// listen reads what he hears until his connection ends.
func (s *seat) listen() {
	r := s.room
	var err error
	for err == nil {
		var f msnp.Frame
		if f, err = s.link.next(); err != nil {
			break
		}
		r.mu.Lock()
		err = s.hear(f)
		r.mu.Unlock()
		r.happened()
	}
	r.mu.Lock()
	gone, orderly := s.gone, s.how == cutOff || errors.Is(err, io.EOF) || !s.let
	givenUp := r.ringing[s.who.number] == stay{} // the call on which he came, as far as anybody knows
	delete(r.ringing, s.who.number)
	r.mu.Unlock()
	s.link.Close()
	s.who.mu.Lock()
	delete(s.who.rooms, r)
	s.who.mu.Unlock()
	if r.town.ctx.Err() != nil {
		return
	}
	switch {
	case !gone && s.at.ended():
		r.collapse()
	case !gone && !s.let && r.town.places != nil && (givenUp || !s.stay.settled() || s.who.staying() != s.stay):
		r.town.done.void.Add(1) // he was called where he is no more, or his node answered too late
		s.leave(cutOff)
	case !gone:
		r.town.fail("%s in a conversation: %v", s.who.handle, err)
		s.leave(cutOff)
	case !orderly && !s.at.ended():
		r.town.fail("%s left a conversation: %v", s.who.handle, err)
	}
}

// hear takes one line. The room's lock is held.
func (s *seat) hear(f msnp.Frame) error {
	r, me := s.room, s.who.number
	if code, ok := f.Code(); ok {
		if err := r.refused(f.Arg(0), code); !s.gone && !s.at.ended() {
			return err
		}
		return nil // he may have signed out meanwhile
	}
	switch f.Verb {
	case msnp.MSG:
		return s.hearMessage(f)
	case msnp.ACK, msnp.NAK:
		n, err := strconv.ParseUint(f.Arg(0), 10, 64)
		if err != nil {
			return err
		}
		r.books.hears(me, n, f.Verb == msnp.ACK)
	case msnp.IRO:
		return s.hearOf(msnp.ParseIRO(f))
	case msnp.JOI:
		return s.hearOf(msnp.ParseJOI(f))
	case msnp.ANS:
		s.come()
		s.let = true
		delete(r.ringing, me)
	case msnp.BYE:
		m, err := msnp.ParseBYE(f)
		if err != nil {
			return err
		}
		other, err := number(m.Handle)
		if err != nil {
			return err
		}
		r.books.parts(me, other)
	case msnp.CAL:
		delete(r.calls, f.Arg(0))
	default:
		return fmt.Errorf("a switchboard says %s", f.Verb)
	}
	return nil
}

// come enters him in the books. The room's lock is held.
func (s *seat) come() {
	if !s.in {
		s.in = true
		s.room.books.joins(s.who.number)
	}
}

// hearOf takes that somebody else is there. The room's lock is held.
func (s *seat) hearOf(who msnp.Participant, err error) error {
	if err != nil {
		return err
	}
	other, err := number(who.Handle)
	if err != nil {
		return err
	}
	s.come() // the lines of who is there precede the one that he is
	s.room.books.meets(s.who.number, other)
	return nil
}

// hearMessage takes a message. The room's lock is held.
func (s *seat) hearMessage(f msnp.Frame) error {
	m, err := msnp.ParseRelayed(f)
	if err != nil {
		return err
	}
	sender, err := number(m.Handle)
	if err != nil {
		return err
	}
	n, contentType, body, err := heard(m.Payload)
	if err != nil {
		return err
	}
	s.room.books.gets(s.who.number, sender, n)
	if contentType != p2pData {
		return nil
	}
	whole, err := s.album.add(sender, body)
	if whole {
		s.room.town.done.pictures.Add(1)
	}
	return err
}
