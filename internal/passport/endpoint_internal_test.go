package passport

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"monarch/internal/gate"
)

// This file is inside the package because no request from outside makes a handler panic,
// and because it looks at the books.

func TestEndpointOutlivesPanicsAndFloods(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Gate: openGate(gate.Limits{Strangers: 2})}}
	s.limits.Store(&Limits{Header: 10 * time.Second, Body: 10 * time.Second, Answer: 10 * time.Second})
	entered, release := make(chan struct{}), make(chan struct{})
	e := newEndpoint(s, "http", func(_ context.Context, q *request) *response {
		switch q.path {
		case "/panic":
			panic("broken")
		case "/wait":
			entered <- struct{}{}
			<-release
		}
		return &response{status: 200}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.serve(l, nil) }()

	for range 5 { // more than there are places: a panic gives its place back
		if got := answer(ask(t, l, "/panic")); got != "" {
			t.Errorf("answered %q", got)
		}
	}
	first, second := ask(t, l, "/wait"), ask(t, l, "/wait")
	<-entered
	<-entered
	if got := answer(ask(t, l, "/")); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "\r\nRetry-After: ") {
		t.Errorf("one too many is answered %q", got)
	}
	close(release)
	for _, c := range []net.Conn{first, second} {
		if got := answer(c); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
			t.Errorf("answered %q", got)
		}
	}

	e.stop()
	if err := e.wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := e.serve(l, nil); err != nil {
		t.Errorf("serving after the end: %v", err)
	}
	if n, held := e.gate.Strangers(), e.gate.Held(); n != 0 || held != 0 {
		t.Errorf("%d connections and %d bytes are counted for ever", n, held)
	}
	if n := s.Counts.Panics.Load(); n != 5 || strings.Count(log.String(), "handler panicked") != 5 {
		t.Errorf("%d panics: %s", n, log.String())
	}
}

// ask sends a request without waiting for the answer.
func ask(t *testing.T, l net.Listener, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "GET "+path+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

// answer reads to the end, which may be a reset.
func answer(c net.Conn) string {
	b, _ := io.ReadAll(c)
	c.Close()
	return string(b)
}
