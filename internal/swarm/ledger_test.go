package swarm

import (
	"testing"

	"monarch/msnp"
)

const (
	alice = iota
	bob
	carol
)

// together is a conversation of two who know of each other.
func together() *ledger {
	l := newLedger()
	l.joins(alice)
	l.joins(bob)
	l.meets(alice, bob)
	l.meets(bob, alice)
	return l
}

// says sends messages of alice's, and has the others get those that are named.
func says(l *ledger, n int, ack msnp.Acknowledgement, arrive ...uint64) {
	for range n {
		l.sends(alice, ack)
	}
	for _, a := range arrive {
		l.gets(bob, alice, a)
	}
}

// conversations are those of alice and bob, and what the books say of them.
var conversations = []struct {
	name     string
	play     func(l *ledger)
	want     Tally
	failures int
}{
	{"everything arrives", func(l *ledger) { says(l, 3, 'U', 1, 2, 3) }, Tally{}, 0},
	{"nothing was said", func(*ledger) {}, Tally{}, 0},
	{"the last is lost", func(l *ledger) { says(l, 3, 'U', 1, 2) }, Tally{Lost: 1}, 0},
	{"the first is lost", func(l *ledger) { says(l, 3, 'U', 2, 3) }, Tally{Lost: 1}, 0},
	{"all are lost", func(l *ledger) { says(l, 3, 'U') }, Tally{Lost: 3}, 0},
	{"one comes twice", func(l *ledger) { says(l, 3, 'U', 1, 2, 2, 3) }, Tally{Duplicated: 1}, 0},
	{"one comes late", func(l *ledger) { says(l, 3, 'U', 1, 3, 2) }, Tally{Reordered: 1}, 0},
	{"one comes early, and again", func(l *ledger) { says(l, 3, 'U', 1, 3, 3, 2) }, Tally{Duplicated: 1, Reordered: 1}, 0},
	{"one comes that was not sent", func(l *ledger) { says(l, 1, 'U', 1, 2) }, Tally{}, 1},
	{"an acknowledgement is lost", func(l *ledger) { says(l, 1, 'A', 1) }, Tally{Lost: 1}, 0},
	{"an acknowledgement comes twice", func(l *ledger) {
		says(l, 1, 'A', 1)
		l.hears(alice, 1, true)
		l.hears(alice, 1, true)
	}, Tally{Duplicated: 1}, 0},
	{"the node ends it, with what was not acknowledged", func(l *ledger) {
		says(l, 3, 'A', 1)
		l.hears(alice, 1, true)
		l.breaks()
	}, Tally{}, 0},
	{"the node ends it, and something that was acknowledged has not come", func(l *ledger) {
		says(l, 3, 'A', 1)
		l.hears(alice, 1, true)
		l.hears(alice, 2, true)
		l.breaks()
	}, Tally{Lost: 1}, 0},
	{"the node ends it, and something before what came has not", func(l *ledger) {
		says(l, 3, 'U', 1, 3)
		l.breaks()
	}, Tally{Lost: 1}, 0},
	{"the node ends it, and not all have heard who came and went", func(l *ledger) {
		l.joins(carol)
		l.meets(alice, carol)
		l.leaves(bob, politely)
		l.breaks()
	}, Tally{}, 0},
	{"no news of an N are good news", func(l *ledger) { says(l, 1, 'N', 1) }, Tally{}, 0},
	{"an N is acknowledged", func(l *ledger) {
		says(l, 1, 'N', 1)
		l.hears(alice, 1, true)
	}, Tally{}, 1},
	{"refused though nobody left", func(l *ledger) {
		says(l, 1, 'A', 1)
		l.hears(alice, 1, false)
	}, Tally{}, 1},
	{"refused because somebody leaves", func(l *ledger) {
		says(l, 1, 'A')
		l.leaves(bob, politely)
		l.hears(alice, 1, false)
		l.parts(alice, bob)
	}, Tally{}, 0},
	{"refused because nobody is there any more", func(l *ledger) {
		l.leaves(bob, politely)
		l.parts(alice, bob)
		says(l, 1, 'A')
		l.hears(alice, 1, false)
	}, Tally{}, 0},
	{"who leaves need not get the rest", func(l *ledger) {
		says(l, 3, 'U', 1)
		l.leaves(bob, cutOff)
		l.parts(alice, bob)
	}, Tally{}, 0},
	{"who leaves has got all before the last he got", func(l *ledger) {
		says(l, 4, 'U', 1, 4)
		l.leaves(bob, cutOff)
		l.parts(alice, bob)
	}, Tally{Lost: 2}, 0},
	{"what a polite one said before arrives", func(l *ledger) {
		says(l, 3, 'U', 1)
		l.leaves(alice, politely)
		l.parts(bob, alice)
	}, Tally{Lost: 2}, 0},
	{"what was under way of one cut off may be lost", func(l *ledger) {
		says(l, 3, 'U', 1)
		l.leaves(alice, cutOff)
		l.parts(bob, alice)
	}, Tally{}, 0},
	{"not what was acknowledged", func(l *ledger) {
		says(l, 3, 'A', 1)
		l.hears(alice, 2, true)
		l.leaves(alice, cutOff)
		l.parts(bob, alice)
	}, Tally{Lost: 1}, 0},
	{"not what another got", func(l *ledger) {
		l.joins(carol)
		for _, pair := range [][2]int{{alice, carol}, {bob, carol}, {carol, alice}, {carol, bob}} {
			l.meets(pair[0], pair[1])
		}
		says(l, 3, 'U', 1)
		l.gets(carol, alice, 1)
		l.gets(carol, alice, 2)
		l.leaves(alice, cutOff)
		l.parts(bob, alice)
		l.parts(carol, alice)
	}, Tally{Lost: 1}, 0},
	{"who leaves is not missed by one who was not told that he came", func(l *ledger) {
		l.joins(carol)
		l.leaves(carol, cutOff)
	}, Tally{}, 0},
	{"nobody is told that somebody came", func(l *ledger) { l.joins(carol) }, Tally{Lost: 4}, 0},
	{"one is told twice", func(l *ledger) { l.meets(alice, bob) }, Tally{Duplicated: 1}, 0},
	{"nobody is told that somebody left", func(l *ledger) { l.leaves(bob, politely) }, Tally{Lost: 1}, 0},
	{"one is told twice that somebody left", func(l *ledger) {
		l.leaves(bob, politely)
		l.parts(alice, bob)
		l.parts(alice, bob)
	}, Tally{Duplicated: 1}, 0},
	{"one is told that somebody left who has not", func(l *ledger) { l.parts(alice, bob) }, Tally{}, 1},
}

func TestLedger(t *testing.T) {
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			l := together()
			c.play(l)
			if settled := l.settled(); settled != (c.want.Lost == 0) {
				t.Errorf("settled: %v", settled)
			}
			got := l.close()
			if got.Tally != c.want || len(got.Failures) != c.failures {
				t.Errorf("%+v with failures %q, want %+v with %d", got.Tally, got.Failures, c.want, c.failures)
			}
		})
	}
}

func TestNewcomersHearWhatIsSaidOnceTheyAreKnown(t *testing.T) {
	l := together()
	says(l, 2, 'U', 1, 2)
	l.joins(carol)
	l.meets(carol, alice)
	l.meets(carol, bob)
	l.meets(bob, carol)
	l.sends(alice, 'U') // 3, before alice knows of carol, who hears it all the same
	l.meets(alice, carol)
	l.sends(alice, 'U') // 4
	for _, n := range []uint64{3, 4} {
		l.gets(bob, alice, n)
		l.gets(carol, alice, n)
	}
	if got := l.close(); got.Tally != (Tally{}) || len(got.Failures) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestNewcomersMayMissWhatIsSaidBefore(t *testing.T) {
	l := together()
	says(l, 2, 'U', 1, 2)
	l.joins(carol)
	l.meets(carol, alice)
	l.meets(carol, bob)
	l.meets(bob, carol)
	l.meets(alice, carol)
	l.sends(alice, 'U') // 3
	l.gets(bob, alice, 3)
	if l.settled() {
		t.Error("settled without what carol must get")
	}
	if got := l.close(); got.Tally != (Tally{Lost: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		name    string
		numbers []uint64
		upTo    uint64
		want    Tally
		missing int64
	}{
		{"nothing of nothing", nil, 0, Tally{}, 0},
		{"in order", []uint64{1, 2, 3}, 3, Tally{}, 0},
		{"nothing of three", nil, 3, Tally{}, 3},
		{"a hole and an end", []uint64{1, 3}, 4, Tally{}, 2},
		{"late", []uint64{3, 1, 2}, 3, Tally{Reordered: 2}, 0},
		{"twice", []uint64{1, 1, 2}, 2, Tally{Duplicated: 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sequence
			for _, n := range c.numbers {
				s.take(n)
			}
			if s.tally != c.want || s.missing(c.upTo) != c.missing {
				t.Errorf("%+v and %d missing, want %+v and %d", s.tally, s.missing(c.upTo), c.want, c.missing)
			}
		})
	}
}
