package conn

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"monarch/internal/clock"
	"monarch/msnp"
)

// stream is a connection of the portable engine.
type stream struct {
	Conn
	nc     net.Conn
	writer func() // s.write; starting this one costs no memory

	wake    sync.Cond // on mu: the queue shrank, a pause ended, or the connection closes
	resting bool      // a pause is on; guarded by mu
}

func newStream(e *Engine, nc net.Conn, r *Role, as Standing) *stream {
	s := &stream{Conn: Conn{engine: e, role: r, grammar: r.Grammar, standing: as}, nc: nc}
	s.link, s.wake.L, s.writer = s, &s.mu, s.write
	return s
}

// scratches holds room for the parameters of a frame, lent out while one is handled.
var scratches = sync.Pool{New: func() any { return new([msnp.MaxArgs][]byte) }}

// smallBuffer is what a connection keeps for reading while it is idle.
const smallBuffer = 2048

// run is the life of a connection, on the goroutine that reads from it.
func (s *stream) run() {
	s.guard(func() { s.handler = s.role.Open(&s.Conn) })
	if s.handler == nil {
		s.Close(Flood)
		s.engine.clock.Stop(&s.deadline)
		s.nc.Close()
		return
	}
	s.read()
	s.engine.clock.Stop(&s.deadline)
	s.guard(func() { s.handler.Closed(s.reason()) })
	s.hangUp()
}

// read feeds the handler until the connection is closing.
func (s *stream) read() {
	buf := make([]byte, 0, smallBuffer)
	for s.ready() {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		if !s.account(cap(buf)) {
			s.Close(Flood)
			return
		}
		n, err := s.nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used := s.frames(buf)
		buf = buf[:copy(buf, buf[used:])]
		if len(buf) == 0 && cap(buf) > smallBuffer {
			buf = make([]byte, 0, smallBuffer)
		}
		if err != nil {
			s.Close(failure(err))
		}
	}
}

// frames hands the frames at the beginning of buf to the handler, each with what it left
// to do, and returns how many bytes they took.
func (s *stream) frames(buf []byte) (used int) {
	scratch := scratches.Get().(*[msnp.MaxArgs][]byte)
	defer scratches.Put(scratch)
	for used < len(buf) {
		n := s.next(buf[used:], scratch[:0])
		if n == 0 {
			break
		}
		used += n
		s.afterwards()
	}
	return used
}

// afterwards does what the handler asked for during a frame.
func (s *stream) afterwards() {
	if fn := s.slow; fn != nil {
		s.slow = nil
		turn := make(chan struct{})
		s.engine.workers.enter(func() { close(turn) })
		<-turn
		s.guard(func() { fn(s.engine.ctx) })
		s.engine.workers.leave()
	}
	if p := s.pause; p > 0 {
		s.pause = 0
		s.rest(p.duration())
	}
}

// ready waits until the peer has read enough of what it was sent, and reports whether
// reading may go on.
func (s *stream) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if half := s.begun; s.unread() {
		s.excuse()
		for s.unread() {
			s.wake.Wait()
		}
		if half {
			s.begin()
		}
	}
	return !s.closing()
}

// unread reports whether the peer must first read. s.mu is held.
func (s *stream) unread() bool {
	return s.owed() > s.most()/2 && !s.closing()
}

// account notes what a stranger's input takes, unless that is too much.
func (s *stream) account(bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hold(&s.takenIn, bytes)
}

// rest waits for d or the end of the connection.
func (s *stream) rest(d time.Duration) {
	var t clock.Timer
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resting = true
	s.engine.clock.Set(&t, d, func() {
		s.mu.Lock()
		s.resting = false
		s.wake.Broadcast()
		s.mu.Unlock()
	})
	for s.resting && !s.closing() {
		s.wake.Wait()
	}
	s.engine.clock.Stop(&t)
}

// failure returns what an error of reading or writing says about the connection.
func failure(err error) Reason {
	switch {
	case errors.Is(err, io.EOF):
		return PeerClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return PeerReset
	}
	return Broken
}

func (s *stream) peer() netip.AddrPort { return address(s.nc) }

// welcome lets whatever carries the connection know.
func (s *stream) welcome() {
	if carrier, ok := s.nc.(interface{ SignedIn() }); ok {
		carrier.SignedIn()
	}
}

// retire leaves it to whatever carries the connection when its place is free: it may have
// something left to do when the engine has not.
func (s *stream) retire() {
	if c, ok := s.nc.(carrier); ok {
		c.Retire(s.leave)
		return
	}
	s.leave()
}

// carrier is a connection that keeps what is written until its client fetches it, each time whole
// commands, and so may have to outlive what the engine knows of it.
type carrier interface{ Retire(leave func()) }

func (s *stream) flush() { go s.writer() }

func (s *stream) press() {} // it is being written

func (s *stream) cut() { s.nc.Close() }

func (s *stream) finish() {
	if s.reason().flushes() { // a writer must not meet the deadline of an earlier write in between
		now := time.Now()
		s.nc.SetWriteDeadline(now.Add(s.engine.limits.Load().CloseFlush))
		s.nc.SetReadDeadline(now)
	}
	s.wake.Broadcast()
}

// write empties the queue and ends. While it runs, s.moving is set and others only add to
// the queue.
func (s *stream) write() {
	for {
		s.mu.Lock()
		out := s.out
		s.out, s.held = nil, 0
		if out == nil {
			s.moving = false
		} else {
			s.held = int32(len(out.b))
		}
		s.hold(&s.takenOut, out.size())
		s.wake.Broadcast()
		s.mu.Unlock()
		if out == nil {
			return
		}
		err := s.writeAll(out.b)
		giveBack(out)
		if err != nil {
			s.abandon(err)
			return
		}
	}
}

// atOnce is how much is written before what the peer has taken is counted.
const atOnce = 32 << 10

// writeAll writes b. Every stretch without progress has a stall limit of its own.
func (s *stream) writeAll(b []byte) error {
	most := atOnce
	if _, ok := s.nc.(carrier); ok {
		most = len(b)
	}
	for len(b) > 0 {
		s.allowStall()
		n, err := s.nc.Write(b[:min(len(b), most)])
		b = b[n:]
		s.took(n)
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}

// took notes that the peer has taken n bytes of what is being written.
func (s *stream) took(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= int32(n)
	s.wake.Broadcast()
}

// allowStall gives the next write its limit. A closing connection has one already.
func (s *stream) allowStall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing() {
		s.nc.SetWriteDeadline(time.Now().Add(s.engine.limits.Load().QueueStall))
	}
}

// abandon ends the connection after a failed write.
func (s *stream) abandon(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.Close(Slow)
	} else {
		s.Close(failure(err))
	}
	s.nc.Close()
	s.mu.Lock()
	giveBack(s.out)
	s.moving, s.out, s.held = false, nil, 0
	s.wake.Broadcast()
	s.mu.Unlock()
}

// hangUp closes the socket once everything is written. Input that was never read would turn
// the close into a reset, which could take the last lines with it: so the sending side goes
// first, and what still arrives is thrown away for a moment.
func (s *stream) hangUp() {
	s.mu.Lock()
	for s.moving {
		s.wake.Wait()
	}
	s.mu.Unlock()
	if half, ok := s.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && s.reason() != PeerClosed {
		s.nc.SetReadDeadline(time.Now().Add(s.engine.limits.Load().Linger))
		_, _ = io.CopyN(io.Discard, s.nc, lingerBytes)
	}
	s.nc.Close()
}
