// Package loopback chooses addresses of this machine for servers that will be told where to listen, and
// that others must know before they do. Whether somebody ever listens there is left to whoever asked.
//
// To ask the system for a port and give that back is no choice: until the server listens, and whenever it is
// away, the system gives the same port to others. But on Linux all of 127.0.0.0/8 is this machine. So each
// process has a host of its own there, and uses each port of that once; and a port that has to be free on all
// hosts is one process's alone. Both kinds are below the ports that systems choose by themselves.
package loopback

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

const (
	door      = 20000 // whoever listens here has the host
	firstPort = door + 1
	lastPort  = 29999

	// Those of all hosts. Whoever listens on the lodge at a port that is so much higher has one.
	firstWide = 10000
	lastWide  = 19999
	higher    = 10000
	lodge     = "127.63.0.1" // no process's own
)

// host is what a process has of its own.
type host struct {
	addr string

	mu    sync.Mutex     // leaf
	doors []net.Listener // open as long as the process
	next  int            // port
	wide  int            // the same on all hosts
}

// own is this process's, or nil where 127.0.0.1 is all there is of the loopback.
var own = sync.OnceValue(func() *host {
	const processes = 1 << 22 // as many as Linux has
	for number := os.Getpid(); number < os.Getpid()+processes; number++ {
		addr := fmt.Sprintf("127.%d.%d.%d", 64+number>>16&63, number>>8&255, number&255)
		l, err := net.Listen("tcp", at(addr, door))
		switch {
		case err == nil:
			return &host{addr: addr, doors: []net.Listener{l}, next: firstPort, wide: firstWide + os.Getpid()%(lastWide-firstWide)}
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil
		}
	}
	return nil
})

// New returns an address at which nobody listens, nor will but who was told of it. Where 127.0.0.1 is all there
// is of the loopback, it is one at which nobody listens now.
func New() (string, error) {
	h := own()
	if h == nil {
		return try("127.0.0.1:0")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.next <= lastPort {
		h.next++
		addr, err := try(at(h.addr, h.next-1))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return addr, err
		}
	}
	return "", errors.New("choose an address: this process has used up its ports")
}

// Address is [New] for a test.
func Address(t testing.TB) string {
	t.Helper()
	addr, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Port returns a port for a test at which nobody listens on any host, nor will but who was told of it; with the
// exception of [New].
func Port(t testing.TB) string {
	t.Helper()
	addr, err := wide()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func wide() (string, error) {
	h := own()
	if h == nil {
		return try(":0")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for range lastWide - firstWide {
		port := h.wide
		if h.wide++; h.wide > lastWide {
			h.wide = firstWide
		}
		l, err := net.Listen("tcp", at(lodge, port+higher))
		if err != nil {
			continue // it is another's, or ours already
		}
		h.doors = append(h.doors, l)
		if addr, err := try(at("", port)); err == nil {
			return addr, nil
		}
	}
	return "", errors.New("choose a port: all are taken")
}

func at(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// try sees whether one can listen at an address, and returns it with its port.
func try(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("choose an address: %w", err)
	}
	return l.Addr().String(), l.Close()
}
