package server

import (
	"context"
	"time"

	"monarch/internal/trace"
)

// traceTime is how long the last traces may take when the server stops.
const traceTime = time.Second

// openTraces makes what sends traces of sign-ins, if somebody wants them.
func (s *Server) openTraces() error {
	if s.cfg.Ops.TraceEndpoint == "" {
		return nil
	}
	node, err := s.cfg.Cluster.NodeName()
	if err != nil { // which is no matter for a node that is alone
		node = s.cfg.Service.Host
	}
	s.trace, err = trace.New(trace.Config{
		Endpoint: s.cfg.Ops.TraceEndpoint, Percent: s.cfg.Ops.TracePercent, Node: node, Release: release(), Log: s.log,
	})
	return err
}

// closeTraces sends the last ones, if the collector takes them.
func (s *Server) closeTraces() {
	ctx, cancel := context.WithTimeout(context.Background(), traceTime)
	defer cancel()
	if err := s.trace.Close(ctx); err != nil {
		s.log.Warn("some traces were not sent", "err", err)
	}
}
