package ns

import (
	"slices"
	"time"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Rates says how often one person may do things. The zero value is no limit.
// docs/protocol/limits.md#rates
type Rates struct {
	SignIns          clock.Rate
	Statuses         clock.Rate
	Names            clock.Rate // of the own name; counted exactly
	Lists            clock.Rate
	Commands         clock.Rate // of any kind together, but for those that are free
	Switchboards     clock.Rate
	Invitations      clock.Rate
	OpenSwitchboards int
}

// kind is something that may not be done too often, and is counted by a bucket.
type kind uint8

const (
	statuses kind = iota
	lists
	commands
	boards
	invitations
	signIns
	kinds
)

var limitOf = [kinds]metrics.Limit{
	statuses: metrics.Statuses, lists: metrics.Lists, commands: metrics.Commands,
	boards: metrics.Switchboards, invitations: metrics.Invitations, signIns: metrics.SignIns,
}

// of returns the rate of a kind.
func (r *Rates) of(k kind) clock.Rate {
	return [kinds]clock.Rate{
		statuses: r.Statuses, lists: r.Lists, commands: r.Commands, boards: r.Switchboards, invitations: r.Invitations,
		signIns: r.SignIns,
	}[k]
}

// longest returns the time after which nothing that somebody did counts any more.
func (r *Rates) longest() time.Duration {
	return max(r.SignIns.Per, r.Statuses.Per, r.Names.Per, r.Lists.Per, r.Commands.Per, r.Switchboards.Per, r.Invitations.Per, time.Second)
}

// pace is what one person did lately. It outlives his session: signing in again is no way
// around a limit.
type pace struct {
	buckets [kinds]clock.Bucket
	names   []time.Duration // when the own name was changed, oldest first
}

// paces holds that of everybody who did something lately.
type paces = clock.Recent[im.UserID, pace]

// SetRates changes how often people may do things. What they have done until now is forgotten.
func (s *Server) SetRates(r Rates) {
	s.rates.Store(&r)
	s.paces.Reset(r.longest())
}

// allow counts something the user does, or refuses it.
func (s *session) allow(k kind) error { return s.allowTo(s.entry.User(), k) }

// allowTo does so for somebody who is not signed in yet.
func (s *session) allowTo(id im.UserID, k kind) error {
	rate := s.srv.rates.Load().of(k)
	if rate.Burst == 0 {
		return nil
	}
	allowed, now := false, s.srv.Clock.Elapsed()
	s.srv.paces.Use(id, func(p *pace) { allowed = rate.Allow(&p.buckets[k], now) })
	if allowed {
		return nil
	}
	return s.limited(limitOf[k])
}

// allowName admits so many changes of the own name within a time, wherever that begins.
func (s *session) allowName() error {
	rate := s.srv.rates.Load().Names
	if rate.Burst == 0 {
		return nil
	}
	allowed, now := false, s.srv.Clock.Elapsed()
	s.srv.paces.Use(s.entry.User(), func(p *pace) {
		p.names = slices.DeleteFunc(p.names, func(at time.Duration) bool { return now-at >= rate.Per })
		if allowed = len(p.names) < rate.Burst; allowed {
			p.names = append(p.names, now)
		}
	})
	if allowed {
		return nil
	}
	return s.limited(metrics.Names)
}

// allowBoard admits one more conversation, if the user is not in too many.
func (s *session) allowBoard() error {
	if err := s.allow(boards); err != nil {
		return err
	}
	most := s.srv.rates.Load().OpenSwitchboards
	if l, _ := s.srv.Hub.ByID(s.entry.User()); most > 0 && l.Boards >= most {
		return s.limited(metrics.OpenSwitchboards)
	}
	return nil
}

// allowCommand counts a command of any kind. Who goes on regardless is not read for as long as
// it takes until there may be one more; a stranger is closed.
func (s *session) allowCommand(c command) error {
	if s.state == signedIn {
		if c.free {
			return nil
		}
		err := s.allow(commands)
		if err != nil {
			s.conn.Pause(s.srv.rates.Load().Commands.Each())
		}
		return err
	}
	rate := s.srv.rates.Load().Commands
	if rate.Burst == 0 || rate.Allow(&s.own().commands, s.srv.Clock.Elapsed()) {
		return nil
	}
	s.srv.Metrics.Limited(metrics.Commands)
	return fatal{why: conn.Flood}
}

func (s *session) limited(l metrics.Limit) error {
	s.srv.Metrics.Limited(l)
	return msnp.CodeTooFast
}
