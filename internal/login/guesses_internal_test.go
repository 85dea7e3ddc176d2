package login

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// This file is inside the package because a test on sockets has one address only, and not the
// patience for a hundred thousand failures.

// guesser is a table with a time of its own.
type guesser struct {
	*guesses
	now time.Duration
}

func newGuesser() *guesser {
	g := &guesser{guesses: newGuesses()}
	g.setLimits(GuessLimits{Account: 5, Address: 30, Stranger: 20, MaxDelay: 15 * time.Minute})
	return g
}

// attempt reports what became of one.
func (g *guesser) attempt(from netip.Addr, handle string, how outcome) ruling {
	a, r := g.begin(g.now, from, handle)
	if r == refuse {
		how = wrong
	}
	if r != turnAway {
		g.end(g.now, a, how)
	}
	return r
}

func elsewhere(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// Strangers who guess from everywhere are stopped, and cannot lock the owner out.
func TestStrangersCannotLockTheOwnerOut(t *testing.T) {
	g := newGuesser()
	home, office := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:0:1::5")
	for _, at := range []netip.Addr{home, office} {
		if g.attempt(at, "alice", right) != try {
			t.Fatal("the owner is held back")
		}
	}
	tried := 0
	for i := range 100_000 {
		g.now += time.Second
		if g.attempt(elsewhere(i), "alice", wrong) == try {
			tried++
		}
		if i%1000 == 0 && (g.attempt(home, "alice", right) != try || g.attempt(netip.MustParseAddr("2001:db8:0:1::77"), "alice", right) != try) {
			t.Fatal("the owner is held back at home")
		}
	}
	// 20 at once, then about four an hour, as long as it goes on: 28 hours.
	if tried < 20 || tried > 20+4*28+10 {
		t.Errorf("strangers tried %d passwords of 100000", tried)
	}
	if g.attempt(elsewhere(1<<20), "alice", right) != refuse {
		t.Error("somebody new is not held back meanwhile")
	}
	if g.attempt(elsewhere(1<<20), "bob", right) != try {
		t.Error("another account is held back")
	}
	for range 5 {
		g.attempt(home, "alice", wrong)
	}
	if g.attempt(home, "alice", right) != refuse {
		t.Error("at home guesses are not limited")
	}
	g.now += 24 * time.Hour
	if g.attempt(elsewhere(1<<20), "alice", right) != try {
		t.Error("somebody new is held back a day later")
	}
}

// Strangers who try from everywhere at once do not get further than one after the other, and
// what was only tried is not counted for good.
func TestStrangersAtOnceAreNoFurther(t *testing.T) {
	g := newGuesser()
	const many = 66 // as many as are looked at, and wait for that
	var under []attempt
	for i := range many {
		if a, r := g.begin(g.now, elsewhere(i), "alice"); r == try {
			under = append(under, a)
		}
	}
	if len(under) != 20 {
		t.Errorf("%d are let try at once", len(under))
	}
	for _, a := range under {
		g.end(g.now, a, unknown)
	}
	tried := 0
	for i := 0; g.now < 24*time.Hour; g.now += 15*time.Minute + time.Second {
		under = under[:0]
		for range many {
			if a, r := g.begin(g.now, elsewhere(i), "alice"); r == try {
				under = append(under, a)
			}
			i++
		}
		for _, a := range under {
			g.end(g.now, a, wrong)
		}
		tried += len(under)
	}
	if tried < 20 || tried > 20+4*24+10 {
		t.Errorf("strangers tried %d passwords in a day", tried)
	}
}

func TestAnAddressIsForgottenWhenItIsNotUsed(t *testing.T) {
	f := familiar{most: 1000}
	month := familiarTime
	f.add(0, 1, 1)
	f.add(0, 2, 2)
	for _, c := range []struct {
		at      time.Duration
		has, no uint64
	}{{0, 1, 3}, {month - 1, 2, 0}, {month, 1, 3}} {
		if !f.has(c.at, c.has) || f.has(c.at, c.no) {
			t.Errorf("after %s: %t, %t", c.at, f.has(c.at, c.has), f.has(c.at, c.no))
		}
	}
	f.add(month, 1, 1)
	f.add(2*month, 3, 3)
	if !f.has(2*month, 1) || f.has(2*month, 2) {
		t.Error("what was used again is forgotten, or what was not is there")
	}
	for i := range 3 * uint64(f.most) {
		f.add(2*month, i, i)
	}
	if n := len(f.young) + len(f.old); n > 2*f.most || !f.has(2*month, 3*uint64(f.most)-1) {
		t.Errorf("%d are remembered", n)
	}
}

// An account that is used at a million addresses does not make those of others forgotten.
func TestOneAccountHasFewFamiliarAddresses(t *testing.T) {
	g := newGuesser()
	g.familiar.most = 1000
	home := netip.MustParseAddr("192.0.2.1")
	g.attempt(home, "alice", right)
	network := netip.MustParseAddr("2001:db8::").As16()
	for i := range 3 * g.familiar.most {
		network[6], network[7] = byte(i>>8), byte(i)
		g.now += time.Second
		if g.attempt(netip.AddrFrom16(network), "mallory", right) != try {
			t.Fatal("mallory is held back")
		}
	}
	for i := range 20 {
		g.attempt(elsewhere(i), "alice", wrong)
	}
	if g.attempt(elsewhere(20), "alice", right) != refuse || g.attempt(home, "alice", right) != try {
		t.Error("strangers lock alice out at home")
	}
	if n := len(g.familiar.young); n != 1+maxHomes {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestGuessesDoNotFillTheMemory(t *testing.T) {
	g := newGuesser()
	g.most = 1000
	for range 20 {
		g.attempt(elsewhere(1<<23), "alice", wrong)
	}
	for i := range g.most {
		g.attempt(elsewhere(i), fmt.Sprint(i), wrong)
		if len(g.records) > g.most {
			t.Fatalf("%d remembered", len(g.records))
		}
	}
	if g.attempt(elsewhere(1<<23), "alice", right) != refuse {
		t.Error("who is held back was forgotten for those who are not")
	}
	g.now += 25 * time.Hour
	g.forget(g.now)
	for i := range g.most {
		for range 5 {
			g.attempt(elsewhere(i), "bob", wrong)
		}
	}
	if n := len(g.records); n > g.most {
		t.Errorf("%d remembered when all are held back", n)
	}
}

func TestANetworkOfIPv6IsOneGuesser(t *testing.T) {
	g := newGuesser()
	last := 0
	for i := range 60 {
		if g.attempt(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)), fmt.Sprint("v6 ", i), wrong) == try {
			last = i + 1
		}
	}
	if last != 30 {
		t.Errorf("one network of IPv6 may fail %d times", last)
	}
}

// Refusals cost work, so an address that does not care for them must not keep the machine busy;
// nor may anybody who knows a password.
func TestWhoCausesWorkInVainIsTurnedAway(t *testing.T) {
	g := newGuesser()
	busy := elsewhere(1)
	g.attempt(busy, "alice", right)
	var worked, turned int
	for i := range 6000 {
		switch g.attempt(busy, fmt.Sprint(i%50), wrong) {
		case turnAway:
			turned++
		default:
			worked++
		}
		g.now += 10 * time.Millisecond
	}
	if worked < 60+55 || worked > 60+65 || worked+turned != 6000 {
		t.Errorf("%d checks within a minute", worked)
	}
	g.attempt(busy, "bob", wrong)
	if g.attempt(busy, "alice", right) != turnAway {
		t.Error("whether somebody is turned away depends on the account")
	}
	if g.attempt(elsewhere(2), "alice", right) != try {
		t.Error("another address is turned away, too")
	}
	g.now += 2 * time.Second
	if g.attempt(busy, "alice", right) != try {
		t.Error("an account that is at home there is held back, too")
	}
	entered := 0
	for range 100 {
		if g.attempt(elsewhere(3), "alice", right) == try {
			entered++
		}
	}
	if entered != maxWork {
		t.Errorf("%d sign-ins of one account at one place and time", entered)
	}
}

// TestDesksOfSeveralNodesCountTogether has somebody guess at two desks in turn.
func TestDesksOfSeveralNodesCountTogether(t *testing.T) {
	here, there := newGuesses(), newGuesses()
	limits := GuessLimits{Account: 5, Address: 30, Stranger: 20, MaxDelay: time.Hour}
	from := netip.MustParseAddr("192.0.2.7")
	for _, g := range []*guesses{here, there} {
		g.setLimits(limits)
	}
	attempt := func(at, other *guesses, handle string, knows bool) ruling {
		t.Helper()
		a, what := at.begin(0, from, handle)
		how := wrong
		if knows && what == try {
			how = right
		}
		at.end(0, a, how)
		other.learn(0, News{handle, from, how != wrong, a.held, a.familiar})
		return what
	}
	for i := range limits.Account {
		at, other := here, there
		if i%2 == 1 {
			at, other = there, here
		}
		if what := attempt(at, other, "alice@example.com", false); what != try {
			t.Fatalf("attempt %d is ruled %d", i+1, what)
		}
	}
	for i, at := range []*guesses{here, there} {
		if _, what := at.begin(0, from, "alice@example.com"); what != refuse {
			t.Errorf("desk %d rules %d after %d failures at both", i+1, what, limits.Account)
		}
	}
	if what := attempt(here, there, "bob@example.com", true); what != try {
		t.Errorf("bob is ruled %d", what)
	}
	if a, _ := there.begin(0, from, "bob@example.com"); !a.familiar {
		t.Error("who signed in at one desk is a stranger at the other")
	}
}
