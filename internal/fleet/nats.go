package fleet

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is a NATS server as it is installed beside a service, in this process.
type NATS struct {
	opts   server.Options
	server *server.Server
}

// StartNATS starts one.
func StartNATS(addr string) (*NATS, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	n := &NATS{opts: server.Options{
		Host: host, Port: number, NoSigs: true, NoLog: true, PingInterval: 2 * time.Second, MaxPingsOut: 3,
		Username: "monarch", Password: "nats",
	}}
	if err := n.Start(); err != nil {
		return nil, err
	}
	return n, nil
}

// URL is where the server is.
func (n *NATS) URL() string { return n.URLAt(net.JoinHostPort(n.opts.Host, strconv.Itoa(n.opts.Port))) }

// URLAt is the same through another address that leads there.
func (n *NATS) URLAt(addr string) string { return "nats://monarch:nats@" + addr }

// Addr is where it listens.
func (n *NATS) Addr() string { return net.JoinHostPort(n.opts.Host, strconv.Itoa(n.opts.Port)) }

// Start starts it again.
func (n *NATS) Start() error {
	opts := n.opts // the server completes them
	srv, err := server.NewServer(&opts)
	if err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		srv.Shutdown()
		return errors.New("start NATS: it does not get ready")
	}
	n.server = srv
	return nil
}

// Stop ends it, and all connections with it.
func (n *NATS) Stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}
