package bare

import (
	"sync/atomic"
	"syscall"
)

// conn is one connection. One of a pair is written to by the poller of its partner only, any
// other by whoever holds the lock of the audience; so the relay needs no lock.
type conn struct {
	fd     int     // immutable
	poller *poller // immutable; the only one that reads it

	// Set once by whoever comes second, before either of a pair is told.
	peer atomic.Pointer[conn]
	open *atomic.Int32 // how many of the pair are; belongs to both

	// Touched only by its poller.
	role  role
	ended bool   // as one of a pair whose other is still open
	held  []byte // the beginning of a frame
	kept  []byte // as one of a pair: what its partner's socket refused; it is not read meanwhile

	// Guarded by the audience's lock.
	out  []byte // what its own socket refused
	seat int    // in the audience, counted from 1; 0 is none
}

// role is what a connection has said it is for. It never changes again.
type role uint8

const (
	undecided role = iota
	onePair        // of a pair, maybe without its partner yet
	onlooker       // in the audience, or changes its status
)

// obey handles what a connection says that is not paired, and returns what is left of b.
func (p *poller) obey(c *conn, b []byte) ([]byte, error) {
	echo, news := p.out[:0], p.news[:0]
	for {
		f, rest, err := cut(b)
		if err != nil {
			return nil, err
		}
		if f.line == nil {
			break
		}
		b = rest
		verb, first, second := words(f.line)
		switch {
		case c.role != onePair && string(verb) == "CHG" && len(second) > 0:
			c.role = onlooker
			echo = append(append(echo, f.line...), '\r', '\n')
			news = appendPresence(news, second)
		case c.role != onePair && string(verb) == "WATCH":
			c.role = onlooker
			p.srv.people.join(c)
			echo = append(echo, "WATCH\r\n"...)
		case c.role == undecided && string(verb) == "PAIR" && len(first) > 0:
			c.role = onePair
			if err := p.srv.waiting.pair(c, string(first)); err != nil {
				return nil, err
			}
		default:
			return nil, errFrame
		}
	}
	p.out, p.news = echo, news
	if len(echo) > 0 {
		p.srv.people.tell(c, echo, news)
	}
	return b, nil
}

// relay hands the whole messages in b to the partner, in one write, and returns what is left.
func (p *poller) relay(c, peer *conn, b []byte) ([]byte, error) {
	out := p.out[:0]
	for {
		f, rest, err := cut(b)
		if err != nil {
			return nil, err
		}
		if f.line == nil {
			break
		}
		if f.tail == nil {
			return nil, errFrame
		}
		out = appendMessage(out, f)
		b = rest
	}
	p.out = out
	if len(out) == 0 {
		return b, nil
	}
	n, err := write(peer.fd, out)
	if err != nil || n == len(out) {
		return b, err
	}
	c.kept = append([]byte(nil), out[n:]...)
	return b, p.await(c, peer)
}

// await stops reading c until its partner takes what is kept.
func (p *poller) await(c, peer *conn) error {
	if err := p.watch(c); err != nil {
		return err
	}
	if peer.poller == p {
		return p.watch(peer)
	}
	// The partner's own poller goes on reading it; this one waits for room in its socket.
	return p.control(syscall.EPOLL_CTL_ADD, peer.fd, syscall.EPOLLOUT)
}

// watch waits for what one of a pair can do now: be read unless something of it is kept, be
// written to if something of its partner is, and its partner belongs to this poller too.
func (p *poller) watch(c *conn) error {
	var events uint32
	if c.kept == nil {
		events = syscall.EPOLLIN
	}
	if peer := c.peer.Load(); peer.poller == p && peer.kept != nil {
		events |= syscall.EPOLLOUT
	}
	return p.control(syscall.EPOLL_CTL_MOD, c.fd, events)
}

// resume writes what is kept of c to its partner and, when it is gone, reads c again.
func (p *poller) resume(c, peer *conn) error {
	n, err := write(peer.fd, c.kept)
	if err != nil {
		return err
	}
	if c.kept = c.kept[n:]; len(c.kept) > 0 {
		return nil
	}
	c.kept = nil
	if peer.poller == p && !peer.ended {
		err = p.watch(peer)
	} else if peer.poller != p {
		err = p.control(syscall.EPOLL_CTL_DEL, peer.fd, 0)
	}
	if err != nil {
		return err
	}
	return p.watch(c)
}

// end closes a connection, or begins to: of a pair, the second one to end closes both, for
// until then its partner's poller may write to it.
func (p *poller) end(c *conn) {
	s := p.srv
	switch c.role {
	case onlooker:
		s.people.leave(c)
	case onePair:
		if s.waiting.leave(c) {
			break
		}
		p.endPair(c, c.peer.Load())
		return
	}
	s.release(c)
}

func (p *poller) endPair(c, peer *conn) {
	c.ended, c.held = true, nil
	// Neither may wake this poller any more on behalf of c. A registration that was not there,
	// or that a closing poller has lost, is as good as removed.
	_ = p.control(syscall.EPOLL_CTL_DEL, c.fd, 0)
	if c.kept != nil && peer.poller != p {
		_ = p.control(syscall.EPOLL_CTL_DEL, peer.fd, 0)
	}
	c.kept = nil
	// The other end sees that it is over, and so does the partner's poller.
	_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
	_ = syscall.Shutdown(peer.fd, syscall.SHUT_RDWR)
	if c.open.Add(-1) == 0 {
		p.srv.release(peer)
		p.srv.release(c)
	}
}
