package passport

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// How many wrong passwords there may be in a minute. docs/protocol/limits.md#sign-in
const (
	maxAccountFailures = 5  // for one account from one address
	maxAddressFailures = 30 // from one address
	guessWindow        = time.Minute
	maxGuessKeys       = 1 << 16 // remembered at once
)

// guesses counts failed sign-ins. What it remembers is bounded: when full it forgets what
// is over, then some of the rest.
type guesses struct {
	seed maphash.Seed

	mu     sync.Mutex // leaf
	counts map[guessKey]guessCount
}

// guessKey is an address, with an account or, when that is 0, by itself.
type guessKey struct {
	from    netip.Addr
	account uint64
}

// guessCount is how many there were in the window that began at since.
type guessCount struct {
	n     int
	since time.Time
}

func newGuesses() *guesses {
	return &guesses{seed: maphash.MakeSeed(), counts: make(map[guessKey]guessCount)}
}

// begin notes an attempt on an account, unless there have been too many failures.
func (g *guesses) begin(now time.Time, from netip.Addr, handle string) bool {
	address, account := g.keys(from, handle)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count(now, address) >= maxAddressFailures || g.count(now, account) >= maxAccountFailures {
		return false
	}
	g.add(now, account, 1)
	return true
}

// end says how the attempt ended: a failure counts against the address too, and anything
// else does not count against the account after all. It reports whether this was the last
// failure there may be.
func (g *guesses) end(now time.Time, from netip.Addr, handle string, failed bool) bool {
	address, account := g.keys(from, handle)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !failed {
		if g.count(now, account) > 0 {
			g.add(now, account, -1)
		}
		return false
	}
	g.add(now, address, 1)
	return g.count(now, address) == maxAddressFailures || g.count(now, account) == maxAccountFailures
}

// keys returns what an attempt is counted by. An IPv6 subscriber has a whole /64.
func (g *guesses) keys(from netip.Addr, handle string) (address, account guessKey) {
	if from.Is6() {
		if p, err := from.Prefix(64); err == nil {
			from = p.Addr()
		}
	}
	return guessKey{from, 0}, guessKey{from, maphash.String(g.seed, handle) | 1}
}

// count returns the number in the present window. g.mu is held.
func (g *guesses) count(now time.Time, k guessKey) int {
	c, ok := g.counts[k]
	if !ok || now.Sub(c.since) >= guessWindow {
		return 0
	}
	return c.n
}

// add changes a number, and begins a window if there is none. g.mu is held.
func (g *guesses) add(now time.Time, k guessKey, n int) {
	c, ok := g.counts[k]
	if !ok && len(g.counts) >= maxGuessKeys {
		g.forget(now)
	}
	if !ok || now.Sub(c.since) >= guessWindow {
		c = guessCount{since: now}
	}
	c.n += n
	if c.n <= 0 {
		delete(g.counts, k)
		return
	}
	g.counts[k] = c
}

// forget makes room. g.mu is held.
func (g *guesses) forget(now time.Time) {
	for k, c := range g.counts {
		if now.Sub(c.since) >= guessWindow {
			delete(g.counts, k)
		}
	}
	for k := range g.counts {
		if len(g.counts) <= maxGuessKeys-maxGuessKeys/16 {
			return
		}
		delete(g.counts, k)
	}
}
