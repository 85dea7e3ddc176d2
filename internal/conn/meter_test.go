package conn_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/msnp"
)

// Whoever sends too much has to wait. Nothing is lost, and nobody else waits.
func TestAPeerThatSendsTooMuchWaits(t *testing.T) {
	conform(t, unhurried, func(w *world) {
		w.engine.SetBytes(clock.Rate{Burst: 10_000, Per: time.Hour}) // 1000 bytes in six minutes
		const frames, size = 15, 1000
		payload := strings.Repeat("x", size-len("MSG 10 U 986\r\n"))
		var last time.Time
		done := make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.MSG && f.Arg(0) == fmt.Sprint(10+frames-1) {
				last = w.clock.Now()
				close(done)
			}
			echo(c, f)
		}})
		c, bystander := s.dial(), s.dial()
		begun := w.clock.Now()
		for i := range frames {
			c.say(message(10+i, payload))
		}
		for i := range 11 { // the one too many was read before it was known
			c.hear(fmt.Sprintf("MSG %d U %d", 10+i, len(payload)))
			c.skip(len(payload))
		}
		w.awaitCount(`monarch_limited_total{what="bytes"} 1`)
		s.idle(bystander)
		w.none("the last frame", done)
		w.pass(bystander, done)
		if d := last.Sub(begun); d < 24*time.Minute {
			t.Errorf("read after %v", d)
		}
		for i := range frames - 11 {
			c.hear(fmt.Sprintf("MSG %d U %d", 10+11+i, len(payload)))
			c.skip(len(payload))
		}
	})
}

// awaitCount waits until a counter has the value of a line.
func (w *world) awaitCount(line string) {
	w.Helper()
	for end := time.Now().Add(patience); !w.count(line); {
		if time.Now().After(end) {
			w.Fatalf("no %s", line)
		}
	}
}

// skip reads what is not looked at.
func (c *client) skip(n int) {
	c.w.Helper()
	if _, err := c.r.Discard(n); err != nil {
		c.w.Fatal(err)
	}
}

// Empty lines are no commands, and yet they are bytes.
func TestEmptyLinesAreBytesToo(t *testing.T) {
	conform(t, unhurried, func(w *world) {
		w.engine.SetBytes(clock.Rate{Burst: 10_000, Per: time.Hour})
		done := make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.CAL && f.Arg(0) == "2" {
				close(done)
			}
			echo(c, f)
		}})
		c, bystander := s.dial(), s.dial()
		c.say(strings.Repeat("\r\n", 10_000) + "CAL 1\r\n") // which may be in one piece with them
		c.say("CAL 2\r\n")
		s.idle(bystander)
		w.none("the command behind them", done)
		w.pass(bystander, done)
		c.hear("CAL 1", "CAL 2")
	})
}

// The rate changes for connections that are there.
func TestTheRateOfBytesChangesWhileTheEngineRuns(t *testing.T) {
	conform(t, unhurried, func(w *world) {
		done := make(chan struct{})
		s := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb == msnp.CAL {
				close(done)
			}
			echo(c, f)
		}})
		c, bystander := s.dial(), s.dial()
		for range 100 {
			c.ping()
		}
		w.engine.SetBytes(clock.Rate{Burst: 14, Per: time.Hour})
		c.say(strings.Repeat("PNG\r\n", 3) + "CAL 1\r\n")
		w.awaitCount(`monarch_limited_total{what="bytes"} 1`)
		w.engine.SetBytes(clock.Rate{})
		s.idle(bystander)
		w.none("the next command", done)
		w.pass(bystander, done)
		c.hear("PNG", "PNG", "PNG", "CAL 1")
		for range 100 {
			c.ping()
		}
	})
}
