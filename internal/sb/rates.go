package sb

import (
	"errors"
	"strconv"
	"time"

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
	Messages       clock.Rate // of a connection
	FailedMessages clock.Rate // of a connection, that its client is told of
}

// longest returns the time after which no call counts any more.
func (r *Rates) longest() time.Duration { return max(r.Calls.Per, r.FailedCalls.Per, time.Second) }

// pace is how one person called lately. It outlives his sign-in: another one is no way around
// a limit. Times are by the clock's Elapsed.
type pace struct {
	calls    clock.Bucket
	failures int           // calls in a row that reached nobody
	since    time.Duration // when the first of them failed
	tried    time.Duration
}

// paces holds that of everybody who called lately.
type paces = clock.Recent[im.UserID, pace]

// SetRates changes how often people may do things. What they have done until now is forgotten,
// but on a connection.
func (s *Server) SetRates(r Rates) {
	s.rates.Store(&r)
	s.paces.Reset(r.longest())
}

// mayCall limits the calls of a person: so many in a time, and only a few in a row that reach
// nobody. docs/protocol/switchboard.md#rates
func (m *member) mayCall() error {
	rates, now := m.srv.rates.Load(), m.srv.Clock.Elapsed()
	few, often := true, false
	m.srv.paces.Use(m.who.ID, func(p *pace) {
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
		m.srv.paces.Use(m.who.ID, func(p *pace) { p.called(refused, now) })
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

// throttle leaves the connection unread for as long as it is ahead of its rate of messages.
// docs/protocol/switchboard.md#rates
func (m *member) throttle(now time.Duration) {
	if wait := m.srv.rates.Load().Messages.Take(&m.messages, now); wait > 0 {
		m.srv.Metrics.Limited(metrics.Messages)
		m.conn.Pause(wait)
	}
}

// failed counts answers that make some clients send the same again at once; whoever does
// nothing else is closed. docs/protocol/switchboard.md#rates
func (m *member) failed(now time.Duration) {
	rate := m.srv.rates.Load().FailedMessages
	if rate.Burst == 0 {
		return
	}
	if now-m.failedAt > rate.Per {
		m.failures, m.failedAt = 0, now
	}
	if m.failures++; m.failures >= rate.Burst {
		m.srv.Metrics.Limited(metrics.FailedMessages)
		m.conn.Close(conn.Flood)
	}
}
