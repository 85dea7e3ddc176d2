package web

import (
	"net/netip"
	"time"

	"monarch/internal/clock"
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
	ProofBits    int // of the proof of work; 0: none is wanted
}

// SetLimits changes the limits, for requests from now on.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// How often one address may do things. docs/protocol/limits.md#website
var (
	signUpRate = clock.Rate{Burst: 20, Per: time.Hour} // forms that are sent, good or not
	slowRate   = clock.Rate{Burst: 3, Per: time.Hour}  // accounts without a proof of work
	letterRate = clock.Rate{Burst: 10, Per: time.Hour} // letters asked for
)

// How often the owner of an account may do things.
var (
	changeRate = clock.Rate{Burst: 100, Per: time.Minute} // changes of lists, groups and settings
	nameRate   = clock.Rate{Burst: 5, Per: time.Minute}   // of one's own name, which others are told
	importRate = clock.Rate{Burst: 10, Per: time.Hour}    // files that are read, or taken over
	exportRate = clock.Rate{Burst: 30, Per: time.Hour}    // files that are made
)

// habits is what one address did lately.
type habits struct{ signUps, slow, letters clock.Bucket }

// allow reports whether an address may do something once more, which is counted.
func (s *Server) allow(from netip.Addr, rate clock.Rate, of func(*habits) *clock.Bucket) bool {
	if !s.limits.Load().Rates {
		return true
	}
	allowed := false
	s.habits.Use(turns.SubscriberOf(from), func(h *habits) {
		allowed = rate.Allow(of(h), s.cfg.Clock.Elapsed())
	})
	if !allowed {
		s.Counts.Refused.Add(1)
	}
	return allowed
}
