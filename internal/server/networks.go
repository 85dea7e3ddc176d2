package server

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"monarch/internal/admin"
	"monarch/internal/clock"
	"monarch/internal/gate"
	"monarch/internal/store"
)

// How often the rules of networks are read again: another node may have made one that this one was not told of.
// One that is alone is told of all but what a command changed while it was starting.
const (
	rulesCheck       = time.Minute
	sharedRulesCheck = 15 * time.Second
)

// straggle is how long it takes at most until a connection that was being let in when its network was
// denied is among those that can be closed.
const straggle = 2 * time.Second

// networkKeeper has the rules that operators make for networks be in force.
type networkKeeper struct {
	timer   clock.Timer   // of the next look
	expiry  clock.Timer   // of the next rule that expires
	again   clock.Timer   // of the second look for whom to close
	due     chan struct{} // of one: rules are to be read
	over    chan struct{} // of one: a rule may have expired
	strays  chan struct{} // of one: stragglers are to be closed
	stop    context.CancelFunc
	inForce atomic.Int64 // rules

	// Touched only by who has the turn, for it is kept while the database is asked.
	turn    chan struct{}                      // of one
	known   map[netip.Prefix]store.NetworkRule // nil: nothing was read yet
	evicted []netip.Prefix                     // lately
}

func (k *networkKeeper) init() {
	for _, c := range []*chan struct{}{&k.due, &k.over, &k.strays, &k.turn} {
		*c = make(chan struct{}, 1)
	}
}

// startNetworks begins to look after them, until s.bans.stop; s.serving waits for its end.
func (s *Server) startNetworks() {
	k := &s.bans
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	every := rulesCheck
	if s.cluster != nil {
		every = sharedRulesCheck
	}
	s.repeat(&k.timer, every, func() { ring(k.due) })
	s.serving.Go(func() {
		defer func() {
			for _, t := range []*clock.Timer{&k.timer, &k.expiry, &k.again} {
				s.clock.Stop(t)
			}
		}()
		trouble := false
		for {
			select {
			case <-ctx.Done():
				return
			case <-k.due:
				_, err := s.readNetworks(ctx)
				if err != nil && ctx.Err() == nil && !trouble {
					s.log.Error("the rules of networks cannot be read; those known before hold", "err", err)
				}
				trouble = err != nil
			case <-k.over:
				s.withNetworks(ctx, s.enforceNetworks)
			case <-k.strays:
				s.withNetworks(ctx, func() {
					s.evict(k.evicted)
					k.evicted = nil
				})
			}
		}
	})
}

// withNetworks calls fn when nobody else is at the rules.
func (s *Server) withNetworks(ctx context.Context, fn func()) {
	select {
	case s.bans.turn <- struct{}{}:
		fn()
		<-s.bans.turn
	case <-ctx.Done():
	}
}

// readNetworks has the rules be in force that are in the database now, and closes whoever is inside from a network that
// was not denied before. It returns how many connections of clients these were.
func (s *Server) readNetworks(ctx context.Context) (ended int, err error) {
	err = context.Canceled // unless there is a turn
	s.withNetworks(ctx, func() {
		var rules []store.NetworkRule
		if rules, err = s.store.NetworkRules(ctx, s.clock.Now()); err != nil {
			s.enforceNetworks() // of those that are known, some may have expired
			return
		}
		ended = s.adoptNetworks(rules)
	})
	return ended, err
}

// adoptNetworks does that with the rules that were read.
func (s *Server) adoptNetworks(rules []store.NetworkRule) (ended int) {
	k := &s.bans
	known := make(map[netip.Prefix]store.NetworkRule, len(rules))
	var denied []netip.Prefix
	for _, r := range rules {
		known[r.Network] = r
		if !r.Allow && !r.Keep && k.known[r.Network] != r {
			denied = append(denied, r.Network)
		}
	}
	first := k.known == nil
	k.known = known
	s.enforceNetworks()
	if first || len(denied) == 0 {
		return 0
	}
	ended = s.evict(denied)
	k.evicted = append(k.evicted, denied...)
	s.clock.Set(&k.again, straggle, func() { ring(k.strays) })
	return ended
}

// enforceNetworks tells the gate which of the known rules hold at this moment.
func (s *Server) enforceNetworks() {
	k, now := &s.bans, s.clock.Now()
	var rules gate.Rules
	var next int64
	for network, r := range k.known {
		switch {
		case r.Expires != 0 && r.Expires <= now.Unix():
			delete(k.known, network)
			continue
		case r.Allow:
			rules.Allow = append(rules.Allow, network)
		default:
			rules.Deny = append(rules.Deny, network)
		}
		if r.Expires != 0 && (next == 0 || r.Expires < next) {
			next = r.Expires
		}
	}
	s.gate.SetRules(rules)
	k.inForce.Store(int64(len(k.known)))
	s.clock.Stop(&k.expiry)
	if next != 0 {
		s.clock.Set(&k.expiry, max(time.Unix(next, 0).Sub(now), time.Millisecond), func() { ring(k.over) })
	}
}

// evict closes whoever is inside from one of some networks, unless he is exempt.
func (s *Server) evict(networks []netip.Prefix) (ended int) {
	if len(networks) == 0 {
		return 0
	}
	unwanted := func(a netip.Addr) bool {
		return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) }) && s.gate.Denied(a)
	}
	ended = s.engine.Evict(unwanted) + s.carrier.evict(unwanted)
	s.passport.Evict(unwanted)
	if s.website.server != nil {
		s.website.server.Evict(unwanted)
	}
	return ended
}

// configuredNetworks returns the rules of the configuration that is in force.
func (s *Server) configuredNetworks() (rules []admin.NetworkRule) {
	n := s.gate.Networks()
	for _, p := range n.Allow {
		rules = append(rules, admin.NetworkRule{Network: admin.ShowNetwork(p), Rule: admin.RuleAllow, Configured: true})
	}
	for _, p := range n.Deny {
		rules = append(rules, admin.NetworkRule{Network: admin.ShowNetwork(p), Rule: admin.RuleDeny, Configured: true})
	}
	return rules
}
