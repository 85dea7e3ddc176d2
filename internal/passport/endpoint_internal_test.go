package passport

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// This file is inside the package because no request from outside makes a handler panic,
// and because filling a thousand places would take a thousand connections.

func TestEndpointOutlivesPanicsAndFloods(t *testing.T) {
	var panics atomic.Uint64
	var log bytes.Buffer
	cfg := &Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Request: 10 * time.Second}
	entered, release := make(chan struct{}), make(chan struct{})
	e := newEndpoint(cfg, func(_ context.Context, q *request) *response {
		switch q.path {
		case "/panic":
			panic("broken")
		case "/wait":
			entered <- struct{}{}
			<-release
		}
		return &response{status: 200}
	}, &panics)
	e.slots = make(chan struct{}, 2)
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
	third := ask(t, l, "/")
	third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := third.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a third connection was served in two places")
	}
	third.SetReadDeadline(time.Time{})
	close(release)
	for _, c := range []net.Conn{first, second, third} {
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
	if n := panics.Load(); n != 5 || strings.Count(log.String(), "handler panicked") != 5 {
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
