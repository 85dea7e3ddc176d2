package natsbus_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/metrics"
	"monarch/internal/natsbus"
)

const secret = "correct horse battery staple"

// end is one end of a bus: it collects what it receives.
type end struct {
	*natsbus.Bus
	id  cluster.NodeID
	log *logs

	closing sync.Once

	mu   sync.Mutex
	more sync.Cond
	got  []string
}

// logs are what was logged, which may be looked at meanwhile.
type logs struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// embedded returns an end with a server of its own that has not started.
func embedded(t testing.TB, listen, secret string, peers ...string) *end {
	t.Helper()
	tlsConfig, err := natsbus.SecretTLS(secret)
	if err != nil {
		t.Fatal(err)
	}
	l := new(logs)
	bus, err := natsbus.Embedded(natsbus.EmbeddedConfig{
		Listen: listen, Peers: peers, TLS: tlsConfig, Log: l.logger(), Metrics: metrics.New(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return newEnd(bus, l)
}

func newEnd(bus *natsbus.Bus, l *logs) *end {
	e := &end{Bus: bus, id: cluster.NewID("node"), log: l}
	e.more.L = &e.mu
	return e
}

// start starts a bus and closes it with the test.
func (e *end) start(t testing.TB) *end {
	t.Helper()
	if err := e.Start(e.id, e.receiver()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.close(t) })
	return e
}

// close closes the bus, once.
func (e *end) close(t testing.TB) {
	t.Helper()
	e.closing.Do(func() {
		if err := e.Close(); err != nil {
			t.Log(err) // as it must be where NATS is not there any more
		}
	})
}

// receiver writes down that a node is absent as "absent" and its run.
func (e *end) receiver() cluster.Receiver {
	return cluster.Receiver{Packet: e.recv, Absent: func(run string) { e.recv([]byte("absent " + run)) }}
}

func (e *end) recv(packet []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, string(packet))
	e.more.Broadcast()
}

// tell sends to all.
func (e *end) tell(t testing.TB, packet string) {
	t.Helper()
	if err := e.Broadcast([]byte(packet)); err != nil {
		t.Error(err)
	}
}

// tellOne sends to one.
func (e *end) tellOne(t testing.TB, to *end, packet string) {
	t.Helper()
	if err := e.SendTo(to.id, []byte(packet)); err != nil {
		t.Error(err)
	}
}

// wait waits until a packet has come, and returns everything up to it.
func (e *end) wait(t testing.TB, packet string) []string {
	t.Helper()
	return e.waitFor(t, func() bool { return slices.Contains(e.got, packet) })
}

func (e *end) waitFor(t testing.TB, ok func() bool) []string {
	t.Helper()
	late := time.AfterFunc(30*time.Second, e.more.Broadcast)
	defer late.Stop()
	deadline := time.Now().Add(30 * time.Second)
	e.mu.Lock()
	defer e.mu.Unlock()
	for !ok() {
		if !time.Now().Before(deadline) {
			t.Fatalf("waited too long; it has %d packets; its log:\n%s", len(e.got), e.log)
		}
		e.more.Wait()
	}
	return slices.Clone(e.got)
}

// eventually repeats something until it is so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("it never came to be: " + what)
}

// meet says hello until everybody hears everybody.
func meet(t testing.TB, ends ...*end) {
	t.Helper()
	for _, from := range ends {
		hello := fmt.Sprint("hello of ", from.id)
		for _, to := range ends {
			if to != from {
				eventually(t, hello, func() bool {
					return from.Broadcast([]byte(hello)) == nil && to.has(hello)
				})
			}
		}
	}
}

// forget removes what has come.
func (e *end) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = nil
}

// has reports whether a packet has come.
func (e *end) has(packet string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.got, packet)
}

func withoutHellos(packets []string) []string {
	return slices.DeleteFunc(packets, func(p string) bool { return strings.HasPrefix(p, "hello") })
}
