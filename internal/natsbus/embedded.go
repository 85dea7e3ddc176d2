package natsbus

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"monarch/internal/cluster"
	"monarch/internal/metrics"
)

// A connection over which nothing comes is dropped after some seconds. TCP alone would take
// minutes, also to notice that a cut has healed.
const (
	pinging    = 3 * time.Second
	unanswered = 2 // pings
)

// retelling is after how many attempts to reach a node, about one a second, they are told of again.
const retelling = 300

// meeting is how long a node that starts waits for the first of its peers.
const meeting = 3 * time.Second

// EmbeddedConfig is what a server inside the node is made of.
type EmbeddedConfig struct {
	Listen  string   // host:port for the other nodes; port 0 is any
	Peers   []string // host:port of other nodes; this one may be among them
	TLS     *tls.Config
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// Embedded returns a bus with a NATS server inside the node, which starts with the bus. The servers
// find each other through those of their peers that run. TLS must be made by
// [SecretTLS] or [FilesTLS]: who passes it is one of the nodes.
func Embedded(cfg EmbeddedConfig) (*Bus, error) {
	opts, err := cfg.options()
	if err != nil {
		return nil, err
	}
	b := newBus(cfg.Log, cfg.Metrics)
	b.peers = len(cfg.Peers)
	b.open = func(self cluster.NodeID) (*nats.Conn, error) {
		opts.ServerName = string(self)
		return b.serve(self, opts)
	}
	return b, nil
}

// options returns those of the server but for its name.
func (cfg EmbeddedConfig) options() (*server.Options, error) {
	host, port, err := splitListen(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("cluster.listen: %w", err)
	}
	opts := &server.Options{
		// This node alone uses the listener for clients. Without one the server would wait for it
		// for ever before it listens for the others.
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: rand.Text(),

		NoSigs:              true,
		NoSystemAccount:     true,    // servers would tell each other their statistics
		NoLog:               true,    // until SetLoggerV2
		NoFastProducerStall: true,    // one slow node does not hold up what the others are sent
		MaxPending:          waiting, // bytes for this node, which takes everything at once

		// It tells of the first attempt to reach a node, and then of one in several minutes.
		ConnectErrorReports: retelling, ReconnectErrorReports: retelling,
		Cluster: server.ClusterOpts{
			Name: "monarch", Host: host, Port: port,
			TLSConfig:      cfg.TLS,
			TLSTimeout:     5,
			AuthTimeout:    10,
			PoolSize:       -1,  // one connection to each node, which keeps the order of everything
			ConnectRetries: 120, // to nodes that others told of; to peers for ever
			PingInterval:   pinging,
			MaxPingsOut:    unanswered,
			WriteDeadline:  10 * time.Second, // who does not take so much as a write is left, and comes back
			WriteTimeout:   server.WriteTimeoutPolicyClose,
		},
	}
	for _, peer := range cfg.Peers {
		if _, _, err := net.SplitHostPort(peer); err != nil {
			return nil, fmt.Errorf("cluster.peers: %q is not host:port: %w", peer, err)
		}
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: peer})
	}
	return opts, nil
}

func splitListen(listen string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(number)
	if err != nil {
		return "", 0, err
	}
	if port == 0 {
		port = server.RANDOM_PORT // for 0 it would not listen
	}
	return host, port, nil
}

// serve starts the server and connects with it.
func (b *Bus) serve(self cluster.NodeID, opts *server.Options) (*nats.Conn, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("the NATS server in this node: %w", err)
	}
	l := &logger{log: b.log}
	srv.SetLoggerV2(l, false, false, false)
	b.server = srv
	srv.Start()
	for end := time.Now().Add(connecting); !srv.ReadyForConnections(50 * time.Millisecond); {
		if why := l.fatal(); why != "" {
			return nil, fmt.Errorf("the NATS server in this node: %s; see cluster.listen", why)
		}
		if time.Now().After(end) {
			return nil, errors.New("the NATS server in this node did not get ready")
		}
	}
	conn, err := nats.Connect("", append(b.options(self), nats.InProcessServer(srv), nats.PingInterval(nats.DefaultPingInterval), nats.Token(opts.Authorization))...)
	if err != nil {
		return nil, fmt.Errorf("connect with the NATS server in this node: %w", err)
	}
	return conn, nil
}

// await waits a little for the first of the peers, so that who starts is heard of.
func (b *Bus) await() {
	if b.server == nil || b.peers == 0 {
		return
	}
	for end := time.Now().Add(meeting); b.server.NumRoutes() == 0 && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond)
	}
}

// drain waits until the server has sent to the others what it got: when it shuts down, it would
// not.
func (b *Bus) drain() {
	for end := time.Now().Add(flushing); b.server != nil && time.Now().Before(end); {
		routes, err := b.server.Routez(nil)
		if err != nil || !slices.ContainsFunc(routes.Routes, func(r *server.RouteInfo) bool { return r.Pending > 0 }) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// Address returns where the server in this node listens for the others, once it has started.
func (b *Bus) Address() string { return b.server.ClusterAddr().String() }
