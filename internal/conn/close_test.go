package conn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"monarch/internal/conn"
	"monarch/msnp"
)

func TestClosedIsCalledOnceWithTheFirstReason(t *testing.T) {
	for why := conn.PeerClosed; why.String() != "open"; why++ {
		t.Run(why.String(), func(t *testing.T) {
			conform(t, usual, func(w *world) {
				sc, conns := publish()
				s := w.listen(sc)
				c, server := s.opened(conns)
				var all sync.WaitGroup
				server.Close(why)
				for range 4 { // no other reason counts any more
					all.Go(func() { server.Close(conn.Flood) })
				}
				c.Close()
				all.Wait()
				s.closed(why)
				w.shutdown()
				if n := len(s.reasons); n > 0 {
					w.Errorf("Closed was called %d times more", n)
				}
				if line := fmt.Sprintf(`monarch_connections_closed_total{reason="%v",role="test"} 1`, why); !w.count(line) {
					w.Errorf("the metrics do not say %s", line)
				}
			})
		})
	}
}

func TestReasonsHaveNames(t *testing.T) {
	seen := make(map[string]bool)
	for why := conn.PeerClosed; why <= conn.Panicked; why++ {
		if name := why.String(); name == "" || name == "open" || seen[name] || strings.ToLower(name) != name {
			t.Errorf("%d is called %q", why, name)
		}
		seen[why.String()] = true
	}
	for _, none := range []conn.Reason{0, -1, conn.Panicked + 1} {
		if none.String() != "open" {
			t.Errorf("%d is called %q", none, none)
		}
	}
}

func TestCloseFlushesWhatIsQueued(t *testing.T) {
	conform(t, usual, func(w *world) {
		big := strings.Repeat("x", 500_000)
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			c.Send([]byte(big), []byte("\r\n"))
			c.Send([]byte("OUT OTH\r\n"))
			c.Close(conn.Displaced)
			if c.Send([]byte("CAL 1\r\n")) {
				w.Error("taken after Close")
			}
		}})
		c := s.dial()
		c.say("CAL 1\r\nCAL 2\r\n")
		s.closed(conn.Displaced) // is told before all is read
		c.hear(big, "OUT OTH")
		c.ended()
	})
}

// Input that nobody reads turns a plain close into a reset, which takes the last lines with
// it.
func TestLastLinesOutliveUnreadInput(t *testing.T) {
	conform(t, usual, func(w *world) {
		big := strings.Repeat("x", 300_000)
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			c.Send([]byte(big), []byte("\r\nOUT SSD\r\n"))
			c.Close(conn.Unavailable)
		}})
		for range 10 {
			c := s.dial()
			c.say("CAL 1\r\n" + strings.Repeat("CAL 2\r\n", 20_000))
			c.hear(big, "OUT SSD")
			c.ended()
			c.Close()
			s.closed(conn.Unavailable)
		}
	})
}

// Somebody who does not take the last lines is not waited for longer than the limits say.
func TestClosingIsLimited(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*conn.Limits)
		queued int
	}{
		{"when the output is not taken", func(l *conn.Limits) { l.CloseFlush = 20 * time.Millisecond }, 32 << 20},
		{"when the peer does not close", func(l *conn.Limits) { l.Linger = 20 * time.Millisecond }, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := usual
			limits.QueueBytes = 64 << 20
			tc.change(&limits)
			conform(t, limits, func(w *world) {
				sc, conns := publish()
				s := w.listen(sc)
				_, server := s.opened(conns)
				server.Send(make([]byte, tc.queued))
				server.Close(conn.Kicked)
				s.closed(conn.Kicked)
				w.shutdown() // before the client closes
			})
		})
	}
}

func TestExpect(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world, c *client)
		ends bool
	}{
		{"fires", func(w *world, c *client) {
			c.say("ANS 60\r\n")
			c.hear("ANS 60")
			w.clock.Advance(59 * time.Second)
			c.ping()
			w.clock.Advance(time.Second)
		}, true},
		{"fires whatever arrives", func(w *world, c *client) {
			c.say("ANS 60\r\n")
			c.hear("ANS 60")
			for range 6 {
				c.ping()
				w.clock.Advance(10 * time.Second)
			}
		}, true},
		{"is renewed", func(w *world, c *client) {
			for range 5 {
				c.say("ANS 60\r\n")
				c.hear("ANS 60")
				w.clock.Advance(50 * time.Second)
			}
		}, false},
		{"is shortened", func(w *world, c *client) {
			c.say("ANS 3600\r\nANS 60\r\n")
			c.hear("ANS 3600", "ANS 60")
			w.clock.Advance(60 * time.Second)
		}, true},
		{"is cleared", func(w *world, c *client) {
			c.say("ANS 60\r\nANS 0\r\n")
			c.hear("ANS 60", "ANS 0")
			w.clock.Advance(time.Hour)
		}, false},
		{"is none from the beginning", func(w *world, c *client) {
			c.ping()
			w.clock.Advance(24 * time.Hour)
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conform(t, usual, func(w *world) {
				s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
					var seconds int
					if _, err := fmt.Sscan(f.Arg(0), &seconds); err == nil {
						c.Expect(time.Duration(seconds) * time.Second)
					}
					echo(c, f)
				}})
				c := s.dial()
				tc.run(w, c)
				if tc.ends {
					s.closed(conn.Timeout)
					c.ended()
					return
				}
				c.ping()
			})
		})
	}
}

func TestExpectCutsAPeerThatDoesNotRead(t *testing.T) {
	limits := usual
	limits.QueueBytes, limits.QueueStall, limits.CloseFlush = 64<<20, time.Hour, 20*time.Millisecond
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		_, server := s.opened(conns)
		server.Send(make([]byte, 40<<20)) // more than half the limit: it is not read from
		server.Expect(time.Minute)
		w.clock.Advance(time.Minute)
		s.closed(conn.Timeout)
	})
}

func TestAPanicCostsOneConnection(t *testing.T) {
	fault := func() { panic("a fault of the test") }
	for _, tc := range []struct {
		name   string
		script script
		reason conn.Reason // 0: there is no handler
	}{
		{"in Frame", script{frame: func(*conn.Conn, msnp.Frame) { fault() }}, conn.Panicked},
		{"in Go", script{frame: func(c *conn.Conn, _ msnp.Frame) { c.Go(func(context.Context) { fault() }) }}, conn.Panicked},
		{"in Open", script{open: func(*conn.Conn) { fault() }}, 0},
		{"in Closed", script{
			frame: func(c *conn.Conn, _ msnp.Frame) { c.Close(conn.SignedOut) }, closed: func(conn.Reason) { fault() },
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := usual
			limits.Slow = 1
			conform(t, limits, func(w *world) {
				healthy := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) { c.Go(answer(c, f)) }})
				bystander := healthy.dial()
				bystander.ping()
				s := w.listen(tc.script)
				c := s.dial()
				c.say("CAL 1\r\n")
				if tc.reason != 0 {
					s.closed(tc.reason)
				}
				c.cut()
				bystander.ping()
				if !w.count("monarch_panics_total 1") {
					w.Error("not counted")
				}
				if log := w.log.String(); !strings.Contains(log, "a fault of the test") || !strings.Contains(log, "close_test.go") {
					w.Errorf("the log tells nothing: %s", log)
				}
			})
		})
	}
}

func TestOpenMayRefuse(t *testing.T) {
	conform(t, usual, func(w *world) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.Fatal(err)
		}
		w.serve(l, conn.Role{Name: "full", Grammar: grammar, Open: func(c *conn.Conn) conn.Handler {
			c.Expect(time.Minute)
			return nil
		}})
		for range 3 {
			nc, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				w.Fatal(err)
			}
			w.client(nc).cut()
		}
		w.shutdown()
		if !w.count(`monarch_connections_closed_total{reason="flood",role="full"} 3`) {
			w.Error("not counted")
		}
	})
}

func TestShutdownFlushes(t *testing.T) {
	conform(t, usual, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		big := strings.Repeat("x", 500_000)
		var all sync.WaitGroup
		for range 8 {
			c, server := s.opened(conns)
			server.Send([]byte(big + "\r\nOUT SSD\r\n"))
			all.Go(func() {
				for _, want := range []string{big, "OUT SSD"} {
					if line, err := c.r.ReadString('\n'); line != want+"\r\n" {
						w.Errorf("heard %.20q, %v", line, err)
					}
				}
				c.ended()
				c.Close()
			})
		}
		w.shutdown()
		all.Wait()
		for range 8 {
			s.closed(conn.Unavailable)
		}
		newcomer, ours := net.Pipe()
		w.engine.Attach(ours, s.role())
		if _, err := newcomer.Read(make([]byte, 1)); err == nil || w.engine.Count() != 0 {
			w.Error("a newcomer was let in")
		}
	})
}

// Who comes while the engine stops is refused or closed, and holds nothing up.
func TestShutdownAmongNewcomers(t *testing.T) {
	conform(t, usual, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		var crowd sync.WaitGroup
		for range 200 {
			crowd.Go(func() {
				nc, err := net.Dial("tcp", s.addr)
				if err != nil {
					w.Error(err)
					return
				}
				defer nc.Close()
				_, _ = io.Copy(io.Discard, nc) // ends in one way or another
			})
		}
		<-conns // some are in
		w.shutdown()
		crowd.Wait()
	})
}

func TestShutdownWaitsForSlowHandlers(t *testing.T) {
	conform(t, usual, func(w *world) {
		begun, release := make(chan struct{}), make(chan struct{})
		var ended atomic.Bool
		s := w.listen(script{frame: func(c *conn.Conn, _ msnp.Frame) {
			c.Go(func(context.Context) {
				close(begun)
				<-release
				ended.Store(true)
			})
		}})
		c := s.dial()
		c.say("CAL 1\r\n")
		w.wait("the slow function", begun)
		var down sync.WaitGroup
		down.Go(func() {
			w.shutdown()
			if !ended.Load() {
				w.Error("it was not waited for")
			}
		})
		c.Close()
		close(release)
		down.Wait()
		s.closed(conn.Unavailable, conn.PeerClosed)
	})
}

// What waits for something else, such as a database, must hear when there is no more time.
func TestShutdownEndsTheContextOfSlowHandlers(t *testing.T) {
	conform(t, usual, func(w *world) {
		begun, heard := make(chan struct{}), make(chan struct{})
		var ended atomic.Bool
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb != msnp.CAL {
				echo(c, f)
				return
			}
			c.Go(func(ctx context.Context) {
				close(begun)
				<-ctx.Done()
				close(heard)
				ended.Store(true)
			})
		}})
		bystander := s.dial()
		bystander.ping()
		s.dial().say("CAL 1\r\n")
		w.wait("the slow function", begun)
		ctx, cancel := context.WithCancel(w.Context())
		var down sync.WaitGroup
		down.Go(func() {
			if err := w.engine.Shutdown(ctx); !errors.Is(err, context.Canceled) {
				w.Errorf("err = %v", err)
			}
		})
		bystander.ended() // the shutdown is under way, and there is time
		w.none("the end of the context", heard)
		cancel()
		down.Wait()
		if !ended.Load() {
			w.Error("the slow function was not waited for")
		}
	})
}

// The limits would allow an hour, the operator does not.
func TestShutdownEndsWithItsContext(t *testing.T) {
	limits := usual
	limits.QueueBytes, limits.QueueStall, limits.CloseFlush, limits.Linger = 64<<20, time.Hour, time.Hour, time.Hour
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		s := w.listen(sc)
		_, stuck := s.opened(conns)
		stuck.Send(make([]byte, 32<<20))
		_, lingering := s.opened(conns)
		lingering.Send([]byte("OUT SSD\r\n"))
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		if err := w.engine.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			w.Errorf("err = %v", err)
		}
		s.closed(conn.Unavailable)
		s.closed(conn.Unavailable)
		if n := w.engine.Count(); n != 0 {
			w.Errorf("%d connections are left", n)
		}
	})
}

// fullListener has no descriptors left, twice.
type fullListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *fullListener) Accept() (net.Conn, error) {
	if l.failures.Add(1) <= 2 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestServeOutlastsErrors(t *testing.T) {
	conform(t, usual, func(w *world) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.Fatal(err)
		}
		s := &site{w: w, addr: l.Addr().String(), reasons: make(chan conn.Reason, 1)}
		w.serve(&fullListener{Listener: l}, s.role())
		s.dial().ping()
		if !strings.Contains(w.log.String(), "too many open files") {
			w.Error("the log tells nothing")
		}
	})
}

// Ten thousand connections come and go, in every way; with -short it is five hundred.
func TestConnectionsComeAndGo(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 500
	}
	conform(t, usual, func(w *world) {
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			c.Expect(time.Hour)
			switch f.Verb {
			case msnp.OUT:
				c.Close(conn.SignedOut)
			case msnp.USR:
				c.Go(answer(c, f))
			default:
				echo(c, f)
			}
		}})
		s.dial().ping() // the first connection may start what all share
		before := goleak.IgnoreCurrent()
		var all sync.WaitGroup
		for g := range 16 {
			all.Go(func() {
				for i := g; i < n; i += 16 {
					if err := s.visit(i); err != nil {
						w.Errorf("visit %d: %v", i, err)
					}
				}
			})
		}
		all.Wait()
		spare := goleak.IgnoreTopFunction("monarch/internal/conn.(*workers).work") // a few, for the next slow handler
		if err := goleak.Find(before, spare); err != nil {
			w.Error(err)
		}
		w.left(1)
		if len(s.reasons) != n {
			w.Errorf("%d of %d connections closed", len(s.reasons), n)
		}
	})
}

// left waits until n connections are left.
func (w *world) left(n int) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); w.engine.Count() != n; <-tick.C {
		if time.Since(began) > patience {
			w.Fatalf("%d connections are left, want %d", w.engine.Count(), n)
		}
	}
}

// visit connects, says something, and leaves in one of several ways.
func (s *site) visit(i int) error {
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	said := []string{"CAL 1\r\n", "USR 1\r\n", "CAL 1\r\nUSR 2\r\n", ""}[i%4]
	if _, err := nc.Write([]byte(said)); err != nil {
		return err
	}
	heard := make([]byte, len(said))
	for n := 0; n < len(heard); {
		k, err := nc.Read(heard[n:])
		if err != nil {
			return err
		}
		n += k
	}
	tcp := nc.(*net.TCPConn)
	switch i % 5 {
	case 0:
		return tcp.SetLinger(0) // the close becomes a reset
	case 1:
		if err := tcp.CloseWrite(); err != nil {
			return err
		}
		_, err = nc.Read(heard[:0:0])
	case 2:
		_, err = nc.Write([]byte("OUT\r\n"))
	case 3:
		_, err = nc.Write([]byte("half a li"))
	}
	return err
}
