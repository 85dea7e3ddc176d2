package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/config"
	"monarch/internal/natsbus"
	"monarch/internal/ns"
)

// leaveTime is how long a node that stops waits for the others to have heard everything.
const leaveTime = 2 * time.Second

// buildCluster makes this node one of several, if it is to be. docs/cluster.md
func (s *Server) buildCluster() error {
	c := s.cfg.Cluster
	if c.Mode == config.ClusterOff {
		return nil
	}
	name, err := c.NodeName()
	if err != nil {
		return err
	}
	if s.bus, err = s.buildBus(); err != nil {
		return err
	}
	s.hub.Join(func(m cluster.Member) *cluster.Cluster {
		s.cluster = cluster.New(cluster.Config{
			Name: name, Bus: s.bus, Member: s.nodes.Member(m), Status: s.status, Clock: s.clock, Log: s.log, Metrics: s.metrics,
		})
		return s.cluster
	})
	s.nodes.Join(s.cluster)
	s.metrics.Info("monarch_node_info", "Which node this is, and what it does; always 1.",
		map[string]string{"node": name, "roles": strings.Join(c.Roles, ",")})
	s.metrics.Gauge("monarch_draining", "1 while this node moves its people to others, or stops.", func() float64 {
		if s.ns.Draining() {
			return 1
		}
		return 0
	})
	return nil
}

// What nodes tell each other besides who is signed in.
const (
	topicGuess = "guess" // login.News
	topicEnded = "ended" // web.Ended
)

// hear decodes news for fn. What cannot be read is of another release.
func hear[T any](fn func(T)) func([]byte) {
	return func(body []byte) {
		var news T
		if json.Unmarshal(body, &news) == nil {
			fn(news)
		}
	}
}

// buildBus makes what carries packets to the other nodes.
func (s *Server) buildBus() (*natsbus.Bus, error) {
	c := s.cfg.Cluster
	if c.Mode == config.ClusterExternal {
		settings, err := filesTLS(c)
		return natsbus.External(natsbus.ExternalConfig{
			URL: strings.Join(config.List(c.NATSURL), ","), TLS: settings, Log: s.log, Metrics: s.metrics,
		}), err
	}
	settings, err := filesTLS(c)
	if err == nil && settings == nil {
		var secret string
		if secret, err = c.TheSecret(); err == nil {
			settings, err = natsbus.SecretTLS(secret)
		}
	}
	if err != nil {
		return nil, err
	}
	return natsbus.Embedded(natsbus.EmbeddedConfig{
		Listen: c.Listen, Peers: c.Peers, TLS: settings, Log: s.log, Metrics: s.metrics,
	})
}

// filesTLS returns the TLS of the certificates that are configured, or nil.
func filesTLS(c config.Cluster) (*tls.Config, error) {
	if c.CA == "" {
		return nil, nil
	}
	return natsbus.FilesTLS(c.Cert, c.Key, c.CA)
}

// status is what this node tells the others of itself.
func (s *Server) status() cluster.Status {
	st := cluster.Status{
		Release: release(), Roles: s.cfg.Cluster.Roles, Sessions: s.hub.Count(), Capacity: s.cfg.Cluster.Capacity,
		Draining: s.ns.Draining(), Switchboards: s.boards.list(), Web: s.site(),
	}
	if s.listeners.notification != nil {
		st.Notification = s.ns.NotificationAddr
	}
	return st
}

// home returns the notification server for somebody who comes: of the node where he is signed in,
// or else of one that has room.
func (s *Server) home(handle string) (string, bool) {
	var was cluster.NodeID
	if l, ok := s.hub.ByHandle(handle); ok {
		if was = cluster.NodeID(l.Node); was == "" {
			was = s.nodes.Self()
		}
	}
	to, ok := s.nodes.Notification(was)
	return to.Addr, ok
}

// nextBoard returns the switchboard for the next conversation.
func (s *Server) nextBoard() (ns.Board, bool) {
	to, ok := s.nodes.Switchboard()
	return ns.Board{Addr: to.Addr, Ahead: to.Ahead}, ok
}

// release returns which version this is, as the build noted it.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// join makes this node known to the others, and waits until it knows who is signed in there.
func (s *Server) join(ctx context.Context) error {
	if s.cluster == nil {
		return nil
	}
	err := s.cluster.Start(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("be one of several nodes: %w", err)
	}
	return err
}

// leave tells the other nodes that this one ends. Nothing is sent afterwards.
func (s *Server) leave(ctx context.Context) {
	if s.cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	s.cluster.Leave(ctx)
}

// Cluster returns the node's place among others, or nil where it is alone.
func (s *Server) Cluster() *cluster.Cluster { return s.cluster }
