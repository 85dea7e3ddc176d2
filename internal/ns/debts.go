package ns

import (
	"encoding/json"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// debts are a pace as nodes tell each other of it. Somebody is signed in at one node at a time and
// begins there with what he owed at the others, so of several the greatest is what he owes: it goes on
// from the others.
type debts struct {
	Buckets []time.Duration `json:"buckets"`         // how long each takes to be full, by kind
	Names   []time.Duration `json:"names,omitempty"` // how long ago the own name was changed, oldest first
}

// Debts returns what somebody owes here, for another node, or nil.
func (s *Server) Debts(id im.UserID) []byte {
	d, now, some := debts{Buckets: make([]time.Duration, kinds)}, s.Clock.Elapsed(), false
	s.paces.Peek(id, func(p *pace) {
		for k, full := range p.buckets {
			d.Buckets[k] = max(time.Duration(full)-now, 0)
			some = some || d.Buckets[k] > 0
		}
		for _, at := range p.names {
			d.Names = append(d.Names, now-at)
		}
	})
	if !some && d.Names == nil {
		return nil
	}
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // it has no fields for which that could be
	}
	return b
}

// TakeDebts notes what somebody who has just signed in here owes at another node. What it does not
// understand is of another release.
func (s *Server) TakeDebts(id im.UserID, b []byte) {
	var d debts
	if json.Unmarshal(b, &d) != nil {
		return
	}
	now, rates := s.Clock.Elapsed(), s.rates.Load()
	s.paces.Use(id, func(p *pace) {
		for k := range min(kinds, kind(len(d.Buckets))) {
			rate, owes := rates.of(k), d.Buckets[k]
			if k == signIns && owes > 0 {
				owes += rate.Each() // for this one
			}
			if owes = min(owes, rate.Per+rate.Each()); owes > 0 {
				p.buckets[k] = max(p.buckets[k], clock.Bucket(now+owes))
			}
		}
		if most := rates.Names.Burst; len(d.Names) > len(p.names) {
			p.names = nil
			for _, ago := range d.Names[max(0, len(d.Names)-most):] {
				p.names = append(p.names, now-ago)
			}
		}
	})
}

// overdrawn refuses somebody who has signed in too often at all nodes together, of which this one has
// only just heard.
func (s *session) overdrawn() error {
	rate, over := s.srv.rates.Load().SignIns, false
	if rate.Burst == 0 {
		return nil
	}
	now := s.srv.Clock.Elapsed()
	s.srv.paces.Peek(s.entry.User(), func(p *pace) { over = time.Duration(p.buckets[signIns])-now > rate.Per })
	if !over {
		return nil
	}
	s.srv.Metrics.Limited(metrics.SignIns)
	s.srv.Audit.Later(audit.Event{What: audit.Disconnected, User: s.handle(), Addr: s.conn.Peer(), Note: "too many sign-ins"})
	return fatal{msnp.CodeBusy, conn.Flood}
}
