package conn

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"syscall"

	"monarch/internal/clock"
)

// socket is a connection of the epoll engine.
type socket struct {
	Conn
	poller *poller  // immutable
	addr   [16]byte // immutable
	port   uint16   // immutable

	// Touched only by the poller, which runs the handler too.
	phase     phase
	time      allowed // for closing
	discarded int32   // bytes thrown away while lingering
	in        *buffer // input that was not handled yet; nil when there is none

	notes atomic.Uint32 // why it is in the poller's mail: a set of note

	timers [3]clock.Timer // guarded by the clock

	// Guarded by Conn.mu; the poller, which alone writes fd, reads it without.
	blocked atomic.Bool // the kernel takes no more output; read without the lock, too
	fd      int32       // -1 once closed
	waits   uint8       // the events the poller waits for; none: it does not know the socket
	muted   bool        // input is left unread
	choked  bool        // muted until the peer has taken some
	broken  bool        // nothing can be written any more

	posted bool // it is in the poller's mail; guarded by the poller's mu
}

func newSocket(e *Engine, p *poller, fd int, peer netip.AddrPort) *socket {
	s := &socket{
		Conn:   Conn{engine: e},
		poller: p, addr: peer.Addr().As16(), port: peer.Port(), fd: int32(fd), muted: true,
	}
	s.link = s
	return s
}

// phase is how far a connection has come.
type phase uint8

const (
	reading   phase = iota
	working         // a slow handler runs or waits to
	resting         // a pause is on
	flushing        // the handler has heard of the end; there is output left
	lingering       // the sending side is closed
	gone            // so is the socket
)

// allowed is how much time is left for closing.
type allowed uint8

const (
	plenty  allowed = iota
	limited         // it runs out
	up
)

// note says why a socket is in the poller's mail.
type note uint32

const (
	opened   note = 1 << iota // it is new
	resumed                   // a slow handler has returned, or a pause is over
	relieved                  // the peer has taken enough of what it was sent
	severed                   // there is no more time
)

// The timers of a socket.
const (
	rest  = iota // until reading goes on
	limit        // on a step of closing
	stall        // on output without progress
)

// Timer returns one of them.
func (s *socket) Timer(n int) *clock.Timer { return &s.timers[n] }

// Wake does what is due when one of them is.
func (s *socket) Wake(n int) {
	switch n {
	case rest:
		s.poller.post(s, resumed)
	case limit:
		s.cut()
	case stall:
		s.Close(Slow)
	}
}

func (s *socket) peer() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(s.addr).Unmap(), s.port)
}

func (s *socket) finish() { s.poller.post(s, 0) }

func (s *socket) welcome() {}

func (s *socket) retire() { s.leave() }

func (s *socket) cut() { s.poller.post(s, severed) }

// flush has the queue written at the end of the batch under way, or at once.
func (s *socket) flush() {
	if !s.engine.pollers.postpone(s) {
		s.write()
	}
}

// press writes what can be written, since a lot has come together.
func (s *socket) press() {
	if !s.blocked.Load() {
		s.write()
	}
}

// attend does what the mail asks for.
func (s *socket) attend() {
	notes := note(s.notes.Swap(0))
	if s.phase == gone {
		return
	}
	if notes&opened != 0 {
		s.open()
	}
	if notes&resumed != 0 && (s.phase == working || s.phase == resting) {
		s.resume()
	}
	if notes&relieved != 0 && s.phase == reading {
		s.handleKept()
	}
	if notes&severed != 0 {
		s.time = up
	}
	switch {
	case !s.closing():
	case s.phase == working:
		s.prepareEnd()
	default:
		s.end()
	}
}

// open asks the role for a handler and begins to read.
func (s *socket) open() {
	s.poller.place(int(s.fd), s)
	if s.engine.hasStopped() { // nobody else would close it
		s.Close(Unavailable)
		return
	}
	s.guard(func() { s.handler = s.role.Open(&s.Conn) })
	if s.handler == nil {
		s.Close(Flood)
		return
	}
	s.listen()
}

// listen lets input be read again.
func (s *socket) listen() {
	s.mu.Lock()
	s.muted = false
	s.arm()
	s.mu.Unlock()
}

// mute leaves input unread.
func (s *socket) mute() {
	s.mu.Lock()
	s.muted = true
	s.arm()
	s.mu.Unlock()
}

// arm tells the kernel which events matter. A socket of which none does is taken away from its
// watch, which would report an error over and over. s.mu is held.
func (s *socket) arm() {
	var waits uint8
	if !s.muted && !s.choked {
		waits |= syscall.EPOLLIN
	}
	if s.blocked.Load() {
		waits |= syscall.EPOLLOUT
	}
	if waits == s.waits || s.broken {
		return
	}
	op := syscall.EPOLL_CTL_MOD
	switch {
	case s.waits == 0:
		op = syscall.EPOLL_CTL_ADD
	case waits == 0:
		op = syscall.EPOLL_CTL_DEL
	}
	s.waits = waits
	if s.poller.control(op, int(s.fd), uint32(waits)) != nil { // out of memory, or of watches
		s.fail(Broken)
	}
}

// forsake takes the socket away from the kernel's watch for good: its errors would be reported
// until it is closed. s.mu is held.
func (s *socket) forsake() {
	s.broken = true
	if s.waits != 0 {
		s.waits = 0
		_ = s.poller.control(syscall.EPOLL_CTL_DEL, int(s.fd), 0) // it is there
	}
}

// ready handles what the kernel reports.
func (s *socket) ready(events uint32) {
	if events&(syscall.EPOLLOUT|syscall.EPOLLERR|syscall.EPOLLHUP) != 0 {
		s.write()
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLERR|syscall.EPOLLHUP) == 0 {
		return
	}
	switch s.phase {
	case reading:
		s.receive()
	case lingering:
		s.discard()
	case gone:
	default:
		s.mute()
	}
}

// receive reads once and hands on what is complete.
func (s *socket) receive() {
	if s.closing() || s.blocked.Load() && s.full() {
		return
	}
	if s.in != nil && len(s.in.rest()) > readSize/2 { // a payload larger than any client sends
		s.in = withRoom(s.in, readSize/2)
		if !s.account() {
			return
		}
		if n := s.fill(s.in.b[len(s.in.b):cap(s.in.b)]); n > 0 {
			s.in.b = s.in.b[:len(s.in.b)+n]
			s.handleKept()
		}
		return
	}
	room, kept := s.poller.buf, 0
	if s.in != nil {
		kept = copy(room, s.in.rest())
	}
	if n := s.fill(room[kept:]); n > 0 {
		b := room[:kept+n]
		s.keep(b[s.frames(b):])
	}
}

// fill reads once and returns how many bytes there were.
func (s *socket) fill(room []byte) int {
	n, err := read(int(s.fd), room)
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
	case err != nil:
		s.Close(failure(err))
	case n == 0:
		s.Close(PeerClosed)
	}
	return n
}

// keep makes rest the input that was not handled yet, in a buffer no larger than it needs.
func (s *socket) keep(rest []byte) {
	old := s.in
	if old == nil && len(rest) == 0 {
		return
	}
	s.in = nil
	if len(rest) > 0 {
		s.in = borrow(len(rest))
		s.in.b = append(s.in.b, rest...)
	}
	giveBack(old)
	s.account()
}

// account notes what a stranger's input takes. If that is too much it closes the connection,
// lets go of the input and reports false.
func (s *socket) account() bool {
	s.mu.Lock()
	ok := s.hold(&s.takenIn, s.in.size())
	s.mu.Unlock()
	if !ok {
		s.Close(Flood)
		giveBack(s.in)
		s.in = nil
	}
	return ok
}

// full reports whether the peer must first take some of what it was sent.
func (s *socket) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owed() <= s.most()/2 {
		return false
	}
	s.choked = true
	s.excuse()
	s.arm()
	return true
}

// handleKept hands on what is complete of the input that was kept.
func (s *socket) handleKept() {
	if s.in == nil || s.full() {
		return
	}
	if used := s.frames(s.in.rest()); used > 0 {
		s.keep(s.in.rest()[used:])
	}
}

// gulp is how much input is handled before the queue is looked at again: answers may be longer
// than questions.
const gulp = 2048

// frames hands the frames at the beginning of b to the handler, up to one that asks for time
// or fills the queue, and returns how many bytes they took.
func (s *socket) frames(b []byte) (used int) {
	for looked := 0; used < len(b); {
		n := s.next(b[used:], s.poller.scratch[:0])
		used += n
		if n == 0 || s.step() {
			break
		}
		if used-looked >= gulp {
			if s.full() {
				break
			}
			looked = used
		}
	}
	return used
}

// step reports whether the frame just handled asked for time, which it gets.
func (s *socket) step() bool {
	if fn := s.slow; fn != nil {
		s.slow, s.phase = nil, working
		s.engine.workers.enter(func() { s.engine.workers.run(func() { s.work(fn) }) })
		return true
	}
	if s.pause == 0 {
		return false
	}
	s.phase = resting
	s.engine.clock.Wake(s, rest, s.pause.duration())
	s.pause = 0
	return true
}

// work runs a slow handler.
func (s *socket) work(fn func(context.Context)) {
	s.guard(func() { fn(s.engine.ctx) })
	s.engine.workers.leave()
	s.poller.post(s, resumed)
}

// resume goes on after a slow handler or a pause.
func (s *socket) resume() {
	s.phase = reading
	if s.step() { // the slow handler itself asked for a pause
		return
	}
	s.handleKept()
	if s.phase == reading && !s.closing() {
		s.listen()
	}
}

// write gives the kernel what is queued.
func (s *socket) write() {
	s.mu.Lock()
	s.drain()
	s.mu.Unlock()
}

// drain is write under s.mu.
func (s *socket) drain() {
	if s.out == nil || s.broken {
		s.moving = false
		return
	}
	for rest := s.out.rest(); len(rest) > 0; rest = s.out.rest() {
		n, err := write(int(s.fd), rest)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			s.block()
			return
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			s.fail(failure(err))
			return
		default:
			s.progress(n)
		}
	}
	giveBack(s.out)
	s.out, s.moving = nil, false
	s.hold(&s.takenOut, 0)
	if s.blocked.Load() {
		s.blocked.Store(false)
		s.engine.clock.Stop(&s.timers[stall])
		s.arm()
	}
	if s.closing() {
		s.poller.post(s, 0)
	}
}

// progress notes that the kernel took n bytes.
func (s *socket) progress(n int) {
	s.out.done += n
	if s.blocked.Load() && !s.closing() {
		s.allowStall()
	}
	if s.choked && s.owed() <= s.most()/2 {
		s.choked = false
		s.arm()
		s.poller.post(s, relieved)
	}
}

// block waits until the kernel takes output again.
func (s *socket) block() {
	if !s.blocked.Load() {
		s.blocked.Store(true)
		if !s.closing() {
			s.allowStall()
		}
		s.arm()
	}
}

// allowStall begins a stretch without progress. A closing connection has its own limit.
func (s *socket) allowStall() {
	s.engine.clock.Wake(s, stall, s.engine.limits.Load().QueueStall)
}

// fail ends a connection that cannot be written to. s.mu is held.
func (s *socket) fail(why Reason) {
	s.forsake()
	s.finished.CompareAndSwap(0, int32(why))
	s.poller.post(s, 0)
}
