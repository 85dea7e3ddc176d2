package ns

import (
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/msnp"
)

// movePatience is how long a client may take to go where it was sent. Most go at once, and some
// do not know the word.
const movePatience = 10 * time.Second

// drain is the moving of people to other nodes.
type drain struct {
	turn sync.Mutex     // held by who begins or ends it, until that is done; before mu
	stop chan struct{}  // nil: nobody is moved
	work sync.WaitGroup // its goroutine

	mu   sync.Mutex                 // taken before a session's
	sent map[*session]time.Duration // who was told to go, and when by the clock's Elapsed
}

// Move sends everybody who is signed in here to other nodes, so many a second, and whoever comes, until
// [Server.Stay]. Before the first goes, tell has these nodes know that this one sends people. Clients are
// told where to go; one that is still there some seconds later is told that the server shuts down, and
// comes back by itself. Watchers hear nothing of those who are back in time.
// docs/protocol/signin.md#moving
func (s *Server) Move(perSecond int, tell func()) {
	d := &s.drain
	d.turn.Lock()
	defer d.turn.Unlock()
	s.halt()
	stop := make(chan struct{})
	d.stop = stop
	s.moving.Store(true)
	d.work.Go(func() {
		tell()
		if s.moving.Load() { // nobody may stay meanwhile
			s.move(perSecond, stop)
		}
	})
}

// Stay ends that.
func (s *Server) Stay() {
	d := &s.drain
	d.turn.Lock()
	defer d.turn.Unlock()
	s.moving.Store(false)
	s.halt()
}

// halt ends the goroutine, if there is one. Only those who may be on their way are still known to
// have been told. The turn is held.
func (s *Server) halt() {
	d := &s.drain
	if d.stop != nil {
		close(d.stop)
		d.work.Wait()
		d.stop = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	going := make(map[*session]time.Duration)
	for one, since := range d.sent {
		if !s.late(since) {
			going[one] = since
		}
	}
	d.sent = going
}

// late reports whether whoever was told to go at a time has had long enough.
func (s *Server) late(since time.Duration) bool { return s.Clock.Elapsed()-since >= movePatience }

// move goes round until it is stopped. Whoever it is late for is moved at once, so that on average it keeps
// the pace, and what it did not use while there was nobody it does not make up for.
func (s *Server) move(perSecond int, stop <-chan struct{}) {
	for {
		begun, moved := s.Clock.Elapsed(), 0
		for _, one := range s.Hub.Sessions() {
			if !s.moveOne(one.(*session)) {
				continue
			}
			moved++
			next := begun + time.Duration(moved)*time.Second/time.Duration(perSecond)
			if !s.rest(next-s.Clock.Elapsed(), stop) {
				return
			}
		}
		if !s.rest(time.Second, stop) {
			return
		}
	}
}

// rest waits, and reports false when it was told to stop.
func (s *Server) rest(d time.Duration, stop <-chan struct{}) bool {
	over := make(chan struct{})
	if d <= 0 {
		close(over)
	} else {
		var timer clock.Timer
		s.Clock.Set(&timer, d, func() { close(over) })
		defer s.Clock.Stop(&timer)
	}
	select {
	case <-stop:
		return false
	case <-over:
		return true
	}
}

// moveOne does what is to be done with a session, and reports whether that was anything.
func (s *Server) moveOne(one *session) bool {
	d := &s.drain
	d.mu.Lock()
	since, told := d.sent[one]
	if told {
		d.mu.Unlock()
		return s.late(since) && one.Deliver(hub.Kicked{Why: hub.ServerStops})
	}
	defer d.mu.Unlock()
	addr, ok := s.Home("")
	if !ok || !one.refer(addr) {
		return false
	}
	d.sent[one] = s.Clock.Elapsed()
	s.Metrics.Moved.Inc()
	return true
}

// refer sends the client to another notification server, when it has signed in.
func (s *session) refer(addr string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.greeted && s.conn.Send(msnp.AppendLine(nil, msnp.XFR, string(msnp.Async), "NS", addr, "0", s.srv.DispatchAddr))
}

// moved reports whether a session was told to go, and forgets it. Whoever is still there some time after
// everybody may stay has stayed.
func (s *Server) moved(one *session) bool {
	d := &s.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	since, told := d.sent[one]
	delete(d.sent, one)
	return told && (s.moving.Load() || !s.late(since))
}

// ending returns how a sign-in ended whose connection was closed for a reason.
func (s *session) ending(why conn.Reason) hub.Ending {
	moved := s.srv.moved(s)
	switch {
	case why == conn.Displaced || why == conn.Kicked:
		return hub.Expelled
	case why == conn.Revoked:
		return hub.Revoked
	case why == conn.Unavailable || moved: // it comes back, at another node
		return hub.Stopped
	}
	return hub.Left
}
