package server

import (
	"context"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/config"
)

// keyCheck is how often it is looked whether a signing key has retired, or something of the website
// is over. Nothing of that counts any more from its time on; the look only deletes it. It also
// finds a key that a command made in the database while the server was starting.
const keyCheck = time.Hour

// keyKeeper deletes signing keys in time, and what is over at the website.
type keyKeeper struct {
	timer clock.Timer
	stop  context.CancelFunc
}

// openAudit opens the audit log, unless there is to be none.
func (s *Server) openAudit() error {
	path := s.cfg.AuditFile()
	if path == "" {
		return nil
	}
	var err error
	s.audit, err = audit.Open(audit.Config{
		Path: path, Clock: s.clock, Log: s.log,
		Limits: auditLimits(s.cfg),
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
	due := make(chan struct{}, 1)
	var wake func()
	wake = func() {
		select {
		case due <- struct{}{}:
		default: // it has not got round to the last one
		}
		s.clock.Set(&s.keys.timer, keyCheck, wake)
	}
	wake()
	s.serving.Go(func() {
		defer s.clock.Stop(&s.keys.timer)
		for {
			select {
			case <-ctx.Done():
				return
			case <-due:
			}
			if err := s.service.RetireKeys(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("retired signing keys could not be deleted", "err", err)
			}
			if err := s.store.SweepWeb(ctx, s.clock.Now()); err != nil && ctx.Err() == nil {
				s.log.Error("what is over at the website could not be deleted", "err", err)
			}
		}
	})
}
