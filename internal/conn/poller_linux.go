package conn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"monarch/msnp"
)

const (
	readSize  = 64 << 10 // most that one read takes from a socket
	maxEvents = 256      // most that one wait reports
	maxDirty  = 64       // sockets whose output waits for the end of a batch
)

// pollers is the event loop, one goroutine per core. It runs from the first connection until
// the engine stops.
type pollers struct {
	kind  Kind // immutable
	count int  // immutable: how many there are to be
	done  sync.WaitGroup
	all   []*poller // made under mu, immutable afterwards

	mu      sync.Mutex // leaf but for the pollers' own
	stopped bool

	failed atomic.Bool // they could not be made, and the log tells of it
}

// adopt makes an open connection one of the event loop's. It reports false when that is not
// wanted or not possible.
func (p *pollers) adopt(e *Engine, tcp *net.TCPConn, peer netip.AddrPort, r *Role, as Standing) bool {
	if p.kind == Portable {
		return false
	}
	fd, err := takeOver(tcp)
	if err == nil {
		if err = p.start(e); err != nil {
			_ = syscall.Close(fd)
		}
	}
	if err != nil {
		p.complain(e, err)
		return false
	}
	s := newSocket(e, p.of(fd), fd, peer)
	s.role, s.grammar, s.standing = r, r.Grammar, as
	_ = tcp.Close()
	if !e.enter(&s.Conn) {
		_ = syscall.Close(fd)
		return true
	}
	s.poller.post(s, opened)
	return true
}

// complain tells, once, that connections do without the event loop.
func (p *pollers) complain(e *Engine, err error) {
	if !errors.Is(err, net.ErrClosed) && p.failed.CompareAndSwap(false, true) {
		e.log.Warn("connections do without the event loop", "err", err)
	}
}

// takeOver returns a descriptor of the connection that the Go runtime does not know.
func takeOver(tcp *net.TCPConn) (fd int, err error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	dupErr := raw.Control(func(old uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		if fd = int(n); errno != 0 {
			err = os.NewSyscallError("dup", errno)
		}
	})
	return fd, errors.Join(dupErr, err)
}

// start makes the event loop run, unless it does.
func (p *pollers) start(e *Engine) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return net.ErrClosed
	}
	if len(p.all) > 0 {
		return nil
	}
	made := make([]*poller, p.count)
	for i := range made {
		var err error
		if made[i], err = newPoller(e, i, p.count); err != nil {
			for _, one := range made[:i] {
				one.close()
			}
			return err
		}
	}
	for _, one := range made {
		p.done.Go(one.run)
	}
	p.all = made
	return nil
}

// conns returns the connections that are open.
func (p *pollers) conns() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open []*Conn
	for _, one := range p.all {
		one.mu.Lock()
		for _, s := range one.sockets {
			if s != nil {
				open = append(open, &s.Conn)
			}
		}
		one.mu.Unlock()
	}
	return open
}

// stop ends the event loop, which has no connections any more.
func (p *pollers) stop() {
	p.mu.Lock()
	p.stopped = true
	for _, one := range p.all {
		one.mu.Lock()
		one.stopping = true
		one.wake()
		one.mu.Unlock()
	}
	p.mu.Unlock()
	p.done.Wait()
}

// of returns the poller that a descriptor belongs to.
func (p *pollers) of(fd int) *poller { return p.all[fd%len(p.all)] }

// postpone leaves a socket's output to a poller that is awake, which writes it once it has
// handled what it is at. So whatever one batch of input causes for a peer goes out in one
// piece. It reports false when that would only take longer.
func (p *pollers) postpone(s *socket) bool {
	for i := range p.all {
		q := p.all[(s.poller.index+i)%len(p.all)]
		if q.awake.Load() && q.take(s) {
			return true
		}
	}
	return false
}

// poller waits for the sockets whose descriptors are its index modulo the number of pollers,
// and runs their handlers.
type poller struct {
	engine *Engine // immutable
	index  int     // immutable
	count  int     // immutable: how many pollers there are
	epfd   int     // immutable

	// Touched only by the poller's goroutine; others may read sockets under mu.
	sockets []*socket // by descriptor divided by count
	events  [maxEvents]syscall.EpollEvent
	buf     []byte               // what a read fills
	scratch [msnp.MaxArgs][]byte // the parameters of a frame
	flushed []*socket            // the slice that dirty was
	read    []*socket            // the slice that mail was

	awake atomic.Bool // set under mu

	mu       sync.Mutex // leaf
	dirty    []*socket  // with output to be written
	mail     []*socket  // to be attended to by this poller
	waking   bool       // a byte is in the pipe
	stopping bool
	alarm    [2]int // a pipe that ends the wait
}

func newPoller(e *Engine, index, count int) (*poller, error) {
	p := &poller{engine: e, index: index, count: count, buf: make([]byte, readSize), alarm: [2]int{-1, -1}}
	var err error
	if p.epfd, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	if err = syscall.Pipe2(p.alarm[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err == nil {
		err = p.control(syscall.EPOLL_CTL_ADD, p.alarm[0], syscall.EPOLLIN)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("make a pipe for the event loop: %w", err)
	}
	return p, nil
}

func (p *poller) control(op, fd int, events uint32) error {
	return syscall.EpollCtl(p.epfd, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// run is the event loop.
func (p *poller) run() {
	defer p.close()
	for busy := false; ; {
		n := p.wait(busy)
		p.rise()
		for i := range n {
			p.event(&p.events[i])
		}
		var over bool
		if busy, over = p.settle(); over {
			return
		}
	}
}

// wait returns how many events there are, once there are any or, when busy, at once.
func (p *poller) wait(busy bool) int {
	n, err := pending(p.epfd, p.events[:])
	if n == 0 && !busy {
		n, err = syscall.EpollWait(p.epfd, p.events[:], -1)
	}
	if err != nil && !errors.Is(err, syscall.EINTR) {
		panic(fmt.Sprintf("epoll_wait: %v", err)) // of a descriptor that is ours alone
	}
	return max(n, 0)
}

func (p *poller) event(ev *syscall.EpollEvent) {
	fd := int(ev.Fd)
	if fd == p.alarm[0] {
		var b [8]byte
		_, _ = syscall.Read(fd, b[:]) // that there was something is all that matters
		return
	}
	if s := p.socket(fd); s != nil { // else it was closed earlier in this batch
		s.ready(ev.Events)
		p.flush()
	}
}

// rise begins a batch.
func (p *poller) rise() {
	p.mu.Lock()
	p.awake.Store(true)
	p.waking = false
	p.mu.Unlock()
}

// settle ends a batch: it writes what is to be written and attends to the mail. It reports
// busy when more has come meanwhile, and over when the poller is to end.
func (p *poller) settle() (busy, over bool) {
	p.mu.Lock()
	p.read, p.mail = p.mail, p.read[:0]
	for _, s := range p.read {
		s.posted = false
	}
	p.mu.Unlock()
	for i, s := range p.read {
		s.attend()
		p.read[i] = nil
		p.flush()
	}
	p.flush()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mail) > 0 || len(p.dirty) > 0 {
		return true, false
	}
	p.awake.Store(false)
	return false, p.stopping
}

// flush writes what handlers have left to be written.
func (p *poller) flush() {
	p.mu.Lock()
	p.flushed, p.dirty = p.dirty, p.flushed[:0]
	p.mu.Unlock()
	for i, s := range p.flushed {
		s.write()
		p.flushed[i] = nil
	}
}

// take accepts a socket whose output is to be written soon.
func (p *poller) take(s *socket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.awake.Load() || len(p.dirty) >= maxDirty {
		return false
	}
	p.dirty = append(p.dirty, s)
	return true
}

// post makes the poller attend to a socket of its own.
func (p *poller) post(s *socket, n note) {
	s.notes.Or(uint32(n))
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.posted {
		return
	}
	s.posted = true
	p.mail = append(p.mail, s)
	if !p.awake.Load() {
		p.wake()
	}
}

// wake ends the poller's wait. p.mu is held.
func (p *poller) wake() {
	if !p.waking {
		p.waking = true
		_, _ = syscall.Write(p.alarm[1], []byte{0}) // a full pipe wakes it as well
	}
}

// socket returns the connection of a descriptor, or nil.
func (p *poller) socket(fd int) *socket {
	if i := fd / p.count; i < len(p.sockets) {
		return p.sockets[i]
	}
	return nil
}

// place makes s, which may be nil, the connection of a descriptor.
func (p *poller) place(fd int, s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := fd / p.count
	if i >= len(p.sockets) {
		p.sockets = append(p.sockets, make([]*socket, i+1-len(p.sockets)+i/4)...)
	}
	p.sockets[i] = s
}

// close gives the poller's descriptors back. Late mail wakes nobody any more.
func (p *poller) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waking = true
	for _, fd := range []int{p.epfd, p.alarm[0], p.alarm[1]} {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}
