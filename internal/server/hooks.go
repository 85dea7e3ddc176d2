package server

import (
	"context"
	"sync"

	"monarch/internal/audit"
	"monarch/internal/webhook"
)

// hooks is what tells webhooks.
type hooks struct {
	sender  *webhook.Sender // nil while the server is built
	end     context.CancelFunc
	running sync.WaitGroup
}

// topicHooks is how nodes tell each other that webhooks have changed, or wait for something.
const topicHooks = "webhooks"

// buildHooks makes what tells webhooks.
func (s *Server) buildHooks() {
	node := ""
	if s.cluster != nil {
		node = s.cluster.Self().Name()
	}
	s.hooks.sender = webhook.New(webhook.Config{
		Store: s.store, Clock: s.clock, Log: s.log, Service: s.cfg.Service.Name, Node: node,
		Tell: func() { s.nodes.Tell(topicHooks, nil) },
	})
	s.nodes.Hear(topicHooks, func([]byte) { s.hooks.sender.Refresh() })
}

// hear hands webhooks what the audit log was given.
func (h *hooks) hear(ctx context.Context, e audit.Heard) {
	if h.sender != nil {
		h.sender.Hear(ctx, e)
	}
}

// startHooks begins to tell webhooks, until s.hooks.stop, which waits for the end.
func (s *Server) startHooks() {
	ctx, stop := context.WithCancel(context.Background())
	s.hooks.end = stop
	s.hooks.running.Go(func() { s.hooks.sender.Run(ctx) })
}

func (h *hooks) stop() {
	h.end()
	h.running.Wait()
}
