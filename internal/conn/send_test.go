package conn_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/conn"
)

// opened returns a client and its connection as the server sees it.
func (s *site) opened(conns <-chan *conn.Conn) (*client, *conn.Conn) {
	s.w.Helper()
	c := s.dial()
	select {
	case sc := <-conns:
		return c, sc
	case <-time.After(patience):
		s.w.Fatal("the connection was not opened")
		return nil, nil
	}
}

// publish is a script that makes each connection known.
func publish() (script, chan *conn.Conn) {
	conns := make(chan *conn.Conn, 512)
	return script{open: func(c *conn.Conn) { conns <- c }}, conns
}

func TestSendFromManyGoroutinesKeepsPiecesWhole(t *testing.T) {
	conform(t, usual, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		c, server := s.opened(conns)
		const senders, each = 8, 500
		var all sync.WaitGroup
		for g := range senders {
			all.Go(func() {
				buf := make([]byte, 0, 64) // used again at once: Send keeps nothing
				for i := range each {
					buf = fmt.Appendf(buf[:0], "%d %d", g, i)
					if !server.Send([]byte("MSG "), buf, []byte("\r\n")) {
						w.Errorf("sender %d, piece %d: not taken", g, i)
					}
				}
			})
		}
		next := make([]int, senders)
		for range senders * each {
			line, err := c.r.ReadString('\n')
			var g, i int
			if _, scanErr := fmt.Sscanf(line, "MSG %d %d\r\n", &g, &i); err != nil || scanErr != nil {
				w.Fatalf("heard %q, %v", line, err)
			}
			if g >= senders || i != next[g] {
				w.Fatalf("sender %d: piece %d, want %d", g, i, next[g])
			}
			next[g]++
		}
		all.Wait()
	})
}

func TestSendOfNothing(t *testing.T) {
	conform(t, usual, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		c, server := s.opened(conns)
		if !server.Send() || !server.Send(nil, []byte{}) || !server.Send([]byte("CAL 1\r\n"), nil) {
			w.Error("not taken")
		}
		c.hear("CAL 1")
	})
}

// Somebody who does not read costs what the queue's limit says, and then his connection.
func TestSlowReaderIsClosed(t *testing.T) {
	limits := usual
	limits.QueueBytes = 64 << 10
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		slow, server := s.opened(conns)
		other, _ := s.opened(conns)
		piece := []byte(strings.Repeat("x", 1022) + "\r\n")
		sent := 0
		for ; server.Send(piece); sent++ {
			if sent > 100_000 {
				w.Fatal("everything was taken")
			}
			if sent%100 == 0 {
				other.ping()
			}
		}
		s.closed(conn.Slow)
		if server.Send([]byte("CAL 1\r\n")) {
			w.Error("taken after the end")
		}
		other.ping()
		slow.cut()
	})
}

func TestAPieceLargerThanTheQueueIsNotTaken(t *testing.T) {
	limits := usual
	limits.QueueBytes = 1000
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		_, server := s.opened(conns)
		if !server.Send(make([]byte, 500), make([]byte, 500)) {
			w.Error("the limit itself was refused")
		}
		_, server = s.opened(conns)
		if server.Send(make([]byte, 500), make([]byte, 501)) {
			w.Error("more than the limit was taken")
		}
		s.closed(conn.Slow)
	})
}

// Somebody whose connection takes nothing for a while is closed before the queue is full.
func TestStalledReaderIsClosed(t *testing.T) {
	limits := usual
	limits.QueueBytes, limits.QueueStall = 64<<20, 200*time.Millisecond
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		c, server := s.opened(conns)
		other, _ := s.opened(conns)
		if !server.Send(make([]byte, 32<<20)) { // more than the kernel takes
			w.Error("not taken")
		}
		s.closed(conn.Slow)
		c.cut()
		other.ping()
	})
}

func TestCloseDuringSend(t *testing.T) {
	limits := usual
	limits.QueueBytes = 1 << 30
	for _, why := range []conn.Reason{conn.Kicked, conn.Slow} {
		t.Run(why.String(), func(t *testing.T) {
			conform(t, limits, func(w *world) {
				sc, conns := publish()
				s := w.listen(sc)
				for range 20 {
					c, server := s.opened(conns)
					w.closeDuringSend(c, server, why)
					s.closed(why)
				}
			})
		})
	}
}

func (w *world) closeDuringSend(c *client, server *conn.Conn, why conn.Reason) {
	var (
		taken atomic.Int64
		all   sync.WaitGroup
		begun = make(chan struct{}, 4)
	)
	for range 4 {
		all.Go(func() {
			for i := 0; server.Send([]byte("MSG "), []byte("line\r\n")); i++ {
				taken.Add(1)
				if i == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	all.Go(func() {
		<-begun
		server.Close(why)
		if server.Send([]byte("CAL 1\r\n")) {
			w.Error("taken after Close")
		}
	})
	text, err := io.ReadAll(c.r)
	all.Wait()
	lines := strings.Count(string(text), "MSG line\r\n")
	if why == conn.Slow {
		return // the rest is thrown away, wherever it stands
	}
	if err != nil || lines*len("MSG line\r\n") != len(text) || int64(lines) != taken.Load() {
		w.Errorf("%d lines in %d bytes, %v; %d were taken", lines, len(text), err, taken.Load())
	}
	c.Close()
}

// The deadline of an earlier write must not end a later one.
func TestLastLinesAfterALongSilence(t *testing.T) {
	limits := usual
	limits.QueueStall = 200 * time.Millisecond
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		var clients []*client
		var servers []*conn.Conn
		for range 300 {
			c, server := s.opened(conns)
			server.Send([]byte("CAL 1\r\n"))
			c.hear("CAL 1")
			clients, servers = append(clients, c), append(servers, server)
		}
		<-time.After(2 * limits.QueueStall) // there is no other way for that deadline to pass
		var all sync.WaitGroup
		taken := make([]bool, len(servers))
		for i, server := range servers {
			all.Go(func() {
				taken[i] = server.Send([]byte("OUT OTH\r\n"))
				server.Close(conn.Kicked)
			})
			all.Go(func() { server.Close(conn.Kicked) })
		}
		all.Wait()
		for i, c := range clients {
			text, err := io.ReadAll(c.r)
			if err != nil || taken[i] != (string(text) == "OUT OTH\r\n") {
				w.Errorf("taken: %t, but %q, %v", taken[i], text, err)
			}
			c.Close()
			s.closed(conn.Kicked)
		}
	})
}

func TestTwoThatSendToEachOtherDoNotWait(t *testing.T) {
	limits := usual
	limits.QueueBytes = 16 << 10
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		var clients []net.Conn
		var servers []*conn.Conn
		for range 2 {
			c, server := s.opened(conns)
			clients, servers = append(clients, c), append(servers, server)
		}
		var all sync.WaitGroup
		for i := range servers {
			all.Go(func() {
				for servers[i].Send(make([]byte, 1024)) {
					servers[1-i].Send([]byte("x"))
				}
			})
		}
		all.Wait()
		s.closed(conn.Slow)
		s.closed(conn.Slow)
		for _, c := range clients {
			c.Close()
		}
	})
}

// A limit that is changed holds for connections there are.
func TestLimitsChangeWhileConnectionsAreOpen(t *testing.T) {
	limits := usual
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		_, server := s.opened(conns)
		if !server.Send([]byte(strings.Repeat("x", 60<<10))) {
			w.Fatal("not taken within the first limit")
		}
		limits.QueueBytes = 1000
		w.engine.SetLimits(limits)
		if server.Send([]byte(strings.Repeat("x", 1001))) {
			w.Error("taken over the new limit")
		}
		s.closed(conn.Slow)
	})
}
