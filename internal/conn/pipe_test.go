package conn_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// The portable engine runs anything that is a net.Conn. Over pipes the time can be the
// test's own, so these tests say exactly when something happens.

// piped is a connection over a pipe in a bubble of its own time.
type piped struct {
	*testing.T
	engine *conn.Engine
	server *conn.Conn
	peer   net.Conn
	r      *bufio.Reader
	start  time.Time

	mu     sync.Mutex
	closed time.Duration // after the start; -1 while open
	reason conn.Reason
}

// overPipe runs a test with a connection whose frames it handles.
func overPipe(t *testing.T, limits conn.Limits, frame func(*conn.Conn, msnp.Frame), test func(*piped)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		clk := clock.New()
		defer clk.Close()
		p := &piped{T: t, start: time.Now(), closed: -1}
		p.engine = conn.New(conn.Config{
			Kind: conn.Auto, Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(), Limits: limits,
		})
		ours, theirs := net.Pipe()
		p.peer, p.r = theirs, bufio.NewReader(theirs)
		p.engine.Attach(ours, conn.Role{Name: "pipe", Grammar: grammar, Open: func(c *conn.Conn) conn.Handler {
			p.server = c
			return pipeHandler{p, frame}
		}})
		synctest.Wait()
		test(p)
		theirs.Close()
		if err := p.engine.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type pipeHandler struct {
	p     *piped
	frame func(*conn.Conn, msnp.Frame)
}

func (h pipeHandler) Frame(f msnp.Frame) { h.frame(h.p.server, f) }

func (h pipeHandler) Closed(why conn.Reason) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	h.p.closed, h.p.reason = time.Since(h.p.start), why
}

// ended checks when and why the connection closed.
func (p *piped) ended(after time.Duration, why conn.Reason) {
	p.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != after || p.reason != why {
		p.Errorf("closed after %v for %v, want %v for %v", p.closed, p.reason, after, why)
	}
}

// say writes from a goroutine of its own: a pipe holds nothing.
func (p *piped) say(text string) {
	go func() { _, _ = io.WriteString(p.peer, text) }()
	synctest.Wait()
}

func (p *piped) hear(want string) {
	p.Helper()
	if got, err := p.r.ReadString('\n'); got != want+"\r\n" {
		p.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

func TestPipe(t *testing.T) {
	overPipe(t, usual, echo, func(p *piped) {
		p.say("CAL 1\r\nMSG 2 U 3\r\na\r\nCAL 3\r\n")
		for _, want := range []string{"CAL 1", "MSG 2 U 3", "a", "CAL 3"} {
			p.hear(want)
		}
		if got := p.server.Peer(); got != (netip.AddrPort{}) {
			t.Errorf("peer %v", got)
		}
		p.peer.Close()
		p.ended(0, conn.PeerClosed)
	})
}

func TestPipeCloseFlushes(t *testing.T) {
	overPipe(t, usual, echo, func(p *piped) {
		p.server.Send([]byte("OUT OTH\r\n"))
		p.server.Close(conn.Displaced)
		p.hear("OUT OTH")
		if _, err := p.r.ReadByte(); err == nil {
			t.Error("still open")
		}
		p.ended(0, conn.Displaced)
	})
}

func TestPipeStall(t *testing.T) {
	limits := usual
	limits.QueueStall, limits.CloseFlush = 30*time.Second, 2*time.Second
	for _, tc := range []struct {
		name string
		run  func(*piped)
	}{
		{"a peer that takes nothing is closed after the stall", func(p *piped) {
			p.server.Send([]byte("CAL 1\r\n"))
			<-time.After(time.Minute)
			p.ended(30*time.Second, conn.Slow)
		}},
		{"a peer that takes a little now and then is not", func(p *piped) {
			p.server.Send([]byte(strings.Repeat("x", 100)))
			for range 100 {
				<-time.After(20 * time.Second)
				if _, err := p.peer.Read(make([]byte, 1)); err != nil {
					p.Fatal(err)
				}
			}
			p.ended(-1, 0)
		}},
		{"a peer that takes a little and then nothing is closed", func(p *piped) {
			p.server.Send([]byte(strings.Repeat("x", 100)))
			<-time.After(20 * time.Second)
			if _, err := io.ReadFull(p.peer, make([]byte, 10)); err != nil {
				p.Fatal(err)
			}
			<-time.After(2 * time.Minute)
			p.ended(time.Minute, conn.Slow) // the stretch in which it took something counts
		}},
		{"a silent connection with nothing to send stays", func(p *piped) {
			p.server.Send([]byte("CAL 1\r\n"))
			p.hear("CAL 1")
			<-time.After(24 * time.Hour)
			p.ended(-1, 0)
		}},
		{"closing gives the last lines their own time", func(p *piped) {
			p.server.Send([]byte("CAL 1\r\n"))
			<-time.After(10 * time.Second)
			p.server.Close(conn.Kicked)
			p.ended(10*time.Second, conn.Kicked)
			<-time.After(1999 * time.Millisecond)
			p.hear("CAL 1")
		}},
		{"and no more than that", func(p *piped) {
			p.server.Send([]byte("CAL 1\r\n"))
			p.server.Close(conn.Kicked)
			<-time.After(2001 * time.Millisecond)
			if _, err := p.r.ReadByte(); err == nil {
				p.Error("still open")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) { overPipe(t, limits, echo, tc.run) })
	}
}

// Half the queue's limit is what a connection may owe its peer before it is not read from.
func TestPipeBackPressure(t *testing.T) {
	limits := usual
	limits.QueueBytes = 100_000
	handled := 0
	answer := []byte(strings.Repeat("x", 998) + "\r\n")
	overPipe(t, limits, func(c *conn.Conn, f msnp.Frame) {
		handled++
		c.Send(answer)
	}, func(p *piped) {
		line := "CAL " + strings.Repeat("y", 506) + "\r\n"
		p.say(strings.Repeat(line, 1000))
		if handled < 50 || handled > 54 { // 50 answers, and what had been read along
			t.Errorf("%d frames were handled", handled)
		}
		for range 1000 {
			p.hear(string(answer[:998]))
		}
		if handled != 1000 {
			t.Errorf("%d frames were handled in the end", handled)
		}
	})
}

func TestPipePause(t *testing.T) {
	var read []time.Duration
	start := time.Time{}
	overPipe(t, usual, func(c *conn.Conn, f msnp.Frame) {
		if start.IsZero() {
			start = time.Now()
		}
		read = append(read, time.Since(start))
		c.Pause(10 * time.Second)
	}, func(p *piped) {
		p.say("CAL 1\r\nCAL 2\r\nCAL 3\r\n")
		<-time.After(time.Minute)
		if got, want := fmt.Sprint(read), "[0s 10s 20s]"; got != want {
			t.Errorf("read after %s, want %s", got, want)
		}
	})
}

func TestPipeExpect(t *testing.T) {
	overPipe(t, usual, func(c *conn.Conn, f msnp.Frame) { c.Expect(time.Minute) }, func(p *piped) {
		p.say("CAL 1\r\n")
		<-time.After(59 * time.Second)
		p.say("CAL 2\r\n")
		<-time.After(time.Hour)
		p.ended(119*time.Second, conn.Timeout)
	})
}
