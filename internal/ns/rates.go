package ns

import (
	"time"

	"monarch/internal/clock"
	"monarch/msnp"
)

// rates limits what one user may do in a while. docs/protocol/limits.md#rates
type rates struct {
	buckets [limited]clock.Bucket
	names   [5]time.Duration // when the own name was last changed, oldest first; 0 for never
}

// kind is something that may not be done too often.
type kind uint8

const (
	statuses kind = iota
	lists
	boards
	invitations
	limited
)

// paces says how many there may be at once, and how long it takes until there may be one more.
var paces = [limited]struct {
	burst int
	every time.Duration
}{
	statuses:    {30, time.Second},
	lists:       {100, time.Minute / 100},
	boards:      {20, 3 * time.Second},
	invitations: {20, 3 * time.Second},
}

// allow counts something the user does, or refuses it.
func (s *session) allow(k kind) error {
	if !s.srv.Rates {
		return nil
	}
	p := paces[k]
	if !s.own().rates.buckets[k].Allow(s.srv.Clock.Elapsed(), p.every, time.Duration(p.burst)*p.every) {
		return msnp.CodeTooFast
	}
	return nil
}

// allowName admits five changes of the own name within a minute.
func (s *session) allowName() error {
	if !s.srv.Rates {
		return nil
	}
	now, n := s.srv.Clock.Elapsed(), &s.own().rates.names
	if n[0] != 0 && now-n[0] < time.Minute {
		return msnp.CodeTooFast
	}
	copy(n[:], n[1:])
	n[len(n)-1] = now
	return nil
}
