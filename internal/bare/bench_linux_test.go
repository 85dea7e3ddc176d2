package bare_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"monarch/internal/bare"
	"monarch/internal/figures"
)

// asRelay in the environment makes the test program the relay of a benchmark, so that what
// it uses can be told from what the benchmark does. It runs until its input ends.
const asRelay = "BARE_RELAY"

func TestMain(m *testing.M) {
	if os.Getenv(asRelay) == "" {
		os.Exit(m.Run())
	}
	if err := relayProcess(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func relayProcess() error {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if _, err := fmt.Fprintln(os.Stdout, l.Addr()); err != nil {
		return err
	}
	return bare.Serve(ctx, l)
}

// start runs the relay as a process of its own.
func start(b *testing.B) (addr string, p figures.Process) {
	b.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), asRelay+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	if addr, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr), figures.Of(cmd.Process.Pid)
}

// reportCPU reports what the relay uses while something is done b.N times, in nanoseconds for
// each.
func reportCPU(b *testing.B, p figures.Process, do func()) float64 {
	b.Helper()
	before, err := p.CPU()
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	do()
	b.StopTimer()
	after, err := p.CPU()
	if err != nil {
		b.Fatal(err)
	}
	used := float64(after-before) / float64(b.N)
	b.ReportMetric(used, "cpu-ns/op")
	return used
}

// BenchmarkRelay is what a message costs the relay.
func BenchmarkRelay(b *testing.B) {
	for _, c := range []struct{ pairs, inFlight int }{{100, 1}, {100, 16}, {1000, 1}, {1000, 16}} {
		b.Run(fmt.Sprintf("pairs=%d/inflight=%d", c.pairs, c.inFlight), func(b *testing.B) {
			addr, process := start(b)
			var couples [][2]*peer
			for i := range c.pairs {
				x, y := couple(b, addr, fmt.Sprint(i))
				// Pollers take turns, so all who speak would share one if it were always the first.
				if i%2 == 1 {
					x, y = y, x
				}
				couples = append(couples, [2]*peer{x, y})
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			reportCPU(b, process, func() {
				var all sync.WaitGroup
				for _, xy := range couples {
					all.Go(func() { exchange(xy[0], xy[1], c.inFlight, &left) })
				}
				all.Wait()
			})
		})
	}
}

// exchange keeps some messages on their way from x to y until enough were sent.
func exchange(x, y *peer, inFlight int, left *atomic.Int64) {
	payload := strings.Repeat("x", 300)
	message, size := []byte(sent(1, payload)), len(received(payload))
	several := bytes.Repeat(message, inFlight)
	got := make([]byte, 2*inFlight*size)
	due, flying, part := inFlight, 0, 0
	for {
		if n := int(min(int64(due), left.Add(-int64(due))+int64(due))); n > 0 {
			x.say(string(several[:n*len(message)]))
			flying += n
		}
		if flying == 0 {
			return
		}
		n, err := y.Read(got)
		if err != nil {
			y.t.Error(err)
			return
		}
		due, part = (part+n)/size, (part+n)%size
		flying -= due
	}
}

// BenchmarkFanOut is what a line to a whole audience costs the relay, and to one of it.
func BenchmarkFanOut(b *testing.B) {
	for _, watchers := range []int{100, 600, 5000} {
		b.Run(fmt.Sprintf("watchers=%d", watchers), func(b *testing.B) {
			addr, process := start(b)
			x := dial(b, addr)
			people := make([]*peer, watchers)
			for i := range people {
				people[i] = dial(b, addr)
				people[i].say("WATCH\r\n")
				people[i].hears("WATCH\r\n")
			}
			used := reportCPU(b, process, func() {
				var heard sync.WaitGroup
				for _, p := range people {
					go func() {
						for range b.N {
							p.hears("NLN NLN user00001@example.com User 0\r\n")
							heard.Done()
						}
					}()
				}
				for range b.N {
					heard.Add(watchers)
					x.say("CHG 1 NLN 0\r\n")
					heard.Wait()
				}
			})
			b.ReportMetric(used/float64(watchers), "cpu-ns/line")
		})
	}
}
