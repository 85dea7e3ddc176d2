package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnp"
)

// drainTime is how long what is under way at the end of a turn may take to arrive.
const drainTime = 10 * time.Second

// relay is the load of pairs of which one talks and the other listens. A message is done when
// the listener has it and, if that was asked for, the talker its acknowledgement; then the
// next one is sent.
type relay struct {
	job
	pairs  []*pair
	people []*link // their notification connections, which stay silent

	open    atomic.Bool    // messages that are done are followed by others
	talking sync.WaitGroup // pairs with messages under way
	reading sync.WaitGroup
	broken  chan error // why a reader gave up; has room for one
}

// pair is two connections of one conversation.
type pair struct {
	load     *relay
	from, to *link
	text     text // immutable

	mu      sync.Mutex // held while writing, too: one writer at a time
	numbers sequence
	sent    uint64
	arrived uint64
	acked   uint64 // or what need not be
	talking bool
	out     []byte
}

// newRelay brings the pairs together.
func newRelay(ctx context.Context, j job) (load, error) {
	l := &relay{job: j, pairs: make([]*pair, j.Relay.Pairs), broken: make(chan error, 1)}
	connect := l.converse
	if j.Bare {
		connect = l.connectBare
	} else {
		l.people = make([]*link, 2*j.Relay.Pairs)
	}
	if err := each(ctx, j.Relay.Pairs, signInsAtATime, connect); err != nil {
		l.close()
		return nil, err
	}
	for _, p := range l.pairs {
		l.read(p.listen)
		if p.wantsAck() {
			l.read(p.hearOutcomes)
		}
	}
	return l, nil
}

// converse signs two people in and connects them over a switchboard.
func (l *relay) converse(ctx context.Context, i int) error {
	a := l.Share.First + 2*i
	b := a + 1
	var err error
	caller, callee := &l.people[2*i], &l.people[2*i+1]
	if *caller, err = signIn(ctx, l.at(a), l.Crowd, a); err != nil {
		return err
	}
	if *callee, err = signIn(ctx, l.at(b), l.Crowd, b); err != nil {
		return err
	}
	from, to, err := meet(ctx, *caller, *callee, handle(a), handle(b))
	if err != nil {
		return err
	}
	l.pair(i, from, to)
	return nil
}

// connectBare connects a pair over the baseline.
func (l *relay) connectBare(ctx context.Context, i int) error {
	var ends [2]*link
	for k := range ends {
		var err error
		if ends[k], err = dial(ctx, l.Addr, msnp.SwitchboardServerGrammar); err != nil {
			closeAll(ends[:])
			return err
		}
		if _, err := fmt.Fprintf(ends[k], "PAIR %d\r\n", i); err != nil {
			closeAll(ends[:])
			return err
		}
	}
	for _, e := range ends {
		if _, err := e.await("PAIR"); err != nil {
			closeAll(ends[:])
			return err
		}
	}
	l.pair(i, ends[0], ends[1])
	return nil
}

func (l *relay) pair(i int, from, to *link) {
	l.pairs[i] = &pair{load: l, from: from, to: to, text: newText(l.Relay.Bytes, l.Relay.Ack)}
}

// read runs a reader until its connection ends, which it must not do by itself.
func (l *relay) read(reader func() error) {
	l.reading.Go(func() {
		select {
		case l.broken <- reader():
		default: // somebody gave up earlier
		}
	})
}

// step talks for a while.
func (l *relay) step(ctx context.Context, _ string) (outcome, error) {
	before := l.arrived()
	began := time.Now()
	l.open.Store(true)
	for _, p := range l.pairs {
		if err := p.begin(); err != nil {
			return outcome{}, err
		}
	}
	if err := l.wait(ctx, l.Turn, nil); err != nil {
		return outcome{}, err
	}
	l.open.Store(false)
	done := make(chan struct{})
	go func() {
		l.talking.Wait()
		close(done)
	}()
	if err := l.wait(ctx, drainTime, done); err != nil {
		return outcome{}, err
	}
	o := outcome{Work: l.arrived() - before, Seconds: since(began)}
	for _, p := range l.pairs {
		o.add(p.count())
	}
	return o, nil
}

// wait waits for done, as long as it may take, and notices when a connection breaks.
func (l *relay) wait(ctx context.Context, limit time.Duration, done <-chan struct{}) error {
	select {
	case <-time.After(limit):
	case <-done:
	case err := <-l.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (l *relay) arrived() int64 {
	var n uint64
	for _, p := range l.pairs {
		p.mu.Lock()
		n += p.arrived
		p.mu.Unlock()
	}
	return int64(n)
}

func (l *relay) close() {
	for _, p := range l.pairs {
		if p != nil {
			closeAll([]*link{p.from, p.to})
		}
	}
	closeAll(l.people)
	l.reading.Wait()
}

func (p *pair) wantsAck() bool { return p.load.Relay.Ack.Success() && !p.load.Bare }

// begin sends as many messages as may be under way.
func (p *pair) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.load.talking.Add(1)
	p.talking = true
	return p.send()
}

// listen reads what the listener gets, and has the talker send on.
func (p *pair) listen() error {
	for {
		arrived := uint64(0)
		for {
			f, ok, err := p.to.take()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if f.Verb != msnp.MSG {
				return fmt.Errorf("the listener got %s", f.Verb)
			}
			n, err := p.text.number(f.Payload)
			if err != nil {
				return err
			}
			p.mu.Lock()
			p.numbers.take(n)
			p.mu.Unlock()
			arrived++
		}
		if err := p.advance(arrived, 0); err != nil {
			return err
		}
		if err := p.to.fill(); err != nil {
			return fmt.Errorf("read as listener: %w", err)
		}
	}
}

// hearOutcomes reads what the talker hears of his messages.
func (p *pair) hearOutcomes() error {
	for {
		acked := uint64(0)
		for {
			f, ok, err := p.from.take()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if f.Verb != msnp.ACK {
				return fmt.Errorf("the talker got %s", f.Verb)
			}
			acked++
		}
		if err := p.advance(0, acked); err != nil {
			return err
		}
		if err := p.from.fill(); err != nil {
			return fmt.Errorf("read as talker: %w", err)
		}
	}
}

// advance counts what is done, and sends as much again or ends the pair's turn.
func (p *pair) advance(arrived, acked uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived += arrived
	p.acked += acked
	if !p.wantsAck() {
		p.acked = p.arrived
	}
	switch {
	case p.load.open.Load():
		return p.send()
	case p.talking && min(p.arrived, p.acked) >= p.sent:
		p.talking = false
		p.load.talking.Done()
	}
	return nil
}

// send fills the window, in one write. p.mu is held.
func (p *pair) send() error {
	b := p.out[:0]
	for limit := min(p.arrived, p.acked) + uint64(p.load.Relay.InFlight); p.sent < limit; {
		p.sent++
		b = p.text.append(b, p.load.Relay.Ack, p.sent)
	}
	p.out = b
	if len(b) == 0 {
		return nil
	}
	_, err := p.from.Write(b)
	return err
}

// count returns what has gone wrong since the last time.
func (p *pair) count() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.numbers.tally
	p.numbers.tally = Tally{}
	t.Lost = p.numbers.missing(p.sent) + int64(p.sent-min(p.acked, p.sent))*btoi(p.wantsAck())
	return t
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text makes messages that are alike but for a number at their end.
type text struct {
	whole []byte
}

// numberDigits is the room for the number.
const numberDigits = 12

const (
	textHeader = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n"
	dataHeader = "MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\n\r\n"
)

// minTextBytes is the shortest message: the header, what a data message has, the number.
const minTextBytes = len(textHeader) + 48 + numberDigits

func newText(size int, ack msnp.Acknowledgement) text {
	header := textHeader
	if ack == msnp.AckData {
		header = dataHeader
	}
	whole := append([]byte(header), bytes.Repeat([]byte("swarm "), size/len("swarm ")+1)...)
	return text{whole[:size-numberDigits]}
}

// append appends MSG with a number, which is its TrID, too.
func (t text) append(b []byte, ack msnp.Acknowledgement, n uint64) []byte {
	b = append(b, "MSG "...)
	b = strconv.AppendUint(b, n, 10)
	b = append(b, ' ', byte(ack), ' ')
	b = strconv.AppendInt(b, int64(len(t.whole)+numberDigits), 10)
	b = append(b, "\r\n"...)
	b = append(b, t.whole...)
	end := len(b) + numberDigits
	b = append(b, "000000000000"...)
	for i := end - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// number returns that of a message, of which everything else must be as it was sent.
func (t text) number(payload []byte) (uint64, error) {
	rest, ok := bytes.CutPrefix(payload, t.whole)
	if !ok || len(rest) != numberDigits {
		return 0, errors.New("a message arrived with another content than it was sent with")
	}
	var n uint64
	for _, c := range rest {
		n = n*10 + uint64(c-'0')
	}
	return n, nil
}
