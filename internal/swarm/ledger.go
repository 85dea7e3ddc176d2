package swarm

import (
	"fmt"
	"maps"

	"monarch/msnp"
)

// ledger keeps the books of one conversation: what each has said, and what the others got of
// it. It knows who is there from those who are, and who must have got what:
//
//   - Whoever has seen another come is heard by him from his next message on, until one of
//     the two leaves.
//   - What somebody says before he leaves politely arrives. If he is cut off, that is only
//     sure of what was acknowledged, and of what came before something that arrived.
//   - What somebody gets is complete and in order up to the last of it, even if he leaves.
//   - A message may be refused only if somebody has left, or nobody was there.
//   - If the node ends the conversation, that is as if all were cut off who say something, and
//     those who hear it were not: what was acknowledged has arrived, and so has whatever came
//     before something that anybody got.
//
// It has no lock and reads no clock. People are numbers.
type ledger struct {
	parties map[int]*party
	left    int // how many have left
	books   books
	broken  bool // the node has ended the conversation
}

// books is what a ledger, or many, have come to.
type books struct {
	Tally
	Sent         int64
	Received     int64
	Acknowledged int64
	Unknown      int64    // whose senders wait to hear what became of them, and never will: their node has ended
	Failures     []string // what should not have happened at all
	Missing      []string // what the losses are
}

func (b *books) add(o books) {
	b.Tally.add(o.Tally)
	b.Sent += o.Sent
	b.Received += o.Received
	b.Acknowledged += o.Acknowledged
	b.Unknown += o.Unknown
	b.Failures = append(b.Failures, o.Failures...)
	b.Missing = append(b.Missing, o.Missing...)
}

// departure says how somebody left.
type departure int

const (
	here departure = iota
	politely
	cutOff // with what was under way from him
)

// party is one of the people of a conversation.
type party struct {
	departure departure
	sent      uint64
	acked     uint64             // the last of his messages that was acknowledged
	relayed   uint64             // the last of his messages that anybody got
	waiting   map[uint64]waiting // by number: messages whose fate he wants to hear
	flows     map[int]*flow      // by who hears him
	gone      int                // how many he knows to have left
}

// waiting is a message whose sender is to be told what became of it.
type waiting struct {
	success bool // he is told of success, too
	heard   int  // how many should have heard it
	gone    int  // how many he knew to have left
}

// flow is what one of the people gets of another.
type flow struct {
	sequence
	begun bool
	from  uint64 // the first he must get; 0: the sender has not seen him come
	over  bool   // the sender has seen him go
}

func newLedger() *ledger { return &ledger{parties: make(map[int]*party)} }

// joins notes that somebody is there. Nobody comes twice.
func (l *ledger) joins(who int) {
	l.parties[who] = &party{waiting: make(map[uint64]waiting), flows: make(map[int]*flow)}
}

// meets notes that somebody was told that another is there.
func (l *ledger) meets(who, other int) {
	p := l.parties[who]
	f := p.flow(other)
	if f.from != 0 {
		l.books.Duplicated++
		return
	}
	f.from = p.sent + 1
}

// parts notes that somebody was told that another has left.
func (l *ledger) parts(who, other int) {
	p := l.parties[who]
	f := p.flow(other)
	switch o := l.parties[other]; {
	case f.from == 0 || f.over:
		l.books.Duplicated++
	case o == nil || o.departure == here:
		l.fail("%s was told that %s has left, who has not", handle(who), handle(other))
	}
	f.over = true
	p.gone++
}

// sends gives the next message of somebody its number.
func (l *ledger) sends(who int, ack msnp.Acknowledgement) uint64 {
	p := l.parties[who]
	p.sent++
	l.books.Sent++
	if ack.Success() || ack.Failure() {
		w := waiting{success: ack.Success(), gone: p.gone}
		for _, f := range p.flows {
			if f.from != 0 && !f.over {
				w.heard++
			}
		}
		p.waiting[p.sent] = w
	}
	return p.sent
}

// hears notes that somebody was told what became of a message of his.
func (l *ledger) hears(who int, n uint64, delivered bool) {
	p := l.parties[who]
	w, ok := p.waiting[n]
	switch {
	case !ok:
		l.books.Duplicated++
		return
	case delivered && !w.success:
		l.fail("%s got an ACK he did not ask for", handle(who))
	case !delivered && w.heard > 0 && l.left <= w.gone:
		l.fail("a message of %s was refused though nobody had left", handle(who))
	}
	delete(p.waiting, n)
	if delivered {
		l.books.Acknowledged++
		p.acked = max(p.acked, n)
	}
}

// gets notes that somebody got a message of another.
func (l *ledger) gets(who, sender int, n uint64) {
	p := l.parties[sender]
	if p == nil || n > p.sent {
		l.fail("%s got message %d of %s, who has not sent it", handle(who), n, handle(sender))
		return
	}
	l.books.Received++
	p.relayed = max(p.relayed, n)
	f := p.flow(who)
	if !f.begun {
		f.begun = true
		f.seen = n - 1
		if f.from != 0 {
			f.seen = min(f.seen, f.from-1)
		}
	}
	f.take(n)
}

// leaves notes that somebody is about to leave.
func (l *ledger) leaves(who int, how departure) {
	if p := l.parties[who]; p.departure == here {
		p.departure = how
		l.left++
	}
}

// breaks notes that the node ends the conversation, or has.
func (l *ledger) breaks() { l.broken = true }

// settled reports whether those who are there have got everything they must. It is the end of
// the conversation that says what is missing, if it does not come to that.
func (l *ledger) settled() bool {
	complete := true
	l.open(func(int64, string, ...any) { complete = false })
	return complete
}

// close returns the books. Those who are there have had all the time they may need.
func (l *ledger) close() books {
	l.open(func(n int64, what string, args ...any) {
		l.books.Lost += n
		l.books.Missing = append(l.books.Missing, fmt.Sprintf(what, args...))
	})
	for _, p := range l.parties {
		if l.broken {
			l.books.Unknown += int64(len(p.waiting))
		}
		for f := range maps.Values(p.flows) {
			l.books.Tally.add(f.tally)
		}
	}
	return l.books
}

// open calls yield with everything that has not arrived and must: how much, and what it is.
func (l *ledger) open(yield func(n int64, what string, args ...any)) {
	for who, p := range l.parties {
		for n, w := range p.waiting {
			if w.success && p.departure == here && !l.broken {
				yield(1, "%s has not heard of his message %d", handle(who), n)
			}
		}
		for other, o := range l.parties {
			if other == who {
				continue
			}
			if what := p.untold(o, other); what != "" && !l.broken {
				yield(1, "%s was not told that %s has %s", handle(who), handle(other), what)
			}
			if n := p.owes(o, other, l.broken || p.departure == cutOff); n > 0 {
				yield(n, "%s has not got %d of the %d messages of %s", handle(other), n, p.sent, handle(who))
			}
		}
	}
}

// untold is what somebody has not been told of another, if he must know it.
func (p *party) untold(o *party, other int) string {
	f := p.flow(other)
	switch {
	case p.departure != here:
	case f.from == 0 && o.departure == here:
		return "come"
	case f.from != 0 && !f.over && o.departure != here:
		return "left"
	}
	return ""
}

// owes is how many of somebody's messages another has not got who must. If he was stopped, what was under
// way from him may have been lost.
func (p *party) owes(o *party, other int, stopped bool) int64 {
	f := p.flow(other)
	switch {
	case o.departure != here:
		return f.holes()
	case f.from == 0:
		return 0
	}
	due := p.sent
	if stopped {
		due = max(p.acked, p.relayed)
	}
	if !f.begun {
		return int64(max(due, f.from-1) - (f.from - 1))
	}
	return f.missing(due)
}

// holes is how many messages are missing before one that has arrived.
func (f *flow) holes() int64 {
	var last uint64
	for n := range f.early {
		last = max(last, n)
	}
	return f.missing(last)
}

func (p *party) flow(other int) *flow {
	f := p.flows[other]
	if f == nil {
		f = new(flow)
		p.flows[other] = f
	}
	return f
}

func (l *ledger) fail(format string, args ...any) {
	l.books.Failures = append(l.books.Failures, fmt.Sprintf(format, args...))
}
