package conn_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"monarch/internal/conn"
)

// keptListener makes the accepted sockets known.
type keptListener struct {
	net.Listener
	accepted chan *net.TCPConn
}

func (l keptListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil {
		l.accepted <- nc.(*net.TCPConn)
	}
	return nc, err
}

// A peer that vanishes without a word must not stay signed in for ever.
// docs/protocol/presence.md#ping
func TestTheKernelLooksForDeadPeers(t *testing.T) {
	conform(t, usual, func(w *world) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.Fatal(err)
		}
		accepted := make(chan *net.TCPConn, 1)
		s := &site{w: w, addr: l.Addr().String(), reasons: make(chan conn.Reason, 1)}
		w.serve(keptListener{l, accepted}, s.role())
		s.dial().ping() // the handler is there, so the options are set
		raw, err := (<-accepted).SyscallConn()
		if err != nil {
			w.Fatal(err)
		}
		option := func(level, name int) (value int) {
			t.Helper()
			var optErr error
			err := raw.Control(func(fd uintptr) { value, optErr = syscall.GetsockoptInt(int(fd), level, name) })
			if err != nil || optErr != nil {
				w.Fatal(err, optErr)
			}
			return value
		}
		const (
			tcpUserTimeout = 18 // TCP_USER_TIMEOUT, which package syscall does not have
			most           = 5 * time.Minute
		)
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
