// Package gate decides who may connect: it knows the networks that are allowed and denied,
// counts connections by address and those that nobody has signed in on yet, bounds what these
// take in memory, and reads the header with which a proxy names its client. What is said on a
// connection, and when somebody has signed in, is left to the servers behind it.
package gate

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"monarch/internal/metrics"
	"monarch/internal/turns"
)

// Limits bounds how many connections there may be. 0 is no limit.
type Limits struct {
	PerAddress          int   // from one address
	StrangersPerAddress int   // of these, without a sign-in
	Strangers           int   // without a sign-in, of all addresses
	Memory              int64 // bytes that all strangers may hold
}

// Those who are too many may still be told so, where their protocol has words for it. They are
// beside the limits, and only so many.
const (
	maxTurned     = 1024
	maxTurnedFrom = 4 // from one address
)

// Standing is what a connection is to the gate.
type Standing uint8

// The standings.
const (
	Refused  Standing = iota // to be closed
	Stranger                 // nobody has signed in on it
	Turned                   // one too many, which may only be told that the server is busy
	SignedIn                 // somebody has signed in on it
)

// Cause is why a connection was refused. The set is closed, for it is a metric label.
type Cause string

// The causes.
const (
	Denied            Cause = "denied"            // its network is not let in
	Banned            Cause = "banned"            // the same, by a rule that was made while the service ran
	Malformed         Cause = "proxy_header"      // it came from a proxy, which did not say for whom
	TooManyFrom       Cause = "address"           // too many connections from its address
	TooManyStrangers  Cause = "strangers"         // too many without a sign-in
	TooStrange        Cause = "address_strangers" // too many without a sign-in from its address
	TooMuchForMemory  Cause = "memory"            // strangers hold too much
	TooManyAtTheProxy Cause = "proxy_waiting"     // too many of which the proxy has not said for whom
)

// Causes returns all of them.
func Causes() []string {
	return []string{
		string(Denied), string(Malformed), string(TooManyFrom), string(TooManyStrangers), string(TooStrange),
		string(TooMuchForMemory), string(TooManyAtTheProxy),
	}
}

// Gate is who may connect. It must be made by [New].
type Gate struct {
	metrics  *metrics.Metrics
	log      *slog.Logger
	networks atomic.Pointer[networks] // of the configuration
	rules    atomic.Pointer[networks] // of operators, while the service runs
	limits   atomic.Pointer[Limits]
	held     atomic.Int64 // bytes that strangers hold

	mu        sync.Mutex // leaf
	from      map[turns.Subscriber]count
	turned    map[turns.Subscriber]int
	strangers int
	turning   int // all of turned
}

// count is how many connections an address has.
type count struct{ all, strangers uint32 }

// New returns a gate.
func New(m *metrics.Metrics, log *slog.Logger, n Networks, l Limits) *Gate {
	g := &Gate{metrics: m, log: log, from: make(map[turns.Subscriber]count), turned: make(map[turns.Subscriber]int)}
	g.SetNetworks(n)
	g.SetRules(Rules{})
	g.SetLimits(l)
	return g
}

// SetLimits changes the limits from now on. Nobody who is inside is closed for it.
func (g *Gate) SetLimits(l Limits) { g.limits.Store(&l) }

// Limits returns those that are in force.
func (g *Gate) Limits() Limits { return *g.limits.Load() }

// SetNetworks changes the networks from now on. Nobody who is inside is closed for it.
func (g *Gate) SetNetworks(n Networks) { g.networks.Store(newNetworks(n)) }

// Networks returns them.
func (g *Gate) Networks() Networks { return g.networks.Load().list }

// SetRules changes the rules that are beside these, from now on. Nobody who is inside is closed for it.
func (g *Gate) SetRules(r Rules) { g.rules.Store(newNetworks(Networks{Allow: r.Allow, Deny: r.Deny})) }

// Enter counts a connection to a listener, which is from then on a stranger, and says how to
// treat it. Whoever is not Refused must [Gate.Leave]. An address that is zero has no limits of
// its own.
func (g *Gate) Enter(listener string, from netip.Addr) Standing {
	if cause := g.denied(from); cause != "" { // since it was accepted
		g.refused(listener, from, cause)
		return Refused
	}
	sub, limits := turns.SubscriberOf(from), g.limits.Load()
	exempt := g.exempt(from)
	g.mu.Lock()
	cause := g.excess(sub, limits, exempt)
	as := Stranger
	switch {
	case cause == "":
		n := g.from[sub]
		n.all++
		n.strangers++
		g.from[sub] = n
		g.strangers++
	case g.turning < maxTurned && g.turned[sub] < maxTurnedFrom:
		as = Turned
		g.turned[sub]++
		g.turning++
	default:
		as = Refused
	}
	g.mu.Unlock()
	if cause != "" {
		g.refused(listener, from, cause)
	}
	return as
}

// excess returns which limit one more connection would exceed, or nothing. g.mu is held.
func (g *Gate) excess(sub turns.Subscriber, l *Limits, exempt bool) Cause {
	n := g.from[sub]
	over := func(have, limit int) bool { return limit > 0 && have >= limit }
	switch {
	case !exempt && over(int(n.all), l.PerAddress):
		return TooManyFrom
	case !exempt && over(int(n.strangers), l.StrangersPerAddress):
		return TooStrange
	case over(g.strangers, l.Strangers):
		return TooManyStrangers
	}
	return ""
}

// SignedIn says that a connection from an address is no longer a stranger.
func (g *Gate) SignedIn(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known(turns.SubscriberOf(from))
}

// known takes a stranger from the count. g.mu is held.
func (g *Gate) known(sub turns.Subscriber) count {
	n := g.from[sub]
	n.strangers--
	g.from[sub] = n
	g.strangers--
	return n
}

// Leave says that a connection has ended, and what it was at last.
func (g *Gate) Leave(from netip.Addr, as Standing) {
	sub := turns.SubscriberOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if as == Turned {
		g.turning--
		if g.turned[sub]--; g.turned[sub] == 0 {
			delete(g.turned, sub)
		}
		return
	}
	n := g.from[sub]
	if as == Stranger {
		n = g.known(sub)
	}
	if n.all--; n.all == 0 {
		delete(g.from, sub)
		return
	}
	g.from[sub] = n
}

// Hold counts bytes that a stranger on a listener holds from now on, or holds no longer when
// they are negative. It reports false, and counts nothing, if strangers would hold too much.
func (g *Gate) Hold(listener string, bytes int) bool {
	most := g.limits.Load().Memory
	if held := g.held.Add(int64(bytes)); bytes <= 0 || most <= 0 || held <= most {
		return true
	}
	g.held.Add(-int64(bytes))
	g.metrics.RefusedConnection(listener, string(TooMuchForMemory))
	return false
}

// Strangers returns how many connections there are that nobody has signed in on.
func (g *Gate) Strangers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.strangers
}

// Held returns how many bytes they hold.
func (g *Gate) Held() int64 { return g.held.Load() }

func (g *Gate) refused(listener string, from netip.Addr, why Cause) {
	g.metrics.RefusedConnection(listener, string(why))
	g.log.Debug("connection refused", "role", listener, "addr", from, "reason", why)
}
