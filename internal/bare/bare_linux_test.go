package bare_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/bare"
)

// serve runs a relay for the test and returns its address.
func serve(t testing.TB) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bare.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return addr
}

// peer is one connection, and what reads from it.
type peer struct {
	t testing.TB
	*net.TCPConn
	in *bufio.Reader
}

// leave closes the connection.
func (p *peer) leave() {
	if err := p.Close(); err != nil {
		p.t.Error(err)
	}
}

func dial(t testing.TB, addr string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &peer{t, c.(*net.TCPConn), bufio.NewReader(c)}
}

func (p *peer) say(s string) {
	if _, err := p.Write([]byte(s)); err != nil {
		p.t.Error(err)
	}
}

// hears fails unless exactly this comes next.
func (p *peer) hears(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(p.in, got); err != nil || string(got) != want {
		p.t.Errorf("heard %.100q, %v; want %.100q", got[:n], err, want)
	}
}

// ends fails unless the relay closes the connection and says nothing more.
func (p *peer) ends() {
	p.t.Helper()
	n, err := io.Copy(io.Discard, p.in)
	if n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("heard %d bytes, %v; want the end", n, err)
	}
}

// couple returns the two of a pair. Which pollers they belong to depends on how many
// connections there were before.
func couple(t testing.TB, addr, name string) (a, b *peer) {
	t.Helper()
	a, b = dial(t, addr), dial(t, addr)
	for _, p := range []*peer{a, b} {
		p.say("PAIR " + name + "\r\n")
	}
	for _, p := range []*peer{a, b} {
		p.hears("PAIR " + name + "\r\n")
	}
	return a, b
}

func sent(n int, payload string) string {
	return fmt.Sprintf("MSG %d U %d\r\n%s", n, len(payload), payload)
}

func received(payload string) string {
	return fmt.Sprintf("MSG user00001@example.com User %d\r\n%s", len(payload), payload)
}

// payloads of all sizes; they look like lines, so that wrong lengths show.
func payloads(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.Repeat(fmt.Sprintf("%d MSG 1 U 2\r\n", i), i%150)
	}
	return all
}

// eachPlacement runs a test with both of a pair on one poller and on two: pollers take turns,
// so a connection between the two moves the second along.
func eachPlacement(t *testing.T, test func(t *testing.T, a, b *peer)) {
	t.Run("one after the other", func(t *testing.T) {
		a, b := couple(t, serve(t), "1")
		test(t, a, b)
	})
	t.Run("one between them", func(t *testing.T) {
		addr := serve(t)
		a := dial(t, addr)
		a.say("PAIR 1\r\n")
		between := dial(t, addr)
		between.say("WATCH\r\n")
		between.hears("WATCH\r\n")
		b := dial(t, addr)
		b.say("PAIR 1\r\n")
		a.hears("PAIR 1\r\n")
		b.hears("PAIR 1\r\n")
		test(t, a, b)
	})
}

func TestMessagesArriveHoweverTheyAreSplit(t *testing.T) {
	var stream, want strings.Builder
	for i, p := range payloads(700) {
		stream.WriteString(sent(i, p))
		want.WriteString(received(p))
	}
	for _, c := range []struct {
		name string
		most int // bytes in one write
	}{
		{"byte by byte", 1},
		{"in small pieces", 40},
		{"in pieces", 1000},
		{"many in one", 100_000},
		{"all at once", 1 << 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachPlacement(t, func(t *testing.T, a, b *peer) {
				go a.dribble(stream.String(), c.most)
				b.hears(want.String())
			})
		})
	}
}

// dribble writes a stream in pieces of up to some length. Byte by byte is for its beginning
// only, for a byte a packet takes its time.
func (p *peer) dribble(stream string, most int) {
	const patience = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	for pieces := 0; len(stream) > 0; pieces++ {
		n := len(stream)
		if pieces < patience {
			n = min(n, 1+random.IntN(most))
		}
		p.say(stream[:n])
		stream = stream[n:]
	}
}

func TestBothOfAPairTalkAtOnce(t *testing.T) {
	eachPlacement(t, func(t *testing.T, a, b *peer) {
		const rounds = 2000
		payload := strings.Repeat("x", 300)
		var all sync.WaitGroup
		for _, p := range []*peer{a, b} {
			all.Go(func() {
				for i := range rounds {
					p.say(sent(i, fmt.Sprintf("%08d%s", i, payload)))
				}
			})
			all.Go(func() {
				for i := range rounds {
					p.hears(received(fmt.Sprintf("%08d%s", i, payload)))
				}
			})
		}
		all.Wait()
	})
}

func TestASlowReaderGetsEverythingLater(t *testing.T) {
	eachPlacement(t, func(t *testing.T, a, b *peer) {
		payload := strings.Repeat("0123456789abcdef", 2000)
		const rounds = 1000 // 32 MB, more than the sockets take
		stream, want := strings.Repeat(sent(1, payload), rounds), received(payload)
		// Nobody reads until neither can write on.
		rest := map[*peer]string{}
		for _, p := range []*peer{a, b} {
			if rest[p] = p.fill(stream); rest[p] == "" {
				t.Fatal("everything was taken without a reader")
			}
		}
		var all sync.WaitGroup
		for _, p := range []*peer{a, b} {
			all.Go(func() { p.say(rest[p]) })
			all.Go(func() {
				got := make([]byte, len(want))
				for range rounds {
					if _, err := io.ReadFull(p.in, got); err != nil || string(got) != want {
						t.Errorf("%.60q, %v", got, err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// fill writes until nothing more is taken for a while, and returns the rest.
func (p *peer) fill(stream string) string {
	if err := p.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		p.t.Error(err)
	}
	n, err := p.Write([]byte(stream))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Error(err)
	}
	if err := p.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
		p.t.Error(err)
	}
	return stream[n:]
}

func TestTheAudienceHearsOfEveryChange(t *testing.T) {
	addr := serve(t)
	const watchers, changes = 100, 50
	people := make([]*peer, watchers)
	for i := range people {
		people[i] = dial(t, addr)
		people[i].say("WATCH\r\n")
	}
	for _, p := range people {
		p.hears("WATCH\r\n")
	}
	x := dial(t, addr)
	for i := range changes {
		x.say(fmt.Sprintf("CHG %d NLN 0\r\nCHG %d AWY 0\r\n", i, i))
		x.hears(fmt.Sprintf("CHG %d NLN 0\r\nCHG %d AWY 0\r\n", i, i))
	}
	const news = "NLN NLN user00001@example.com User 0\r\nNLN AWY user00001@example.com User 0\r\n"
	for _, p := range people {
		p.hears(strings.Repeat(news, changes))
	}
	// Those who leave are missed by nobody.
	for _, p := range people[:watchers/2] {
		p.leave()
	}
	x.say("CHG 1 NLN 0\r\nCHG 2 AWY 0\r\n")
	for _, p := range people[watchers/2:] {
		p.hears(news)
	}
}

func TestASlowOnlookerHearsEverythingLaterUnlessItIsTooMuch(t *testing.T) {
	addr := serve(t)
	const some, many = 210_000, 900_000 // changes: 8 MB of news, more than sockets take, and 34 MB
	const news = "NLN NLN user00001@example.com User 0\r\n"
	change := func(n int) {
		x := dial(t, addr)
		all := strings.Repeat("CHG 1 NLN 0\r\n", n)
		go x.say(all)
		x.hears(all)
	}
	slow, dead := dial(t, addr), dial(t, addr)
	for _, p := range []*peer{slow, dead} {
		p.say("WATCH\r\n")
		p.hears("WATCH\r\n")
	}
	change(some)
	slow.hears(strings.Repeat(news, some))
	var all sync.WaitGroup
	all.Go(func() { slow.hears(strings.Repeat(news, many)) })
	change(many)
	all.Wait()
	heard, err := io.Copy(io.Discard, dead.in)
	if heard >= int64((some+many)*len(news)) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one who does not read got %d bytes, %v; want it cut off", heard, err)
	}
}

func TestManyChangeAtOnce(t *testing.T) {
	addr := serve(t)
	const people, changes = 20, 200
	var all sync.WaitGroup
	crowd := make([]*peer, people)
	for i := range crowd {
		crowd[i] = dial(t, addr)
		crowd[i].say("WATCH\r\n")
		crowd[i].hears("WATCH\r\n")
	}
	for _, p := range crowd {
		all.Go(func() {
			for i := range changes {
				p.say(fmt.Sprintf("CHG %d NLN 0\r\n", i))
			}
		})
		all.Go(func() {
			echo, news := 0, 0
			for echo+news < changes*(people+1) {
				switch line, err := p.in.ReadString('\n'); {
				case err != nil:
					t.Error(err)
					return
				case line == fmt.Sprintf("CHG %d NLN 0\r\n", echo):
					echo++
				case line == "NLN NLN user00001@example.com User 0\r\n":
					news++
				default:
					t.Errorf("heard %q", line)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestTheEndOfOneIsTheEndOfItsPartner(t *testing.T) {
	eachPlacement(t, func(t *testing.T, a, b *peer) {
		a.say(sent(1, "bye"))
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b.hears(received("bye"))
		b.ends()
		a.ends()
	})
}

func TestWhatIsNotUnderstoodEndsTheConnection(t *testing.T) {
	addr := serve(t)
	for _, c := range []struct{ name, said string }{
		{"a line without its proper end", "WATCH\n"},
		{"an unknown verb", "XFR 1 SB\r\n"},
		{"a message from nobody's partner", "MSG 1 U 2\r\nhi"},
		{"a message before the partner is there", "PAIR 7\r\nMSG 1 U 2\r\nhi"},
		{"a length that is none", "MSG 1 U -2\r\nhi"},
		{"a line that never ends", strings.Repeat("x", 1<<17)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := dial(t, addr)
			// It may be cut off while it still speaks.
			_, _ = p.Write([]byte(c.said))
			p.ends()
		})
	}
	for _, c := range []struct{ name, said string }{
		{"pairing again", "PAIR 1\r\n"},
		{"watching too", "WATCH\r\n"},
		{"a message without a length", "MSG 1 U\r\nhi"},
		{"a message with nothing", "MSG \r\n"},
		{"a length below zero", "MSG 1 U -2\r\nhi"},
		{"a length that is too long", "MSG 1 U 100002\r\nhi"},
		{"a message that is too long", "MSG 1 U 70000\r\n" + strings.Repeat("x", 70000)},
	} {
		t.Run(c.name+" of a pair", func(t *testing.T) {
			x, y := couple(t, addr, "9")
			_, _ = x.Write([]byte(c.said))
			x.ends()
			y.ends()
		})
	}
}

func TestPollersThatWaitDoNotHoldUpTheCollector(t *testing.T) {
	a, b := couple(t, serve(t), "1")
	for i := range 5 {
		runtime.GC()
		a.say(sent(i, "hello"))
		b.hears(received("hello"))
	}
}

func TestConnectionsComeAndGo(t *testing.T) {
	addr := serve(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 100 {
				a, b := couple(t, addr, fmt.Sprintf("%d.%d", worker, i))
				a.say(sent(i, "hello"))
				b.say(sent(i, "hello yourself"))
				b.hears(received("hello"))
				a.hears(received("hello yourself"))
				a.leave()
				if i%2 == 0 {
					b.ends()
				}
				b.leave()
			}
		})
	}
	all.Wait()
}
