// Package login is where a password opens the door: who may try one, whether it is the right one,
// and what is kept of those who failed. It leaves to its callers where the password comes from
// and what its owner gets for it.
package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/internal/store"
)

// Config is what a [Desk] is made of. Every pointer but Audit is required.
type Config struct {
	Store  *store.Store
	Hasher *auth.Hasher
	Clock  *clock.Clock
	Log    *slog.Logger
	Audit  *audit.Log // nil: nothing is recorded

	Measure func(time.Duration) // is told how long a password check took, with its wait. nil: nobody wants to know
	Tell    func(News)          // tells the desks of other nodes; it must not wait. nil: there are none
	Limits  Limits              // to begin with
}

// News is how an attempt ended, as desks tell each other: who guesses at several has no more
// tries than at one.
type News struct {
	Handle   string     `json:"handle"`
	From     netip.Addr `json:"from"`
	Right    bool       `json:"right,omitempty"`
	Held     bool       `json:"held,omitempty"`     // it was held back
	Familiar bool       `json:"familiar,omitempty"` // the account was lately used from there
}

// Limits is what [Desk.SetLimits] changes while the server runs. What is 0 has its default.
type Limits struct {
	Rates   bool // whether guessing passwords is slowed down
	Guesses GuessLimits
}

// Counts is what has happened since the start.
type Counts struct {
	SignedIn atomic.Uint64 // passwords that were right
	Refused  atomic.Uint64 // wrong password, unknown or disabled account; callers add requests that make no sense
	Limited  atomic.Uint64 // held back for too many failures
	Busy     atomic.Uint64 // turned away because too many passwords wait to be checked
}

// Desk looks at passwords, from wherever they come: its memory of failures is one for all.
type Desk struct {
	Counts Counts

	cfg     Config // immutable
	guesses *guesses
	rates   atomic.Bool
}

// Why somebody is not let in. Besides these there are auth.ErrBusy and whatever the store says.
// Whoever has not proved who he is learns nothing of an account: unknown, disabled, held back and
// a wrong password are the same answer after the same work.
var (
	ErrRefused    = errors.New("wrong password, or no such account")
	ErrLimited    = errors.New("too many failures")
	ErrTurnedAway = errors.New("too many attempts in vain from this address")
)

// New returns a desk that remembers nobody.
func New(cfg Config) *Desk {
	if cfg.Measure == nil {
		cfg.Measure = func(time.Duration) {}
	}
	d := &Desk{cfg: cfg, guesses: newGuesses()}
	d.SetLimits(cfg.Limits)
	return d
}

// SetLimits changes the limits for the attempts that come.
func (d *Desk) SetLimits(l Limits) {
	usual(&l.Guesses.Account, 5)
	usual(&l.Guesses.Address, 30)
	usual(&l.Guesses.Stranger, 20)
	usual(&l.Guesses.MaxDelay, 15*time.Minute)
	d.guesses.setLimits(l.Guesses)
	d.rates.Store(l.Rates)
}

// usual sets what was left at zero.
func usual[T int | time.Duration](value *T, to T) {
	if *value == 0 {
		*value = to
	}
}

// SignIn returns the account with a handle, "" for one that cannot be any, if one of the passwords
// is its own; there are several where a client's character set is in doubt, the likelier first.
// from is where they come from.
func (d *Desk) SignIn(ctx context.Context, handle string, passwords []string, from netip.Addr) (im.User, error) {
	c := credentials{handle, passwords, from}
	a, what := d.begin(c)
	if what == turnAway {
		d.count(ErrTurnedAway)
		return im.User{}, ErrTurnedAway
	}
	began := time.Now()
	user, password, err := d.verify(ctx, c, what)
	d.cfg.Measure(time.Since(began))
	d.end(ctx, a, err, c)
	if err != nil {
		d.count(err)
		d.recordRefusal(ctx, user, c, err)
		return im.User{}, err
	}
	d.Counts.SignedIn.Add(1)
	d.record(ctx, audit.PasswordAccepted, user.Handle, from, "")
	d.upgrade(ctx, user, password)
	return user, nil
}

// credentials are what somebody tries, and where.
type credentials struct {
	handle    string
	passwords []string
	from      netip.Addr
}

// begin rules on an attempt.
func (d *Desk) begin(c credentials) (attempt, ruling) {
	if !d.rates.Load() {
		return attempt{}, try
	}
	return d.guesses.begin(d.cfg.Clock.Elapsed(), c.from, c.handle)
}

// end tells how it ended.
func (d *Desk) end(ctx context.Context, a attempt, err error, c credentials) {
	if a == (attempt{}) {
		return
	}
	how := unknown
	switch {
	case err == nil:
		how = right
	case errors.Is(err, ErrRefused), errors.Is(err, ErrLimited):
		how = wrong
	}
	if how != unknown && d.cfg.Tell != nil {
		d.cfg.Tell(News{c.handle, c.from, how == right, a.held, a.familiar})
	}
	for _, h := range d.guesses.end(d.cfg.Clock.Elapsed(), a, how) {
		d.cfg.Log.Warn("sign-ins held back", "user", c.handle, "addr", c.from.String(), "reason", h.of, "for", h.delay.String())
		d.record(ctx, audit.HeldBack, c.handle, c.from, "")
	}
}

// Learn counts an attempt at another desk, which has logged it.
func (d *Desk) Learn(n News) {
	if d.rates.Load() {
		d.guesses.learn(d.cfg.Clock.Elapsed(), n)
	}
}

// user looks an account up. For a handle nobody has it returns the zero User, whose
// password is as much work to check as any other.
func (d *Desk) user(ctx context.Context, handle string) (im.User, error) {
	if handle == "" {
		return im.User{}, nil
	}
	user, err := d.cfg.Store.User(ctx, handle)
	if err != nil && !errors.Is(err, im.ErrNoUser) {
		return im.User{}, fmt.Errorf("look up account: %w", err)
	}
	return user, nil
}

// verify finds out whose password it is; of a refusal, whose account was named. Every password is
// looked at, unless the first opens the door, so that a refusal is always the same work.
func (d *Desk) verify(ctx context.Context, c credentials, what ruling) (im.User, string, error) {
	user, err := d.user(ctx, c.handle)
	if err != nil {
		return im.User{}, "", err
	}
	refusal := ErrRefused
	if what == refuse {
		refusal = ErrLimited
	}
	for _, p := range c.passwords {
		ok, err := d.cfg.Hasher.Check(ctx, c.from, user.PasswordHash, p)
		if err != nil {
			return im.User{}, "", err
		}
		if ok && what == try && !user.Locked(d.cfg.Clock.Now()) {
			return user, p, nil
		}
	}
	d.cfg.Log.Debug("sign-in refused", "user", c.handle, "addr", c.from.String(), "err", refusal)
	return user, "", refusal
}

// upgrade stores the password with the present parameters, now that it is known. That it
// cannot is no reason to keep somebody out.
func (d *Desk) upgrade(ctx context.Context, user im.User, password string) {
	if !d.cfg.Hasher.Outdated(user.PasswordHash) {
		return
	}
	hash, err := d.cfg.Hasher.Hash(ctx, password)
	if err == nil {
		err = d.cfg.Store.UpgradeHash(ctx, user.ID, user.PasswordHash, hash)
	}
	if err != nil {
		d.cfg.Log.Warn("password hash not upgraded", "user", user.Handle, "err", err)
	}
}

func (d *Desk) count(err error) {
	switch {
	case errors.Is(err, ErrRefused):
		d.Counts.Refused.Add(1)
	case errors.Is(err, ErrLimited), errors.Is(err, ErrTurnedAway):
		d.Counts.Limited.Add(1)
	case errors.Is(err, auth.ErrBusy):
		d.Counts.Busy.Add(1)
	}
}
