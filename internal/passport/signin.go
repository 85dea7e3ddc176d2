package passport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
)

// Why somebody does not get a ticket. Besides these there are auth.ErrBusy and whatever the
// store says. Whoever has not proved who he is learns nothing of an account: unknown, disabled,
// held back and a wrong password are the same answer after the same work.
var (
	errRefused    = errors.New("wrong password, or no such account")
	errLimited    = errors.New("too many failures")
	errTurnedAway = errors.New("too many attempts in vain from this address")
)

// signIn gives the ticket for the right password. docs/protocol/passport.md#tickets
func (s *Server) signIn(ctx context.Context, c credentials, from netip.Addr) (string, error) {
	a, what := s.begin(from, c.handle)
	if what == turnAway {
		s.count(errTurnedAway)
		return "", errTurnedAway
	}
	user, password, err := s.verify(ctx, c, from, what)
	s.end(ctx, a, err, c, from)
	if err != nil {
		s.count(err)
		s.recordRefusal(ctx, user, c, from, err)
		return "", err
	}
	s.Counts.SignedIn.Add(1)
	s.record(ctx, audit.PasswordAccepted, user.Handle, from, "")
	s.upgrade(ctx, user, password)
	return s.cfg.Signer.Ticket(auth.Ticket{
		User:       int64(user.ID),
		Credential: user.Credential,
		Issued:     s.cfg.Clock.Steady(),
	}), nil
}

// begin rules on an attempt.
func (s *Server) begin(from netip.Addr, handle string) (attempt, ruling) {
	if !s.limits.Load().Rates {
		return attempt{}, try
	}
	return s.guesses.begin(s.cfg.Clock.Elapsed(), from, handle)
}

// end tells how it ended.
func (s *Server) end(ctx context.Context, a attempt, err error, c credentials, from netip.Addr) {
	if a == (attempt{}) {
		return
	}
	how := unknown
	switch {
	case err == nil:
		how = right
	case errors.Is(err, errRefused), errors.Is(err, errLimited):
		how = wrong
	}
	for _, h := range s.guesses.end(s.cfg.Clock.Elapsed(), a, how) {
		s.cfg.Log.Warn("sign-ins held back", "user", c.handle, "addr", from.String(), "reason", h.of, "for", h.delay.String())
		s.record(ctx, audit.HeldBack, c.handle, from, "")
	}
}

// user looks an account up. For a handle nobody has it returns the zero User, whose
// password is as much work to check as any other.
func (s *Server) user(ctx context.Context, handle string) (im.User, error) {
	if handle == "" {
		return im.User{}, nil
	}
	user, err := s.cfg.Store.User(ctx, handle)
	if err != nil && !errors.Is(err, im.ErrNoUser) {
		return im.User{}, fmt.Errorf("look up account: %w", err)
	}
	return user, nil
}

// verify finds out whose password it is; of a refusal, whose account was named. Every password is looked at, unless the first opens
// the door, so that a refusal is always the same work.
func (s *Server) verify(ctx context.Context, c credentials, from netip.Addr, what ruling) (im.User, string, error) {
	user, err := s.user(ctx, c.handle)
	if err != nil {
		return im.User{}, "", err
	}
	refusal := errRefused
	if what == refuse {
		refusal = errLimited
	}
	for _, p := range c.passwords {
		ok, err := s.cfg.Hasher.Check(ctx, from, user.PasswordHash, p)
		if err != nil {
			return im.User{}, "", err
		}
		if ok && what == try && !user.Disabled {
			return user, p, nil
		}
	}
	s.cfg.Log.Debug("sign-in refused", "user", c.handle, "addr", from.String(), "err", refusal)
	return user, "", refusal
}

// upgrade stores the password with the present parameters, now that it is known. That it
// cannot is no reason to keep somebody out.
func (s *Server) upgrade(ctx context.Context, user im.User, password string) {
	if !s.cfg.Hasher.Outdated(user.PasswordHash) {
		return
	}
	hash, err := s.cfg.Hasher.Hash(ctx, password)
	if err == nil {
		err = s.cfg.Store.UpgradeHash(ctx, user.ID, user.PasswordHash, hash)
	}
	if err != nil && !errors.Is(err, auth.ErrBusy) {
		s.cfg.Log.Warn("password hash not upgraded", "user", user.Handle, "err", err)
	}
}

func (s *Server) count(err error) {
	switch {
	case errors.Is(err, errRefused):
		s.Counts.Refused.Add(1)
	case errors.Is(err, errLimited), errors.Is(err, errTurnedAway):
		s.Counts.Limited.Add(1)
	case errors.Is(err, auth.ErrBusy):
		s.Counts.Busy.Add(1)
	}
}
