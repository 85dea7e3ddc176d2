package fleet

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Slow is a long way to a server: what goes over it, in either direction, takes its time, and loses
// neither order nor anything else.
type Slow struct {
	listener net.Listener
	to       string
	delay    time.Duration
	all      sync.WaitGroup

	mu    sync.Mutex // leaf
	open  map[net.Conn]struct{}
	ended bool
}

// NewSlow makes a way from an address, whose port may be 0, to another.
func NewSlow(at, to string, delay time.Duration) (*Slow, error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("make a slow connection: %w", err)
	}
	s := &Slow{listener: l, to: to, delay: delay, open: make(map[net.Conn]struct{})}
	s.all.Go(s.accept)
	return s, nil
}

// Addr is where it begins.
func (s *Slow) Addr() string { return s.listener.Addr().String() }

// Close ends it and all that goes over it.
func (s *Slow) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.ended = true
	for c := range s.open {
		err = errors.Join(err, c.Close())
	}
	s.mu.Unlock()
	s.all.Wait()
	return err
}

func (s *Slow) accept() {
	for {
		in, err := s.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", s.to)
		if err != nil || !s.keep(in, out) {
			in.Close()
			continue
		}
		s.all.Go(func() {
			var ways sync.WaitGroup
			ways.Go(func() { s.carry(in, out) })
			ways.Go(func() { s.carry(out, in) })
			ways.Wait()
			s.drop(in)
			s.drop(out)
		})
	}
}

// keep notes a pair of connections, unless it is over.
func (s *Slow) keep(in, out net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		out.Close()
		return false
	}
	s.open[in], s.open[out] = struct{}{}, struct{}{}
	return true
}

// drop closes one end.
func (s *Slow) drop(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; ok {
		delete(s.open, c)
		c.Close()
	}
}

// parcel is something on its way.
type parcel struct {
	due  time.Time
	data []byte
}

// onTheWay is how many parcels there may be on a way before nobody takes more.
const onTheWay = 4096

// carry takes everything from one end to the other, and then its end.
func (s *Slow) carry(from, to net.Conn) {
	way := make(chan parcel, onTheWay)
	var arriving sync.WaitGroup
	defer arriving.Wait()
	arriving.Go(func() {
		for p := range way {
			<-time.After(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				s.drop(from) // nobody reads on
			}
		}
		if c, ok := to.(*net.TCPConn); ok {
			_ = c.CloseWrite() // or it is closed already
		}
	})
	defer close(way)
	for buf := make([]byte, 64<<10); ; {
		n, err := from.Read(buf)
		if n > 0 {
			way <- parcel{time.Now().Add(s.delay), append([]byte(nil), buf[:n]...)}
		}
		if err != nil {
			return
		}
	}
}
