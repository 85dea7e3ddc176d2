package server

import (
	"context"
	"errors"
	"net"
	"time"

	"monarch/internal/audit"
)

// How long the steps of a shutdown may take, together less than ten seconds.
const (
	farewellTime = 2 * time.Second // sign-offs are spread over this, so that not all come back at once
	flushTime    = 3 * time.Second
	requestTime  = 2 * time.Second
)

// Run serves until ctx ends, the announced time has come, or a listener breaks, then shuts
// down in order: newcomers are turned away, everybody is told, connections are flushed and
// closed, and the database goes last. The error is that of the listener, or of closing.
func (s *Server) Run(ctx context.Context) error {
	if err := s.join(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil // it was told to stop before it began
		}
		s.hub.Close()
		s.nodes.Close()
		return errors.Join(err, s.release())
	}
	l := &s.listeners
	s.serve("dispatch", l.dispatch, func(l net.Listener) error { return s.engine.Serve(l, s.ns.Dispatch()) })
	s.serve("notification", l.notification, func(l net.Listener) error { return s.engine.Serve(l, s.ns.Notification()) })
	for i, each := range l.switchboards {
		board := s.boards.all[i]
		s.serve("switchboard", each, func(l net.Listener) error { return s.engine.Serve(l, board.Role()) })
	}
	s.serve("https", l.https, func(l net.Listener) error { return s.passport.ServeHTTPS(l, s.presentTLS()) })
	s.serve("http", l.http, s.passport.ServeHTTP)
	s.serve("web", l.web, func(l net.Listener) error { return s.website.server.Serve(l, s.presentWeb()) })
	s.serve("ops", l.ops, s.opsHTTP.Serve)
	s.serve("management", l.manage, s.manage.Serve)
	s.startPost()
	s.startHooks()
	s.startMemory()
	s.startKeys()
	s.startNetworks()
	s.past.Start()
	s.startACME()
	s.audit.Record(ctx, audit.Event{What: audit.Started})
	s.welcome.Store(true)
	close(s.ready)
	s.log.Info("serving", "dispatch", s.Addr("dispatch"), "notification", s.Addr("notification"),
		"switchboard", s.Addr("switchboard"), "https", s.Addr("https"), "http", s.Addr("http"),
		"web", s.Addr("web"), "ops", s.Addr("ops"))

	var failed error
	select {
	case <-ctx.Done():
	case <-s.over:
		s.log.Info("the announced end has come")
	case failed = <-s.failed:
		s.log.Error("a listener broke", "err", failed)
	}
	return errors.Join(failed, s.shutdown(context.WithoutCancel(ctx)))
}

// end makes Run return, because the time has come that was announced.
func (s *Server) end() {
	select {
	case s.over <- struct{}{}:
	default: // it knows
	}
}

// counting logs what another node says of that time.
func (s *Server) counting(left time.Duration) {
	if left == 0 {
		s.log.Info("shutdown cancelled at another node")
		return
	}
	s.log.Info("shutdown announced at another node", "left", left.Round(time.Second).String())
}

// Drain turns away sign-ins and new conversations, as the first step of a shutdown.
func (s *Server) Drain() {
	s.ns.Drain()
	s.announce()
}

func (s *Server) shutdown(ctx context.Context) error {
	s.log.Info("stopping", "sessions", s.hub.Count(), "connections", s.engine.Count())
	s.welcome.Store(false)
	s.Drain()
	for _, l := range append([]net.Listener{s.listeners.dispatch, s.listeners.notification}, s.listeners.switchboards...) {
		closeListener(l)
	}
	s.ns.Farewell(spread(s.hub.Count()))
	for _, board := range s.boards.all {
		board.Farewell()
	}
	flush, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	err := s.engine.Shutdown(flush)
	if err != nil {
		s.log.Warn("some connections were cut off", "err", err)
	}
	s.passport.Farewell(flush)
	s.carrier.close()

	requests, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	s.ns.Close()
	if err := errors.Join(s.passport.Close(requests), s.website.close(requests), s.opsHTTP.Shutdown(requests), s.manage.Shutdown(requests)); err != nil {
		s.log.Warn("some requests were cut off", "err", errors.Join(err, s.opsHTTP.Close(), s.manage.Close()))
	}
	s.post.stop()
	s.stopMemory()
	s.keys.stop()
	s.bans.stop()
	s.past.Stop()
	s.certifying.stop()
	s.serving.Wait()
	s.leave(ctx)
	s.hub.Close()
	s.nodes.Close()
	s.audit.Record(ctx, audit.Event{What: audit.Stopped})
	s.hooks.stop()
	err = s.release()
	s.log.Info("stopped")
	return err
}

// spread is how long the farewell takes: a millisecond for each session, up to the limit.
func spread(sessions int) time.Duration {
	return min(time.Duration(sessions)*time.Millisecond, farewellTime)
}

func closeListener(l net.Listener) {
	if l == nil {
		return
	}
	// Its accept loop ends either way; a second close is the only thing that can fail.
	_ = l.Close()
}
