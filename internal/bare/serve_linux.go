package bare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// Serve relays for whoever connects, until the context ends; then it closes the listener and
// every connection. There is one poller for each processor.
//
// A poller holds what the scheduler counts as a processor even while it waits, so Serve adds
// as many as it has pollers while it runs, for the rest of the program.
func Serve(ctx context.Context, l *net.TCPListener) error {
	defer func() { _ = l.Close() }()
	processors := runtime.GOMAXPROCS(0)
	s, err := newServer(l, processors)
	if err != nil {
		return fmt.Errorf("start the bare relay: %w", err)
	}
	defer s.close()
	runtime.GOMAXPROCS(2 * processors)
	defer runtime.GOMAXPROCS(processors)
	release := context.AfterFunc(ctx, s.stop)
	defer release()

	failures := make(chan error, len(s.pollers))
	for _, p := range s.pollers {
		go func() {
			defer s.stop() // all of them, if one fails
			failures <- p.run()
		}()
	}
	for range s.pollers {
		err = errors.Join(err, <-failures)
	}
	if err != nil {
		return fmt.Errorf("bare relay: %w", err)
	}
	return nil
}

// server is what the pollers share.
type server struct {
	listener int                    // a file descriptor of somebody else's; the first poller accepts
	pollers  []*poller              // immutable once they run
	conns    []atomic.Pointer[conn] // by file descriptor
	wake     [2]int                 // a pipe; closing its second end stops the pollers
	stop     func()                 // does so, once

	waiting lobby
	people  audience
}

func newServer(l *net.TCPListener, pollers int) (*server, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, os.NewSyscallError("getrlimit", err)
	}
	s := &server{
		conns:   make([]atomic.Pointer[conn], min(limit.Cur, 1<<20)),
		waiting: lobby{first: make(map[string]*conn), names: make(map[*conn]string)},
	}
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Control(func(fd uintptr) { s.listener = int(fd) }); err != nil {
		return nil, err
	}
	if err := syscall.Pipe2(s.wake[:], syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	s.stop = sync.OnceFunc(func() { shut(s.wake[1]) })
	for range pollers {
		p, err := newPoller(s)
		if err != nil {
			s.stop()
			s.close()
			return nil, err
		}
		s.pollers = append(s.pollers, p)
	}
	if err := s.pollers[0].control(syscall.EPOLL_CTL_ADD, s.listener, syscall.EPOLLIN); err != nil {
		s.stop()
		s.close()
		return nil, err
	}
	return s, nil
}

// accept gives one new connection to the poller whose turn it is.
func (s *server) accept(turn int) error {
	fd, _, err := syscall.Accept4(s.listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	switch err {
	case nil:
	case syscall.EAGAIN, syscall.EINTR, syscall.ECONNABORTED:
		return nil
	default:
		return os.NewSyscallError("accept4", err)
	}
	if fd >= len(s.conns) {
		shut(fd)
		return fmt.Errorf("file descriptor %d, of %d", fd, len(s.conns))
	}
	// The server under test does not wait for fuller packets either. This fails only for a
	// connection that is gone already, which its first read will say.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	c := &conn{fd: fd, poller: s.pollers[turn%len(s.pollers)]}
	s.conns[fd].Store(c)
	return c.poller.control(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN)
}

// release closes a connection that nobody else may write to any more.
func (s *server) release(c *conn) {
	s.conns[c.fd].Store(nil) // before the number becomes another's
	shut(c.fd)
}

// close gives everything back, once no poller runs.
func (s *server) close() {
	for i := range s.conns {
		if c := s.conns[i].Load(); c != nil {
			s.release(c)
		}
	}
	for _, p := range s.pollers {
		shut(p.epoll)
	}
	shut(s.wake[0])
}
