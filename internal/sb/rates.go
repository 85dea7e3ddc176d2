package sb

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Rates says how often one person may do things. The zero value is no limit.
// docs/protocol/switchboard.md#rates
type Rates struct {
	Calls          clock.Rate
	FailedCalls    clock.Rate // in a row; so long without a call until there may be more
	Messages       clock.Rate
	FailedMessages clock.Rate // of a connection, that its client is told of
}

// longest returns the time after which nothing that somebody did counts any more.
func (r *Rates) longest() time.Duration {
	return max(r.Calls.Per, r.FailedCalls.Per, r.Messages.Per, time.Second)
}

// Paces is how fast people call and talk, wherever they do: all switchboards of a service share
// one. It outlives conversations and sign-ins: another one is no way around a limit.
type Paces struct {
	clock  *clock.Clock // immutable
	rates  atomic.Pointer[Rates]
	lately *clock.Recent[im.UserID, pace]

	mu      sync.Mutex // taken before that of lately
	talkers map[im.UserID]*talker
}

// pace is what one person did lately. Times are by the clock's Elapsed.
type pace struct {
	calls    clock.Bucket
	failures int           // calls in a row that reached nobody
	since    time.Duration // when the first of them failed
	tried    time.Duration
	messages clock.Bucket // while he is in no conversation
}

// talker is somebody who is in conversations.
type talker struct {
	seats int // in how many; guarded by the mu of the paces

	mu       sync.Mutex // leaf
	messages clock.Bucket
}

// NewPaces returns one in which nobody has done anything.
func NewPaces(c *clock.Clock, r Rates) *Paces {
	p := &Paces{clock: c, lately: clock.NewRecent[im.UserID, pace](c, r.longest()), talkers: make(map[im.UserID]*talker)}
	p.rates.Store(&r)
	return p
}

// SetRates changes how often people may do things. What they have done until now is forgotten,
// but for the messages of those who are in conversations.
func (p *Paces) SetRates(r Rates) {
	p.rates.Store(&r)
	p.lately.Reset(r.longest())
}

// join counts a participation of somebody.
func (p *Paces) join(id im.UserID) *talker {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.talkers[id]
	if t == nil {
		t = new(talker)
		p.lately.Use(id, func(was *pace) { t.messages = was.messages })
		p.talkers[id] = t
	}
	t.seats++
	return t
}

// part ends that.
func (p *Paces) part(id im.UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.talkers[id]
	if t.seats--; t.seats > 0 {
		return
	}
	delete(p.talkers, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Duration(t.messages) > p.clock.Elapsed() { // else there is nothing to remember
		p.lately.Use(id, func(is *pace) { is.messages = t.messages })
	}
}

// take counts a message and returns how long the talker is ahead of the rate.
func (t *talker) take(r clock.Rate, now time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return r.Take(&t.messages, now)
}

// mayCall limits the calls of a person: so many in a time, and only a few in a row that reach
// nobody. docs/protocol/switchboard.md#rates
func (m *member) mayCall() error {
	rates, now := m.srv.Paces.rates.Load(), m.srv.Clock.Elapsed()
	few, often := true, false
	m.srv.Paces.lately.Use(m.who.ID, func(p *pace) {
		if few = p.few(rates.FailedCalls, now); few {
			often = !rates.Calls.Allow(&p.calls, now)
		}
	})
	switch {
	case !few:
		m.srv.Metrics.Limited(metrics.FailedCalls)
	case often:
		m.srv.Metrics.Limited(metrics.Calls)
	default:
		return nil
	}
	return msnp.CodeCallingTooFast
}

// few reports whether so few calls have failed that there may be another.
func (p *pace) few(r clock.Rate, now time.Duration) bool {
	if r.Burst == 0 {
		return true
	}
	if now-p.tried >= r.Per || p.failures < r.Burst && now-p.since >= r.Per {
		p.failures = 0
	}
	p.tried = now
	return p.failures < r.Burst
}

// called notes what became of a call.
func (m *member) called(err error) {
	var code msnp.Code
	refused := errors.As(err, &code)
	if !refused || code == msnp.CodeNotOnline || code == msnp.CodeInvalidHandle {
		now := m.srv.Clock.Elapsed()
		m.srv.Paces.lately.Use(m.who.ID, func(p *pace) { p.called(refused, now) })
	}
	answer := "ringing"
	if refused {
		answer = strconv.Itoa(int(code))
	}
	m.srv.Metrics.Call(answer)
}

func (p *pace) called(failed bool, now time.Duration) {
	if !failed {
		p.failures = 0
		return
	}
	if p.failures++; p.failures == 1 {
		p.since = now
	}
}

// throttle leaves the connection unread for as long as its user is ahead of his rate of
// messages.
// docs/protocol/switchboard.md#rates
func (m *member) throttle(now time.Duration) {
	if wait := m.talker.take(m.srv.Paces.rates.Load().Messages, now); wait > 0 {
		m.srv.Metrics.Limited(metrics.Messages)
		m.conn.Pause(wait)
	}
}

// failed counts answers that make some clients send the same again at once; whoever does
// nothing else is closed. docs/protocol/switchboard.md#rates
func (m *member) failed(now time.Duration) {
	rate := m.srv.Paces.rates.Load().FailedMessages
	if rate.Burst == 0 {
		return
	}
	if now-m.failedAt > rate.Per {
		m.failures, m.failedAt = 0, now
	}
	if m.failures++; m.failures >= rate.Burst {
		m.srv.Metrics.Limited(metrics.FailedMessages)
		m.srv.Audit.Later(audit.Event{What: audit.Disconnected, User: m.who.Handle, Addr: m.conn.Peer(), Note: "messages that fail, in a loop"})
		m.conn.Close(conn.Flood)
	}
}
