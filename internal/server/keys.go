package server

import (
	"context"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/config"
)

// keyCheck is how often the server looks for signing keys that have retired. They do not count any
// more from their time on; the look only deletes them. It also finds a key that a command made in the
// database while the server was starting. Where there are other nodes it looks more often, as each of
// them may make keys.
const (
	keyCheck       = time.Hour
	sharedKeyCheck = time.Minute
	unknownCheck   = time.Second // after which something signed by nobody is worth a look again
)

// sweepCheck is how often what is over at the website is deleted, which counts no more either. On
// PostgreSQL that reads a table and lets nobody write there, so never because of what strangers do.
const sweepCheck = time.Hour

// keyKeeper deletes signing keys in time, and what is over at the website.
type keyKeeper struct {
	timer    clock.Timer
	due      chan struct{} // of one
	sweeping clock.Timer
	sweepDue chan struct{} // of one
	looked   atomic.Int64  // for an unknown key; of the clock's Elapsed
	stop     context.CancelFunc
}

// look has the keys be read, soon.
func (k *keyKeeper) look() { ring(k.due) }

func ring(due chan<- struct{}) {
	select {
	case due <- struct{}{}:
	default: // nobody has got round to the last one
	}
}

// unknownKey looks for the key of something that none of ours signed: another node may have made it.
func (s *Server) unknownKey() {
	last, now := s.keys.looked.Load(), int64(s.clock.Elapsed())
	if now-last >= int64(unknownCheck) && s.keys.looked.CompareAndSwap(last, now) {
		s.keys.look()
	}
}

// openAudit opens the audit log. Without a file webhooks are still told.
func (s *Server) openAudit() error {
	var err error
	s.audit, err = audit.Open(audit.Config{
		Path: s.cfg.AuditFile(), Clock: s.clock, Log: s.log,
		Limits: auditLimits(s.cfg), Hear: s.hooks.hear,
	})
	if err != nil {
		return err
	}
	s.metrics.Total("monarch_audit_lost_total", "Events that the audit log could not be given.", s.audit.Lost)
	return nil
}

func auditLimits(cfg config.Config) audit.Limits {
	return audit.Limits{MaxSize: cfg.Audit.MaxSize, Keep: cfg.Audit.Keep}
}

// startKeys begins to look after the keys, until s.keys.stop; s.serving waits for its end.
func (s *Server) startKeys() {
	ctx, stop := context.WithCancel(context.Background())
	s.keys.stop = stop
	every := keyCheck
	if s.cluster != nil {
		every = sharedKeyCheck
	}
	s.repeat(&s.keys.timer, every, s.keys.look)
	s.repeat(&s.keys.sweeping, sweepCheck, func() { ring(s.keys.sweepDue) })
	s.serving.Go(func() {
		defer s.clock.Stop(&s.keys.timer)
		defer s.clock.Stop(&s.keys.sweeping)
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.keys.due:
				if err := s.service.RetireKeys(ctx); err != nil && ctx.Err() == nil {
					s.log.Error("retired signing keys could not be deleted", "err", err)
				}
			case <-s.keys.sweepDue:
				s.sweep(ctx)
			}
		}
	})
}

// sweep deletes what is over.
func (s *Server) sweep(ctx context.Context) {
	if err := s.store.SweepWeb(ctx, s.clock.Now()); err != nil && ctx.Err() == nil {
		s.log.Error("what is over at the website could not be deleted", "err", err)
	}
	if err := s.store.SweepLocks(ctx, s.clock.Now()); err != nil && ctx.Err() == nil {
		s.log.Error("locks that are over could not be taken away", "err", err)
	}
}

// repeat calls fn now, and again and again until the timer is stopped.
func (s *Server) repeat(t *clock.Timer, every time.Duration, fn func()) {
	var again func()
	again = func() {
		fn()
		s.clock.Set(t, every, again)
	}
	again()
}
