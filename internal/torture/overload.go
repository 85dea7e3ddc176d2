package torture

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/figures"
	"monarch/msnclient"
	"monarch/msnp"
)

// OverloadCase says how much more is asked of the server than it can do, and for how long.
type OverloadCase struct {
	Times   float64       // of what it can do
	Length  time.Duration // of each of the three phases
	Pairs   int           // who chat meanwhile
	Slowest time.Duration // that 99 of 100 of their messages may take
	Least   float64       // part of what it did before that the server must do afterwards, and half of that in the overload
	Queue   int           // password checks that may wait in the server; 0: its default
}

// Overload signs people in as fast as the server can, then so many times as often, then as fast
// as it can again, while others who are signed in chat. Those get their messages through in
// time; who signs in is let in or told to come again later; and afterwards the server does as
// much as before.
func Overload(ctx context.Context, cfg Config, c OverloadCase) (Report, error) {
	r, end, err := begin(ctx, cfg, "overload")
	if err != nil {
		return Report{}, err
	}
	return end(r.overload(ctx, c))
}

// outsiders is how many accounts sign in, each one at a time. More wait for a password check
// than the server lets wait, so that it has to refuse some.
const outsiders = 192

// besieged is a server that people sign in to while others chat.
type besieged struct {
	*run
	server  *server
	free    chan string // accounts that nobody is signing in with
	latency *latencies
	rss     atomic.Int64 // the most
}

func (r *run) overload(ctx context.Context, c OverloadCase) error {
	if err := r.crowd(ctx, r.database(), 2*c.Pairs, outsiders, 0); err != nil {
		return err
	}
	settings := make(map[string]string)
	if c.Queue > 0 {
		settings["limits.hash_queue"] = strconv.Itoa(c.Queue)
	}
	s, err := r.start(ctx, settings, nil)
	if err != nil {
		return err
	}
	defer s.Kill()
	b := &besieged{run: r, server: s, free: make(chan string, outsiders), latency: newLatencies()}
	for n := range outsiders {
		b.free <- handleOf(2*c.Pairs + n)
	}
	inside, leave := context.WithCancel(ctx)
	var insiders sync.WaitGroup
	defer insiders.Wait()
	defer leave()
	for n := range c.Pairs {
		if err := b.chat(inside, n, &insiders); err != nil {
			return err
		}
	}
	insiders.Go(func() { b.watch(inside) })

	r.say("nobody signs in")
	wait(ctx, c.Length/2)
	r.say("people sign in as fast as they can")
	b.latency.phase("when as many sign in as can")
	before := b.closed(ctx, c.Length)
	r.say("%.1f sign-ins a second; now %.0f times as many want to", before.rate(), c.Times)
	b.latency.phase("when more sign in than can")
	during := b.open(ctx, c.Length, c.Times*before.rate())
	r.say("%.1f sign-ins a second, %.1f refused; now as fast as they can again", during.rate(), float64(during.busy.Load())/during.length.Seconds())
	b.latency.phase("afterwards")
	after := b.closed(ctx, c.Length)
	leave()
	insiders.Wait()
	b.tellOverload(c, before, during, after)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.stop()
}

// tellOverload reports and judges.
func (b *besieged) tellOverload(c OverloadCase, before, during, after *tally) {
	b.figure("sign-ins as fast as they can, before", before.rate(), "/s")
	b.figure("sign-ins asked for in the overload", float64(during.asked.Load())/during.asking.Seconds(), "/s")
	b.figure("sign-ins in the overload that succeeded", during.rate(), "/s")
	b.figure("sign-ins in the overload that were told to come again later", float64(during.busy.Load())/during.length.Seconds(), "/s")
	b.figure("sign-ins as fast as they can, afterwards", after.rate(), "/s")
	b.figure("most memory of the server", float64(b.rss.Load()>>20), "MiB")
	for _, name := range b.latency.order {
		p50, p99, n := b.latency.of(name)
		b.figure("messages of people inside "+name, float64(n), "")
		b.figure("  half of them delivered within", float64(p50.Microseconds())/1000, "ms")
		b.figure("  99 of 100 within", float64(p99.Microseconds())/1000, "ms")
		if p99 > c.Slowest {
			b.fault("%s, people inside wait %v for a message to arrive", name, p99)
		}
	}
	if during.busy.Load() == 0 {
		b.fault("nobody was told to come again later")
	}
	if during.rate() < before.rate()*c.Least/2 {
		b.fault("the server collapses: %.1f sign-ins a second of %.1f", during.rate(), before.rate())
	}
	if after.rate() < before.rate()*c.Least {
		b.fault("the server does not recover: %.1f sign-ins a second of %.1f", after.rate(), before.rate())
	}
}

// tally counts attempts to sign in.
type tally struct {
	asked, done, busy atomic.Int64
	asking            time.Duration // how long anybody began to
	length            time.Duration // until the last had his answer
}

// rate is that of sign-ins that succeeded, per second.
func (t *tally) rate() float64 { return float64(t.done.Load()) / t.length.Seconds() }

// closed has a few sign in, each again as soon as he is in.
func (b *besieged) closed(ctx context.Context, length time.Duration) *tally {
	t := new(tally)
	began := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for time.Since(began) < length && ctx.Err() == nil {
				b.attempt(ctx, <-b.free, t)
			}
		})
	}
	all.Wait()
	t.length = time.Since(began)
	return t
}

// open has people begin to sign in at a rate, whatever becomes of those before.
func (b *besieged) open(ctx context.Context, length time.Duration, rate float64) *tally {
	t := new(tally)
	began := time.Now()
	var all sync.WaitGroup
	for n := 0; ctx.Err() == nil; n++ {
		due := time.Duration(float64(n) / rate * float64(time.Second))
		if due > length {
			break
		}
		wait(ctx, due-time.Since(began))
		select {
		case handle := <-b.free:
			all.Go(func() { b.attempt(ctx, handle, t) })
		default: // everybody is at it
		}
	}
	t.asking = time.Since(began)
	all.Wait()
	t.length = time.Since(began)
	return t
}

// attempt signs somebody in and out.
func (b *besieged) attempt(ctx context.Context, handle string, t *tally) {
	defer func() { b.free <- handle }()
	t.asked.Add(1)
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	c, err := msnclient.Dial(ctx, b.server.client(handle, everybodysPassword, func(*msnclient.Config) {}))
	switch {
	case err == nil:
		t.done.Add(1)
		c.Close()
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
	case errors.Is(err, msnclient.ErrUnavailable):
		t.busy.Add(1)
	default:
		b.fault("%s is neither let in nor told to come again: %v", handle, err)
	}
}

// chat opens the nth conversation, in which one of two keeps talking.
func (b *besieged) chat(ctx context.Context, n int, all *sync.WaitGroup) error {
	var both [2]*msnclient.Client
	for i := range both {
		c, err := msnclient.Dial(ctx, b.server.client(handleOf(2*n+i), everybodysPassword, func(cfg *msnclient.Config) { cfg.Version = msnp.MSNP9 }))
		if err != nil {
			return err
		}
		all.Go(func() {
			for range c.Events() {
			}
		})
		both[i] = c
	}
	chat, err := both[0].Open(ctx, handleOf(2*n+1))
	if err != nil {
		return err
	}
	all.Go(func() {
		defer both[1].Close()
		defer both[0].Close()
		for wait(ctx, 50*time.Millisecond) {
			b.utter(ctx, chat)
		}
	})
	return nil
}

// utter says something and measures how long it takes to arrive.
func (b *besieged) utter(ctx context.Context, chat *msnclient.Chat) {
	asked, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	err := chat.Send(asked, msnclient.Text{Body: "still here"})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		b.fault("a message of somebody inside: %v", err)
		wait(ctx, time.Second)
		return
	}
	b.latency.add(time.Since(began))
}

// watch looks at the server's memory.
func (b *besieged) watch(ctx context.Context) {
	p := figures.Of(b.server.PID())
	for wait(ctx, 100*time.Millisecond) {
		if rss, err := p.RSS(); err == nil && rss > b.rss.Load() {
			b.rss.Store(rss)
		}
	}
}

// latencies are how long messages took, by what happened meanwhile.
type latencies struct {
	mu    sync.Mutex // leaf
	order []string
	all   map[string][]time.Duration
}

func newLatencies() *latencies {
	l := &latencies{all: make(map[string][]time.Duration)}
	l.phase("when nobody signs in")
	return l
}

// phase says what happens from now on.
func (l *latencies) phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = append(l.order, name)
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.order[len(l.order)-1]
	l.all[now] = append(l.all[now], d)
}

// of returns how long half and 99 of 100 of the messages took at most, and their number.
func (l *latencies) of(name string) (p50, p99 time.Duration, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Sorted(slices.Values(l.all[name]))
	if len(all) == 0 {
		return 0, 0, 0
	}
	return all[len(all)/2], all[len(all)*99/100], len(all)
}
