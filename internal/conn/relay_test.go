package conn_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// relay is a listener that pairs connections and sends each what the other says, as a
// switchboard does.
type relay struct {
	mu     sync.Mutex
	single *seat // somebody without a partner
	paired chan struct{}
}

// seat is one end of a pair.
type seat struct {
	conn    *conn.Conn
	partner atomic.Pointer[seat]
	header  []byte
}

func (s *seat) Frame(f msnp.Frame) {
	s.header = append(s.header[:0], "MSG a@b a "...)
	s.header = append(s.header, f.Args[2]...)
	s.header = append(s.header, "\r\n"...)
	s.partner.Load().conn.Send(s.header, f.Payload)
}

func (s *seat) Closed(conn.Reason) {}

func (r *relay) open(c *conn.Conn) conn.Handler {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &seat{conn: c}
	if r.single == nil {
		r.single = s
		return s
	}
	s.partner.Store(r.single)
	r.single.partner.Store(s)
	r.single = nil
	r.paired <- struct{}{}
	return s
}

// pairs starts a relay with n pairs of clients.
func pairs(tb testing.TB, kind conn.Kind, n int) (clients [][2]net.Conn) {
	tb.Helper()
	clk := clock.New()
	tb.Cleanup(clk.Close)
	e := conn.New(conn.Config{
		Kind: kind, Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(), Limits: usual,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{paired: make(chan struct{}, n)}
	var served sync.WaitGroup
	served.Go(func() {
		if err := e.Serve(l, conn.Role{Name: "relay", Grammar: grammar, Open: r.open}); err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(func() {
		l.Close()
		served.Wait()
		if err := e.Shutdown(tb.Context()); err != nil && tb.Context().Err() == nil {
			tb.Error(err)
		}
	})
	for range n {
		var pair [2]net.Conn
		for i := range pair {
			if pair[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { pair[i].Close() })
		}
		<-r.paired
		clients = append(clients, pair)
	}
	return clients
}

// said and heard are a message as its sender and its receiver see it.
func said(size int) []byte {
	return fmt.Appendf(nil, "MSG 1 U %d\r\n%s", size, strings.Repeat("x", size))
}

func heard(size int) []byte {
	return fmt.Appendf(nil, "MSG a@b a %d\r\n%s", size, strings.Repeat("x", size))
}

// In steady state a message costs no memory: the reader's buffer, the room for parameters,
// the queue and the goroutine that writes are all used again.
func TestRelayingAllocatesNothing(t *testing.T) {
	for _, kind := range kinds() {
		for _, size := range []int{0, 300, msnp.MaxMessage} {
			t.Run(fmt.Sprintf("%s, a message of %d bytes", kind, size), func(t *testing.T) { relayFreely(t, kind, size) })
		}
	}
}

func relayFreely(t *testing.T, kind conn.Kind, size int) {
	pair := pairs(t, kind, 1)[0]
	out, want := said(size), heard(size)
	in := make([]byte, len(want))
	message := func() {
		if _, err := pair[0].Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(pair[1], in); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		message() // buffers grow, pools fill
	}
	if !bytes.Equal(in, want) {
		t.Fatalf("heard %q", in)
	}
	if n := testing.AllocsPerRun(1000, message); n > relayAllocs {
		t.Errorf("%v allocations for a message, want at most %d", n, relayAllocs)
	}
}

// The figure to watch is messages a second, with as many conversations under way.
func BenchmarkRelay(b *testing.B) {
	for _, kind := range kinds() {
		for _, n := range []int{1, 100, 1000} {
			for _, size := range []int{100, 1500} {
				b.Run(fmt.Sprintf("engine=%s/pairs=%d/bytes=%d", kind, n, size), func(b *testing.B) { converse(b, kind, n, size) })
			}
		}
	}
}

func converse(b *testing.B, kind conn.Kind, n, size int) {
	clients := pairs(b, kind, n)
	out, in := said(size), len(heard(size))
	each := b.N/n + 1
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for _, pair := range clients {
		all.Go(func() { talk(b, pair, out, in, each) })
	}
	all.Wait()
	b.ReportMetric(float64(each*n)/b.Elapsed().Seconds(), "messages/s")
}

// talk sends messages one way, a few at a time, and reads them at the other end.
func talk(b *testing.B, pair [2]net.Conn, out []byte, in, messages int) {
	const window = 8
	buf := make([]byte, window*in)
	burst := bytes.Repeat(out, window)
	for messages > 0 {
		n := min(window, messages)
		messages -= n
		if _, err := pair[0].Write(burst[:n*len(out)]); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(pair[1], buf[:n*in]); err != nil {
			b.Error(err)
			return
		}
	}
}
