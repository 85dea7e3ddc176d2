package bare

import (
	"os"
	"syscall"
)

// room is how much a poller reads at once. A frame that is longer ends its connection.
const room = 64 << 10

// poller waits for its connections to be readable and serves them. Only its own goroutine
// touches its buffers.
type poller struct {
	srv   *server // immutable
	epoll int     // immutable

	accepted int // how many connections, by the one that accepts

	in   []byte // what was read for the event being served
	out  []byte // what is written for it
	news []byte // what the audience gets for it
}

func newPoller(s *server) (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &poller{srv: s, epoll: fd, in: make([]byte, room), out: make([]byte, 0, 2*room)}
	if err := p.control(syscall.EPOLL_CTL_ADD, s.wake[0], syscall.EPOLLIN); err != nil {
		shut(fd)
		return nil, err
	}
	return p, nil
}

// control changes what the poller waits for on a socket.
func (p *poller) control(op, fd int, events uint32) error {
	err := syscall.EpollCtl(p.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
	return os.NewSyscallError("epoll_ctl", err)
}

// run serves events until the server's pipe is closed.
func (p *poller) run() error {
	events := make([]syscall.EpollEvent, 256)
	for {
		n, err := wait(p.epoll, events)
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			switch c := p.srv.conns[e.Fd].Load(); {
			case c != nil:
				p.serve(c, e.Events)
			case int(e.Fd) == p.srv.wake[0]:
				return nil
			case int(e.Fd) == p.srv.listener:
				if err := p.srv.accept(p.accepted); err != nil {
					return err
				}
				p.accepted++
			}
			// Any other ended while earlier events were served.
		}
	}
}

func (p *poller) serve(c *conn, events uint32) {
	if events&^syscall.EPOLLIN != 0 {
		p.rarely(c, events)
		return
	}
	if c.poller == p {
		p.readable(c)
	}
}

// rarely serves what happens when sockets are full or break.
func (p *poller) rarely(c *conn, events uint32) {
	peer := c.peer.Load()
	if peer != nil && peer.poller == p && peer.kept != nil {
		if err := p.resume(peer, c); err != nil {
			p.end(peer)
		}
	}
	switch {
	case c.poller != p || c.ended:
		return
	case c.role == onlooker && events&syscall.EPOLLOUT != 0:
		p.srv.people.flush(c)
	case c.kept != nil && events&(syscall.EPOLLERR|syscall.EPOLLHUP) != 0:
		p.end(c)
		return
	}
	if c.kept == nil && events&^syscall.EPOLLOUT != 0 {
		p.readable(c)
	}
}

// readable reads once and relays what is whole. Of what did not fit the kernel tells again.
func (p *poller) readable(c *conn) {
	if c.ended {
		return
	}
	have := copy(p.in, c.held)
	n, err := read(c.fd, p.in[have:])
	if err != nil {
		p.end(c)
		return
	}
	var rest []byte
	if peer := c.peer.Load(); peer != nil {
		rest, err = p.relay(c, peer, p.in[:have+n])
	} else {
		rest, err = p.obey(c, p.in[:have+n])
	}
	switch {
	case err != nil || len(rest) == len(p.in):
		p.end(c)
	case len(rest) > 0:
		c.held = append(c.held[:0], rest...)
	default:
		c.held = nil
	}
}
