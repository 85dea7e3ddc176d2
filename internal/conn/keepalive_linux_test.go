package conn_test

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// descriptor returns this process's end of the connection to a client.
func descriptor(w *world, c *client) int {
	w.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		w.Fatal(err)
	}
	local := c.LocalAddr().(*net.TCPAddr).Port
	for _, entry := range open {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			w.Fatal(err)
		}
		peer, err := syscall.Getpeername(fd)
		if in4, ok := peer.(*syscall.SockaddrInet4); ok && err == nil && in4.Port == local {
			return fd
		}
	}
	w.Fatal("the server's end is not among the open descriptors")
	return -1
}

// A peer that vanishes without a word must not stay signed in for ever.
// docs/protocol/presence.md#ping
func TestTheKernelLooksForDeadPeers(t *testing.T) {
	conform(t, usual, func(w *world) {
		c := w.listen(script{}).dial()
		c.ping() // the handler is there, so the options are set
		fd := descriptor(w, c)
		option := func(level, name int) int {
			t.Helper()
			value, err := syscall.GetsockoptInt(fd, level, name)
			if err != nil {
				w.Fatal(err)
			}
			return value
		}
		const (
			tcpUserTimeout = 18 // TCP_USER_TIMEOUT, which package syscall does not have
			most           = 5 * time.Minute
		)
		if option(syscall.IPPROTO_TCP, syscall.TCP_NODELAY) == 0 {
			w.Error("small lines wait for each other")
		}
		if option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) == 0 {
			w.Error("no keep-alive")
		}
		idle := time.Duration(option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)) * time.Second
		interval := time.Duration(option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)) * time.Second
		count := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
		if all := idle + time.Duration(count)*interval; idle < 30*time.Second || count < 3 || all >= most {
			w.Errorf("a silent peer is dead after %v and %d probes every %v: %v", idle, count, interval, all)
		}
		unacknowledged := time.Duration(option(syscall.IPPROTO_TCP, tcpUserTimeout)) * time.Millisecond
		if unacknowledged < time.Minute || unacknowledged >= most {
			w.Errorf("a peer that acknowledges nothing is dead after %v", unacknowledged)
		}
	})
}
