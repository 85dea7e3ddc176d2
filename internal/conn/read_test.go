package conn_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/msnp"
)

func TestFramesArriveHoweverTheyAreSent(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	several := ""
	var lines []string
	for i := range 500 {
		several += fmt.Sprintf("CAL %d bob@example.com\r\n", i)
		lines = append(lines, fmt.Sprintf("CAL %d bob@example.com", i))
	}
	for _, tc := range []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"in one piece", []string{"CAL 1 a@b\r\n"}, []string{"CAL 1 a@b"}},
		{"byte by byte", strings.Split(message(1, "a\r\nb\r\n")+"\n\r\n \r\nCAL 2 x\n", ""), []string{"MSG 1 U 6", "a", "b", "CAL 2 x"}},
		{"many in one read", []string{several}, lines},
		{"cut at every place", pieces(several, 7), lines},
		{"larger than the first buffer", []string{message(1, long) + "CAL 2\r\n"}, []string{
			fmt.Sprintf("MSG 1 U %d", len(long)), long + "CAL 2",
		}},
		{"larger than the first buffer, in pieces", pieces(message(1, long)+"CAL 2\r\n"+message(3, long)+"CAL 4\r\n", 700), []string{
			fmt.Sprintf("MSG 1 U %d", len(long)), long + "CAL 2", fmt.Sprintf("MSG 3 U %d", len(long)), long + "CAL 4",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conform(t, usual, func(w *world) {
				s := w.listen(script{})
				c := s.dial()
				for _, p := range tc.pieces {
					c.say(p)
				}
				c.hear(tc.want...)
				c.Close()
				s.closed(conn.PeerClosed)
			})
		})
	}
}

// pieces cuts text into pieces of n bytes.
func pieces(text string, n int) []string {
	var all []string
	for ; len(text) > n; text = text[n:] {
		all = append(all, text[:n])
	}
	return append(all, text)
}

func TestWhatIsNoCommandEndsTheConnection(t *testing.T) {
	for _, tc := range []struct{ name, text string }{
		{"a line without end", strings.Repeat("a", 5000)},
		{"a line that is too long", strings.Repeat("a", 1025) + "\r\n"},
		{"a payload that is too long", "MSG 1 U 99999999\r\n"},
		{"a payload of negative length", "MSG 1 U -1\r\n"},
		{"too many parameters", strings.Repeat("a ", 100) + "\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conform(t, usual, func(w *world) {
				s := w.listen(script{})
				c := s.dial()
				c.say("CAL 1\r\n" + tc.text)
				c.hear("CAL 1")
				s.closed(conn.Malformed)
				c.ended()
			})
		})
	}
}

func TestFramesBeforeAMalformedOneAreHandled(t *testing.T) {
	conform(t, usual, func(w *world) {
		s := w.listen(script{})
		c := s.dial()
		c.say("CAL 1\r\nCAL 2\r\nMSG 3 U x\r\nCAL 4\r\n")
		c.hear("CAL 1", "CAL 2")
		c.ended()
		s.closed(conn.Malformed)
	})
}

func TestSetGrammarChangesHowTheNextFrameIsRead(t *testing.T) {
	conform(t, usual, func(w *world) {
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.USR {
				c.SetGrammar(msnp.NotificationGrammar)
			}
			c.Send(fmt.Appendf(nil, "%s %d\r\n", f.Verb, len(f.Payload)))
		}})
		c := s.dial()
		c.say("PAG 1 x 5\r\nUSR 1\r\nPAG 2 x 5\r\nhelloMSG 3 U 5\r\n")
		c.hear("PAG 0", "USR 0", "PAG 5", "MSG 0")
	})
}

// A client may close its side once it has said everything, and still listen.
func TestHalfCloseStillGetsItsAnswers(t *testing.T) {
	conform(t, usual, func(w *world) {
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.CAL {
				c.Go(answer(c, f))
				return
			}
			echo(c, f)
		}})
		c := s.dial()
		c.say("ANS 1\r\nCAL 2\r\nANS 3\r\nCAL")
		if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			w.Fatal(err)
		}
		c.hear("ANS 1", "CAL 2", "ANS 3")
		c.ended()
		s.closed(conn.PeerClosed)
	})
}

func TestReset(t *testing.T) {
	conform(t, usual, func(w *world) {
		s := w.listen(script{})
		c, bystander := s.dial(), s.dial()
		c.ping()
		c.reset()
		s.closed(conn.PeerReset)
		bystander.ping()
	})
}

func TestGoStopsReadingUntilItReturned(t *testing.T) {
	conform(t, usual, func(w *world) {
		started, release := make(chan struct{}), make(chan struct{})
		var later atomic.Bool
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.MSG {
				f = f.Clone()
				c.Go(func(context.Context) {
					close(started)
					<-release
					if later.Load() {
						w.Error("the next frame was handled meanwhile")
					}
					c.Send([]byte("DONE\r\n"), f.Payload)
				})
				c.Send([]byte("BEGUN\r\n"))
				return
			}
			if f.Verb == msnp.CAL {
				later.Store(true)
			}
			echo(c, f)
		}})
		c, bystander := s.dial(), s.dial()
		c.say(message(1, "first\r\n") + "CAL 2\r\n")
		c.hear("BEGUN")
		w.wait("the slow function", started)
		c.say(strings.Repeat("CAL 3\r\n", 1000)) // would fill the buffer anew
		s.idle(bystander)
		close(release)
		c.hear("DONE", "first", "CAL 2", "CAL 3")
	})
}

func TestGoIsBounded(t *testing.T) {
	limits := usual
	limits.Slow = 2
	conform(t, limits, func(w *world) {
		var running, most atomic.Int32
		release := make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.PNG {
				echo(c, f)
				return
			}
			reply := answer(c, f)
			c.Go(func(ctx context.Context) {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-release
				running.Add(-1)
				reply(ctx)
			})
		}})
		bystander := s.dial()
		clients := make([]*client, 10)
		for i := range clients {
			clients[i] = s.dial()
			clients[i].say("CAL 1\r\n")
		}
		s.idle(bystander)
		close(release)
		for _, c := range clients {
			c.hear("CAL 1")
		}
		if n := most.Load(); n > 2 {
			w.Errorf("%d slow functions ran at a time", n)
		}
	})
}

// More may run at a time from one moment to the next; fewer, once those have ended that run.
func TestGoIsBoundedByLimitsThatChange(t *testing.T) {
	limits := usual
	limits.Slow = 1
	conform(t, limits, func(w *world) {
		running, release := make(chan struct{}), make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.PNG {
				echo(c, f)
				return
			}
			reply := answer(c, f)
			c.Go(func(ctx context.Context) {
				running <- struct{}{}
				<-release
				reply(ctx)
			})
		}})
		bystander := s.dial()
		clients := make([]*client, 6)
		for i := range clients {
			clients[i] = s.dial()
			clients[i].say("CAL 1\r\n")
		}
		more := func(n int) {
			w.Helper()
			for range n {
				w.wait("another slow function", running)
			}
			s.idle(bystander)
			w.none("one slow function too many", running)
		}
		more(1)
		limits.Slow = 4
		w.engine.SetLimits(limits)
		more(3)
		limits.Slow = 2
		w.engine.SetLimits(limits)
		release <- struct{}{}
		release <- struct{}{}
		more(0)
		release <- struct{}{}
		more(1)
		release <- struct{}{}
		more(1)
		close(release)
		for _, c := range clients {
			c.hear("CAL 1")
		}
	})
}

func TestPauseLeavesTheConnectionUnread(t *testing.T) {
	conform(t, unhurried, func(w *world) {
		var paused, read time.Time
		done := make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			switch f.Verb {
			case msnp.MSG:
				paused = w.clock.Now()
				c.Pause(time.Hour)
			case msnp.CAL:
				read = w.clock.Now()
				close(done)
			}
			echo(c, f)
		}})
		c, bystander := s.dial(), s.dial()
		c.say(message(1, "\r\n") + "CAL 2\r\n")
		c.hear("MSG 1 U 2", "") // the answer is not held back
		s.idle(bystander)
		w.none("the next frame", done)
		w.clock.Advance(59 * time.Minute)
		s.idle(bystander)
		w.none("the next frame", done)
		w.pass(bystander, done)
		c.hear("CAL 2")
		if d := read.Sub(paused); d < time.Hour {
			w.Errorf("read on after %v", d)
		}
	})
}

// pass moves the clock until something has happened.
func (w *world) pass(bystander *client, happened <-chan struct{}) {
	w.Helper()
	for end := time.Now().Add(patience / 2); time.Now().Before(end); {
		w.clock.Advance(time.Minute)
		bystander.ping()
		select {
		case <-happened:
			return
		default:
		}
	}
	w.Fatalf("nothing happened in %v, whatever the clock said", patience/2)
}

func TestAPauseEndsWithTheConnection(t *testing.T) {
	conform(t, usual, func(w *world) {
		conns := make(chan *conn.Conn, 1)
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			c.Pause(time.Hour)
			conns <- c
		}})
		c := s.dial()
		c.say("CAL 1\r\n")
		(<-conns).Close(conn.Kicked)
		s.closed(conn.Kicked)
		c.ended()
	})
}

// Whoever does not read what he is sent is not read from either: he fills the kernel's
// buffers, not ours.
func TestBackPressure(t *testing.T) {
	limits := usual
	limits.QueueBytes = 64 << 10
	conform(t, limits, func(w *world) {
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if !c.Send(f.AppendEcho(nil), f.Payload) {
				w.Error("the queue went over its limit")
			}
		}})
		c, bystander := s.dial(), s.dial()
		line := "CAL " + strings.Repeat("x", 200)
		block := strings.Repeat(line+"\r\n", 100)

		sent, rest, err := 0, 0, error(nil)
		for err == nil && sent < 2000 { // 40 MB: more than the kernel takes on all ways
			c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			rest, err = c.Write([]byte(block))
			sent++
		}
		if err == nil {
			w.Fatal("everything was taken")
		}
		bystander.ping()

		var sender sync.WaitGroup
		sender.Go(func() {
			c.SetWriteDeadline(time.Now().Add(patience))
			c.say(block[rest:])
		})
		for range 100 * sent { // once it reads again, nothing is lost
			c.hear(line)
		}
		sender.Wait()
		c.Close()
		s.closed(conn.PeerClosed)
	})
}

func TestPeerAndNumber(t *testing.T) {
	conform(t, usual, func(w *world) {
		seen := make(chan *conn.Conn, 2)
		s := w.listen(script{open: func(c *conn.Conn) { seen <- c }})
		a := s.dial()
		first := <-seen
		if got := first.Peer().String(); got != a.LocalAddr().String() {
			w.Errorf("peer %s, want %s", got, a.LocalAddr())
		}
		s.dial()
		if second := <-seen; second.ID() <= first.ID() {
			w.Errorf("number %d after %d", second.ID(), first.ID())
		}
	})
}
