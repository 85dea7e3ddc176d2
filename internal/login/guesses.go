package login

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"

	"monarch/internal/turns"
)

// What has no setting. docs/protocol/limits.md#sign-in
const (
	firstDelay    = time.Minute      // that attempts are held back; doubled each time after
	accountWear   = 15 * time.Minute // after which one failure at an account is forgotten
	addressWear   = time.Minute      // and one of an address
	longestMemory = 24 * time.Hour   // of failures, however many there were
	maxRecords    = 1 << 17          // remembered at once, of some 50 bytes
	maxWork       = 60               // checks that one may cause in vain at once; then one a second
)

// GuessLimits says how many wrong passwords there may be before attempts are held back.
type GuessLimits struct {
	Account  int           // for one account from one address
	Address  int           // from one address
	Stranger int           // for one account, from addresses that it was not used at lately
	MaxDelay time.Duration // how long attempts are held back at most
}

// guesses counts failed sign-ins. Accounts are told apart by what was typed, so that those which
// do not exist are counted like the others. It knows where an account was lately used: there
// strangers cannot lock its owner out. What it remembers is bounded: when full it forgets what
// is over, then who is not held back, then some of the rest.
type guesses struct {
	seed maphash.Seed
	most int // records

	mu       sync.Mutex // leaf
	limits   GuessLimits
	records  map[uint64]*record
	familiar familiar
}

// record is what is remembered of an address, an account, or one at the other. Its times are
// the clock's, of which nobody can move the hands.
type record struct {
	worn   time.Duration // when the last failure will be forgotten
	until  time.Duration // attempts are held back
	work   time.Duration // when the checks in vain will be forgotten
	trying uint16        // attempts under way
	holds  uint8         // how often they were held back
}

// guessKey is what an attempt is counted by: an address, an account, or both.
type guessKey struct {
	from   turns.Subscriber
	handle string
}

// attempt is one under way, with the keys of the records that it concerns.
type attempt struct {
	account, address, pair uint64
	familiar               bool
	held                   bool
}

// ruling says what is to be done with an attempt.
type ruling uint8

const (
	try      ruling = iota
	refuse          // with as much work, so that the refusal tells nothing
	turnAway        // at once: too much work was in vain
)

// outcome is how an attempt ended.
type outcome uint8

const (
	unknown outcome = iota // nobody looked at the password after all
	right
	wrong
)

// hold tells that attempts are held back from now on.
type hold struct {
	of    string
	delay time.Duration
}

func newGuesses() *guesses {
	return &guesses{seed: maphash.MakeSeed(), most: maxRecords, familiar: familiar{most: maxFamiliar}, records: make(map[uint64]*record)}
}

func (g *guesses) setLimits(l GuessLimits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
}

// begin rules on an attempt. It counts for its account from now on, at this address and at new
// ones, so that many at once are no way around the limits. Who is turned away learns nothing of
// accounts, not even whether this is one where he is familiar, unless he knows its password.
func (g *guesses) begin(now time.Duration, from netip.Addr, handle string) (attempt, ruling) {
	a := g.attempt(from, handle)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.records[a.address].tires(now) || g.records[a.pair].tires(now) {
		return a, turnAway
	}
	a.familiar = g.familiar.has(now, a.pair)
	concerned := g.concerned(now, a)
	a.held = concerned[0].full(now, g.limits.Account) || !a.familiar &&
		(g.records[a.address].held(now) || concerned[1].full(now, g.limits.Stranger))
	if a.held {
		return a, refuse
	}
	for _, r := range concerned {
		r.trying++
	}
	return a, try
}

func (g *guesses) attempt(from netip.Addr, handle string) attempt {
	at := turns.SubscriberOf(from)
	return attempt{
		account: maphash.Comparable(g.seed, guessKey{handle: handle}),
		address: maphash.Comparable(g.seed, guessKey{from: at}),
		pair:    maphash.Comparable(g.seed, guessKey{at, handle}),
	}
}

// concerned returns the records that an attempt counts for while it is under way: of the account
// at this address, and of the account at new ones if this is one. g.mu is held.
func (g *guesses) concerned(now time.Duration, a attempt) []*record {
	pair := g.record(now, a.pair)
	if a.familiar {
		return []*record{pair}
	}
	return []*record{pair, g.record(now, a.account)}
}

// end says how an attempt ended that was not turned away, and returns who is held back from
// now on. Attempts that were held back themselves do not make it longer.
func (g *guesses) end(now time.Duration, a attempt, how outcome) (holds []hold) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !a.held {
		for _, r := range g.concerned(now, a) {
			r.trying = max(r.trying, 1) - 1 // it may have been forgotten
		}
	}
	return g.count(now, a, how)
}

// learn counts an attempt that ended at another node.
func (g *guesses) learn(now time.Duration, n News) {
	a := g.attempt(n.From, n.Handle)
	a.held, a.familiar = n.Held, n.Familiar
	how := wrong
	if n.Right {
		how = right
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(now, a, how)
}

// count notes how an attempt ended. g.mu is held.
func (g *guesses) count(now time.Duration, a attempt, how outcome) (holds []hold) {
	pair := g.record(now, a.pair)
	switch {
	case how == right:
		pair.worn, pair.until, pair.holds = 0, 0, 0
		pair.work = max(pair.work, now) + time.Second
		g.familiar.add(now, a.pair, a.account)
	case how == wrong && a.held:
		g.record(now, a.address).waste(now)
	case how == wrong:
		address := g.record(now, a.address)
		address.waste(now)
		holds = g.fail(holds, now, pair, "the account from this address", g.limits.Account, accountWear)
		holds = g.fail(holds, now, address, "the address", g.limits.Address, addressWear)
		if !a.familiar {
			holds = g.fail(holds, now, g.record(now, a.account), "the account from new addresses", g.limits.Stranger, accountWear)
		}
	}
	return holds
}

// fail notes one more failure, and holds attempts back if that makes limit. g.mu is held.
func (g *guesses) fail(holds []hold, now time.Duration, r *record, of string, limit int, wear time.Duration) []hold {
	if r.worn <= now {
		r.worn, r.holds = now, 0
	}
	r.worn = min(r.worn+wear, now+longestMemory)
	if r.failures(now, wear) < limit {
		return holds
	}
	delay := min(firstDelay<<r.holds, g.limits.MaxDelay)
	r.until = now + delay
	r.holds = min(r.holds+1, 16)
	return append(holds, hold{of, delay})
}

// failures returns how many are not forgotten.
func (r *record) failures(now, wear time.Duration) int {
	if r.worn <= now {
		return 0
	}
	return int(math.Ceil(float64(r.worn-now) / float64(wear)))
}

// held reports whether attempts are held back.
func (r *record) held(now time.Duration) bool { return r != nil && r.until > now }

// full reports whether attempts are held back, or enough are under way to get there.
func (r *record) full(now time.Duration, limit int) bool {
	return r.held(now) || r.trying > 0 && r.failures(now, accountWear)+int(r.trying) >= limit
}

// waste notes a check in vain.
func (r *record) waste(now time.Duration) { r.work = max(r.work, now) + time.Second }

// tires reports whether there were too many of them.
func (r *record) tires(now time.Duration) bool {
	return r != nil && r.work-now > (maxWork-1)*time.Second
}

// over reports whether a record says nothing any more.
func (r *record) over(now time.Duration) bool {
	return r.worn <= now && r.until <= now && r.work <= now && r.trying == 0
}

// record returns the record of a key, a new one if there is none. g.mu is held.
func (g *guesses) record(now time.Duration, key uint64) *record {
	r := g.records[key]
	if r != nil {
		return r
	}
	if len(g.records) >= g.most {
		g.forget(now)
	}
	r = new(record)
	g.records[key] = r
	return r
}

// forget makes room. g.mu is held.
func (g *guesses) forget(now time.Duration) {
	for _, expendable := range []func(*record) bool{
		func(r *record) bool { return r.over(now) },
		func(r *record) bool { return r.trying == 0 && r.until <= now },
		func(r *record) bool { return true },
	} {
		for key, r := range g.records {
			if len(g.records) <= g.most-g.most/16 {
				return
			}
			if expendable(r) {
				delete(g.records, key)
			}
		}
	}
}
