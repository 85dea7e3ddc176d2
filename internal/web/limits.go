package web

import (
	"net/netip"
	"time"

	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/internal/turns"
)

// Registration says who may sign up.
type Registration string

// The kinds of registration.
const (
	Open   Registration = "open"   // everybody
	Invite Registration = "invite" // who has a code
	Closed Registration = "closed" // nobody
)

// Limits is what [Server.SetLimits] changes while the server runs.
type Limits struct {
	Rates        bool // whether there are limits on how often things may be done
	Registration Registration
	ProofBits    int        // of the proof of work; 0: none is wanted
	Lists        clock.Rate // changes of lists, groups and settings by their owner
	Names        clock.Rate // of one's own name, which others are told

	Operators []netip.Prefix // from where the service may be managed; none: from everywhere
}

// SetLimits changes the limits, for requests from now on.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// habit is something that one address may do only so often.
type habit int

const (
	signingUp  habit = iota // by a form that is sent, good or not
	waiting                 // for an account, instead of working for it
	forgetting              // one's password, and asking for a letter
)

// docs/protocol/limits.md#website
var habitRates = [...]clock.Rate{
	signingUp:  {Burst: 20, Per: time.Hour},
	waiting:    {Burst: 3, Per: time.Hour},
	forgetting: {Burst: 10, Per: time.Hour},
}

// deed is something that the owner of an account may do only so often.
type deed int

const (
	changing  deed = iota // lists, groups and settings
	renaming              // oneself, which others are told
	importing             // by a file that is read, or taken over
	exporting             // into a file
)

// rate returns how often an owner may do something.
func (l *Limits) rate(d deed) clock.Rate {
	return [...]clock.Rate{
		changing:  l.Lists,
		renaming:  l.Names,
		importing: {Burst: 10, Per: time.Hour},
		exporting: {Burst: 30, Per: time.Hour},
	}[d]
}

// What one address, and the owner of one account, did lately.
type (
	habits [len(habitRates)]clock.Bucket
	deeds  [exporting + 1]clock.Bucket
)

// allow reports whether an address may do something once more, which is counted.
func (s *Server) allow(from netip.Addr, h habit) bool {
	return s.within(func(now time.Duration) (allowed bool) {
		s.habits.Use(turns.SubscriberOf(from), func(did *habits) { allowed = habitRates[h].Allow(&did[h], now) })
		return allowed
	})
}

// may reports the same of the owner of an account.
func (s *Server) may(u *im.User, d deed) bool {
	return s.within(func(now time.Duration) (allowed bool) {
		s.deeds.Use(u.ID, func(did *deeds) { allowed = s.limits.Load().rate(d).Allow(&did[d], now) })
		return allowed
	})
}

// within reports whether something stays within a limit, if there are any.
func (s *Server) within(allows func(now time.Duration) bool) bool {
	if !s.limits.Load().Rates || allows(s.cfg.Clock.Elapsed()) {
		return true
	}
	s.Counts.Refused.Add(1)
	return false
}
