package msnclient

import (
	"context"
	"fmt"
	"io"

	"monarch/msnp"
)

// p2pWindow is how many parts of an object or a file are on the way to the server at a
// time. Each is answered by it, so that more would only fill queues.
const p2pWindow = 8

// p2pOut is a message that waits to be sent.
type p2pOut struct {
	to   string
	s    *p2pSession   // fails if the message cannot be sent; nil: nothing does
	m    msnp.P2P      // Data may be longer than a part
	sent chan struct{} // closed when it was sent, or could not be; may be nil
}

// acknowledge queues the acknowledgement of a message that has come completely; mu is held.
func (p *p2p) acknowledge(peer *p2pPeer, m msnp.P2P) {
	p.queue(p2pOut{to: peer.handle, m: m.Ack(peer.ids.next(true))})
}

// queue adds a message; mu is held. What the others can cause is limited by p2pMaxOut, what
// we cause ourselves by the number of sessions.
func (p *p2p) queue(o p2pOut) {
	p.out = append(p.out, o)
	if !p.writing {
		p.writing = true
		if !p.host.spawn(p.write) {
			p.writing = false
		}
	}
}

// dropQueue forgets what waits; mu is held.
func (p *p2p) dropQueue() {
	for _, o := range p.out {
		if o.sent != nil {
			close(o.sent)
		}
	}
	p.out = nil
}

// write sends what waits, until nothing does. All that waits goes at once, but what comes
// meanwhile waits until the server has answered.
func (p *p2p) write(ctx context.Context) {
	for {
		p.mu.Lock()
		batch := p.out
		p.out = nil
		if len(batch) == 0 {
			p.writing = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		p.deliver(ctx, batch)
	}
}

// deliver sends messages and waits until all were answered by the server.
func (p *p2p) deliver(ctx context.Context, batch []p2pOut) {
	waits := make([][]func(context.Context) error, len(batch))
	errs := make([]error, len(batch))
	for i, o := range batch {
		waits[i], errs[i] = p.postAll(o)
	}
	for i, o := range batch {
		for _, wait := range waits[i] {
			if err := wait(ctx); err != nil && errs[i] == nil {
				errs[i] = err
			}
		}
		if errs[i] != nil && o.s != nil {
			p.drop(o.s, fmt.Errorf("message to %s: %w", o.to, errs[i]))
		}
		if o.sent != nil {
			close(o.sent)
		}
	}
}

// postAll posts a message in as many parts as it needs.
func (p *p2p) postAll(o p2pOut) ([]func(context.Context) error, error) {
	var waits []func(context.Context) error
	for text := o.m.Data; ; {
		o.m.Data = text[:min(len(text), msnp.P2PMaxData)]
		text = text[len(o.m.Data):]
		wait, err := p.host.post(o.to, o.m.Append(nil))
		if err != nil {
			return waits, err
		}
		waits = append(waits, wait)
		o.m.Offset += uint64(len(o.m.Data))
		if len(text) == 0 {
			return waits, nil
		}
	}
}

// data begins the message that carries an object or a file; mu is held.
func (p *p2p) data(s *p2pSession, flags msnp.P2PFlags, footer uint32) msnp.P2P {
	s.step = p2pMoving
	s.awaits = s.peer.ids.next(false)
	s.moved()
	return msnp.P2P{
		Session: s.id, ID: s.awaits, Total: uint64(s.size), Flags: flags,
		AckID: p.host.random(), Footer: footer,
	}
}

// p2pFlight is a part on its way to the server.
type p2pFlight struct {
	wait func(context.Context) error
	end  int64 // offset after it
}

// stream sends all of r in parts of m. It stops when the session is over, and tells of
// every part that the server has.
func (p *p2p) stream(ctx context.Context, s *p2pSession, m msnp.P2P, r io.ReaderAt, progress func(int64)) error {
	var flying []p2pFlight
	land := func() error {
		first := flying[0]
		flying = flying[1:]
		if err := first.wait(ctx); err != nil {
			return fmt.Errorf("part for %s: %w", s.peer.handle, err)
		}
		p.mu.Lock()
		s.moved()
		p.mu.Unlock()
		progress(first.end)
		return nil
	}
	buf := make([]byte, msnp.P2PMaxData)
	for at := int64(0); ; {
		select {
		case <-s.done:
			return s.endedEarly()
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		m.Offset, m.Data = uint64(at), buf[:min(s.size-at, msnp.P2PMaxData)]
		if n, err := r.ReadAt(m.Data, at); n < len(m.Data) {
			return fmt.Errorf("read at %d: %w", at+int64(n), err)
		}
		wait, err := p.host.post(s.peer.handle, m.Append(nil))
		if err != nil {
			return fmt.Errorf("part for %s: %w", s.peer.handle, err)
		}
		at += int64(len(m.Data))
		flying = append(flying, p2pFlight{wait, at})
		if at == s.size {
			break
		}
		if len(flying) == p2pWindow {
			if err := land(); err != nil {
				return err
			}
		}
	}
	for len(flying) > 0 {
		if err := land(); err != nil {
			return err
		}
	}
	return nil
}

// endedEarly is why a session is over before all was done.
func (s *p2pSession) endedEarly() error {
	if s.err == nil {
		return ErrCancelled
	}
	return s.err
}

// drain writes to w what comes for a session, and acknowledges and closes it in the end.
func (p *p2p) drain(ctx context.Context, s *p2pSession, w io.Writer, progress func(int64)) error {
	var n int64
	take := func(part []byte) error {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("write what %s sent: %w", s.peer.handle, err)
		}
		n += int64(len(part))
		progress(n)
		return nil
	}
	for first := true; first || n < s.size; first = false {
		var part []byte
		select {
		case part = <-s.parts:
		case <-ctx.Done():
			p.hangUp(s, ErrCancelled)
			return ctx.Err()
		case <-s.done: // perhaps right after the last part
			select {
			case part = <-s.parts:
			default:
				return s.endedEarly()
			}
		}
		if err := take(part); err != nil {
			p.hangUp(s, err)
			return err
		}
	}
	return p.completed(ctx, s)
}

// completed tells the other that all has come, and waits until the server has the news:
// who leaves the chat now would leave him in doubt.
func (p *p2p) completed(ctx context.Context, s *p2pSession) error {
	p.mu.Lock()
	if s.step != p2pOver {
		p.acknowledge(s.peer, s.last)
	}
	sent := p.bye(s, nil)
	p.mu.Unlock()
	select {
	case <-sent:
	case <-ctx.Done(): // it is here all the same
	}
	return nil
}
