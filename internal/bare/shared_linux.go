package bare

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
)

// lobby is where the first of a pair waits for the second.
type lobby struct {
	mu    sync.Mutex
	first map[string]*conn
	names map[*conn]string
}

// pair joins c with whoever said the same, or lets it wait.
func (l *lobby) pair(c *conn, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.first[name]
	if first == nil {
		l.first[name], l.names[c] = c, name
		return nil
	}
	l.forget(first)
	open := new(atomic.Int32)
	open.Store(2)
	c.open, first.open = open, open
	c.peer.Store(first)
	first.peer.Store(c)
	// The first may speak as soon as it is told, so it is told last.
	answer := []byte("PAIR " + name + "\r\n")
	for _, to := range []*conn{c, first} {
		if n, err := write(to.fd, answer); err != nil || n < len(answer) {
			return errors.Join(errors.New("no room for the first answer"), err)
		}
	}
	return nil
}

// leave takes out c if it still waits, and reports whether it is without a partner.
func (l *lobby) leave(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(c)
	return c.peer.Load() == nil
}

// forget must be called with the lock held.
func (l *lobby) forget(c *conn) {
	if name, ok := l.names[c]; ok {
		delete(l.names, c)
		delete(l.first, name)
	}
}

// audience are those who hear of every change of status.
type audience struct {
	mu    sync.Mutex // over all output to connections that are not of a pair
	seats []*conn
}

// mostRefused is how much may wait for an onlooker before it is given up.
const mostRefused = 16 << 20

func (a *audience) join(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.seat == 0 {
		a.seats = append(a.seats, c)
		c.seat = len(a.seats)
	}
}

// leave makes sure that nobody writes to c any more.
func (a *audience) leave(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.seat == 0 {
		return
	}
	last := len(a.seats) - 1
	moved := a.seats[last]
	a.seats[c.seat-1], moved.seat = moved, c.seat
	a.seats[last] = nil
	a.seats, c.seat = a.seats[:last], 0
}

// tell answers c and gives the news to everybody in the audience.
func (a *audience) tell(c *conn, answer, news []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.send(answer)
	if len(news) == 0 {
		return
	}
	for _, to := range a.seats {
		to.send(news)
	}
}

// flush writes what c's socket refused earlier.
func (a *audience) flush(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := c.out
	c.out = nil
	c.send(out)
	if c.out == nil {
		c.await(syscall.EPOLLIN)
	}
}

// send writes, and keeps what the socket refuses. It must be called with the audience's lock
// held. Whatever fails shows when the connection is read, and ends it there.
func (c *conn) send(b []byte) {
	if c.out != nil {
		c.keep(b)
		return
	}
	n, err := write(c.fd, b)
	if err != nil || n == len(b) {
		return
	}
	c.keep(b[n:])
	c.await(syscall.EPOLLIN | syscall.EPOLLOUT)
}

func (c *conn) keep(b []byte) {
	if len(c.out)+len(b) > mostRefused {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
		return
	}
	c.out = append(c.out, b...)
}

func (c *conn) await(events uint32) {
	if c.poller.control(syscall.EPOLL_CTL_MOD, c.fd, events) != nil {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
	}
}
