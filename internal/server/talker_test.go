package server_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/internal/msntest"
	"monarch/msnp"
)

// talkerLimit is how long the server may take for anything, on a busy machine.
const talkerLimit = 30 * time.Second

// talker is a client of no mind of its own on a connection in memory.
type talker struct {
	nc    net.Conn
	ended chan conn.Reason // one value
	more  chan struct{}    // something has changed

	mu    sync.Mutex
	lines []string // that came and were not taken, with their payloads
	flaw  error    // what came is not the protocol
	over  bool     // nothing will come any more
}

// newTalker connects to dispatch, notification or switchboard.
func newTalker(f *msntest.Fixture, listener string) *talker {
	ours, theirs := net.Pipe()
	w := &talker{nc: ours, ended: make(chan conn.Reason, 1), more: make(chan struct{}, 1)}
	g := msnp.ServerGrammar
	if listener == "switchboard" {
		g = msnp.SwitchboardServerGrammar
	}
	f.Server.Attach(theirs, listener, func(why conn.Reason) { w.ended <- why })
	go w.read(g) // ends with the connection
	return w
}

// read takes in what the server says, which must be frames of g.
func (w *talker) read(g *msnp.Grammar) {
	var kept []byte
	b := make([]byte, 16<<10)
	for {
		n, err := w.nc.Read(b)
		kept = append(kept, b[:n]...)
		var lines []string
		var flaw error
		for len(kept) > 0 && flaw == nil {
			f, used, bad := g.Next(kept, nil)
			if flaw = bad; used == 0 {
				break
			}
			if f.Verb != "" {
				lines = append(lines, strings.TrimSuffix(string(f.AppendEcho(nil)), "\r\n")+"\n"+string(f.Payload))
			}
			kept = kept[used:]
		}
		if errors.Is(err, io.EOF) && len(kept) > 0 && flaw == nil {
			flaw = fmt.Errorf("it ends within %.80q", kept)
		}
		w.mu.Lock()
		w.lines = append(w.lines, lines...)
		w.over = err != nil || flaw != nil
		w.flaw = flaw
		over := w.over
		w.mu.Unlock()
		select {
		case w.more <- struct{}{}:
		default:
		}
		if over {
			return
		}
	}
}

// say writes text. An error means that the server has closed.
func (w *talker) say(t testing.TB, text string) bool {
	t.Helper()
	if err := w.nc.SetWriteDeadline(time.Now().Add(talkerLimit)); err != nil {
		return false
	}
	_, err := io.WriteString(w.nc, text)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server reads nothing of %.200q", text)
	}
	return err == nil
}

// hear takes lines until one begins with one of the given words, and returns that and those
// before it. Not ok: the server has closed first.
func (w *talker) hear(t testing.TB, begins ...string) (line string, before []string, ok bool) {
	t.Helper()
	limit := time.NewTimer(talkerLimit)
	defer limit.Stop()
	for {
		w.mu.Lock()
		lines, over, flaw := w.lines, w.over, w.flaw
		w.lines = nil
		w.mu.Unlock()
		if flaw != nil {
			t.Fatalf("the server says what is no line: %v", flaw)
		}
		for i, l := range lines {
			for _, b := range begins {
				if strings.HasPrefix(l, b) {
					w.putBack(lines[i+1:])
					return l, append(before, lines[:i]...), true
				}
			}
		}
		if before = append(before, lines...); over {
			return "", before, false
		}
		select {
		case <-w.more:
		case <-limit.C:
			t.Fatalf("waiting for %q, heard %q", begins, before)
		}
	}
}

// putBack returns lines that were taken.
func (w *talker) putBack(lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(append([]string(nil), lines...), w.lines...)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// ask says something and returns the line that answers it.
func (w *talker) ask(t testing.TB, text, begins string) string {
	t.Helper()
	w.say(t, text)
	line, before, ok := w.hear(t, begins)
	if !ok {
		t.Fatalf("%q was answered with %q and the end", text, before)
	}
	return strings.TrimSuffix(line, "\n")
}

// word returns parameter n of a line.
func word(line string, n int) string { return strings.Fields(line)[n] }

// hangUp ends the connection and waits for the server to have done so, for a reason it knows.
func (w *talker) hangUp(t testing.TB) conn.Reason {
	t.Helper()
	_ = w.nc.Close()
	limit := time.NewTimer(talkerLimit)
	defer limit.Stop()
	select {
	case why := <-w.ended:
		return why
	case <-limit.C:
		t.Fatal("the server does not let go of a connection")
		return 0
	}
}
