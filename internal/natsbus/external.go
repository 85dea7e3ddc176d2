package natsbus

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"monarch/internal/cluster"
	"monarch/internal/metrics"
)

// ExternalConfig is how a NATS server is reached.
type ExternalConfig struct {
	URL     string      // nats:// or tls://, with a user and a password or a token; several with commas between
	TLS     *tls.Config // nil: as the URL and the server say
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// External returns a bus over a NATS that runs elsewhere. It connects when it starts, and then again
// whenever the connection is lost.
func External(cfg ExternalConfig) *Bus {
	b := newBus(cfg.Log, cfg.Metrics)
	b.open = func(self cluster.NodeID) (*nats.Conn, error) {
		opts := b.options(self)
		if cfg.TLS != nil {
			opts = append(opts, nats.Secure(cfg.TLS))
		}
		conn, err := nats.Connect(cfg.URL, opts...)
		if err != nil {
			return nil, fmt.Errorf("connect with NATS: %w; is it running, and is cluster.nats_url right?", err)
		}
		return conn, nil
	}
	return b
}
