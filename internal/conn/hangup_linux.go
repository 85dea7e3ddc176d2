package conn

import (
	"errors"
	"syscall"
	"time"
)

// prepareEnd does for a closing connection whose slow handler still runs what does not have to
// wait for it.
func (s *socket) prepareEnd() {
	if s.time != up && s.reason().flushes() {
		s.allowFlush()
		return
	}
	s.mu.Lock()
	s.forsake()
	s.mu.Unlock()
	_ = syscall.Shutdown(int(s.fd), syscall.SHUT_RDWR) // fails if the peer has gone, which is as well
}

// end takes a closing connection as far as it can go now: the handler hears of it, output is
// flushed, and the sending side is closed before the socket, because input that was never
// read would turn the close into a reset, which could take the last lines with it.
func (s *socket) end() {
	if s.phase < flushing {
		s.tell()
	}
	s.mu.Lock()
	s.drain()
	flushed, broken := s.out == nil, s.broken
	s.mu.Unlock()
	switch {
	case s.time == up || broken || !s.reason().flushes() || s.handler == nil:
		s.drop()
	case !flushed:
		s.allowFlush()
		s.mute()
	case s.reason() == PeerClosed:
		s.drop()
	case s.phase == flushing:
		s.linger()
	}
}

// tell lets the handler know of the end.
func (s *socket) tell() {
	s.phase = flushing
	s.engine.clock.Stop(&s.timers[rest])
	s.engine.clock.Stop(&s.deadline)
	if s.handler != nil {
		s.guard(func() { s.handler.Closed(s.reason()) })
	}
}

// allowFlush limits the time that the last output may take, from the first call on.
func (s *socket) allowFlush() {
	if s.time == plenty {
		s.time = limited
		s.allow(s.engine.limits.Load().CloseFlush)
	}
}

// allow limits the time until the socket is closed.
func (s *socket) allow(d time.Duration) { s.engine.clock.Wake(s, limit, d) }

// linger closes the sending side and waits for the peer to close his.
func (s *socket) linger() {
	s.phase = lingering
	_ = syscall.Shutdown(int(s.fd), syscall.SHUT_WR) // fails if the peer has gone, which reading tells
	s.allow(s.engine.limits.Load().Linger)
	s.listen()
}

// discard throws input away while the peer closes its side.
func (s *socket) discard() {
	n, err := read(int(s.fd), s.poller.buf)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return
	}
	s.discarded += int32(max(n, 0))
	if n <= 0 || s.discarded >= lingerBytes {
		s.drop()
	}
}

// drop closes the socket.
func (s *socket) drop() {
	s.phase = gone
	s.mu.Lock()
	fd := int(s.fd)
	s.fd, s.waits, s.broken = -1, 0, true
	giveBack(s.out)
	s.out = nil
	s.mu.Unlock()
	for i := range s.timers {
		s.engine.clock.Stop(&s.timers[i])
	}
	giveBack(s.in)
	s.in = nil
	s.poller.place(fd, nil)
	_ = syscall.Close(fd)
	s.engine.leave(&s.Conn)
}
