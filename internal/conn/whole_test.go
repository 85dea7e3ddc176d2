package conn_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/msnp"
)

// What begins must become whole in time: a byte now and then keeps nothing open.

func TestPipeFrameMustBecomeWhole(t *testing.T) {
	quiet := func(*conn.Conn, msnp.Frame) {}
	for _, tc := range []struct {
		name  string
		frame func(*conn.Conn, msnp.Frame)
		run   func(*piped)
	}{
		{"half a line", quiet, func(p *piped) {
			p.say("CA")
			<-time.After(time.Hour)
			p.ended(time.Minute, conn.Timeout)
		}},
		{"a payload of a byte a second", quiet, func(p *piped) {
			p.say("MSG 1 U 1000\r\n")
			for range 59 {
				<-time.After(time.Second)
				p.say("x")
				p.ended(-1, 0)
			}
			<-time.After(time.Second)
			p.ended(time.Minute, conn.Timeout)
		}},
		{"whole at the last moment", quiet, func(p *piped) {
			p.say("MSG 1 U 3\r\nab")
			<-time.After(59 * time.Second)
			p.say("c")
			<-time.After(time.Hour)
			p.ended(-1, 0)
		}},
		{"the next one has a time of its own", quiet, func(p *piped) {
			p.say("CAL 1\r\nCA")
			<-time.After(59 * time.Second)
			p.say("L 2\r\nCA")
			<-time.After(59 * time.Second)
			p.ended(-1, 0)
			<-time.After(time.Second)
			p.ended(119*time.Second, conn.Timeout)
		}},
		{"empty lines are nothing that begins", quiet, func(p *piped) {
			for range 100 {
				p.say("\r\n \t\r\n")
				<-time.After(time.Second)
			}
			<-time.After(time.Hour)
			p.ended(-1, 0)
		}},
		{"a pause is not the peer's", func(c *conn.Conn, _ msnp.Frame) { c.Pause(10 * time.Minute) }, func(p *piped) {
			p.say("CAL 1\r\nCA")
			<-time.After(10*time.Minute + 59*time.Second)
			p.ended(-1, 0)
			<-time.After(time.Second)
			p.ended(11*time.Minute, conn.Timeout)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) { overPipe(t, usual, tc.frame, tc.run) })
	}
}

// A peer that must read before it is read from cannot be blamed for half a frame.
func TestPipeBackPressureExcusesHalfAFrame(t *testing.T) {
	limits := usual
	limits.QueueBytes, limits.QueueStall = 10_000, time.Hour
	answer := []byte(strings.Repeat("x", 998) + "\r\n")
	overPipe(t, limits, func(c *conn.Conn, _ msnp.Frame) {
		for range 6 {
			c.Send(answer)
		}
	}, func(p *piped) {
		p.say("CAL 1\r\nCA")
		<-time.After(50 * time.Minute)
		p.ended(-1, 0)
		for range 6 {
			p.hear(string(answer[:998]))
		}
		<-time.After(time.Hour)
		p.ended(51*time.Minute, conn.Timeout)
	})
}

func TestADripEnds(t *testing.T) {
	conform(t, usual, func(w *world) {
		s := w.listen(script{})
		bystander := s.dial()
		for _, begin := range []string{"CAL ", "MSG 1 U 100000\r\n", "PNG\r\nMSG 1 U 100000\r\n"} {
			c := s.dial()
			c.say(begin)
			waited := time.Duration(0)
			for over := false; !over; waited += time.Second {
				bystander.ping()
				w.clock.Advance(time.Second)
				select {
				case why := <-s.reasons:
					over = true
					if why != conn.Timeout {
						w.Errorf("%q: closed for %v", begin, why)
					}
				default:
					_, _ = fmt.Fprint(c, "x") // it may be closing
				}
			}
			if waited < usual.Frame {
				w.Errorf("%q: closed after %v", begin, waited)
			}
		}
		bystander.ping()
	})
}

// The same with real sockets, where the kernel holds what is left unread.
func TestBackPressureExcusesHalfAFrame(t *testing.T) {
	limits := usual
	limits.QueueBytes, limits.QueueStall = 32<<20, 24*time.Hour
	conform(t, limits, func(w *world) {
		piece := make([]byte, 1<<20)
		s := w.listen(script{frame: func(c *conn.Conn, _ msnp.Frame) {
			for range 28 { // more than half of the limit remains, whatever the kernel takes
				c.Send(piece)
			}
		}})
		bystander := w.listen(script{}).dial()
		c := s.dial()
		c.say("CAL 1\r\nCA")
		for i := range 180 {
			s.idle(bystander)
			w.clock.Advance(time.Second)
			if i == 30 {
				c.say("L 2\r\n") // which is left unread
			}
		}
		select {
		case why := <-s.reasons:
			w.Fatalf("closed for %v", why)
		default:
		}
		c.Close()
	})
}
