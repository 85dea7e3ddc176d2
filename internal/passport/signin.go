package passport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"monarch/internal/auth"
	"monarch/internal/im"
)

// Why somebody does not get a ticket. Besides these there are auth.ErrBusy and whatever
// the store says. The answer never tells an unknown account from a wrong password.
var (
	errRefused = errors.New("wrong password, or no such account")
	errLimited = errors.New("too many failures")
)

// signIn gives the ticket for the right password.
func (s *Server) signIn(ctx context.Context, c credentials, from netip.Addr) (string, error) {
	user, err := s.user(ctx, c.handle)
	if err != nil {
		return "", err
	}
	password, err := s.verify(ctx, user, c, from)
	if err != nil {
		s.count(err)
		return "", err
	}
	s.Counts.SignedIn.Add(1)
	s.upgrade(ctx, user, password)
	return s.cfg.Signer.Ticket(auth.Ticket{
		User:       int64(user.ID),
		Credential: user.Credential,
		Issued:     s.cfg.Clock.Steady(),
	}), nil
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

// verify finds out which of the passwords is right. An attempt on an account counts from
// its beginning, so that many at once are no way around the limit.
// docs/protocol/passport.md#tickets
func (s *Server) verify(ctx context.Context, user im.User, c credentials, from netip.Addr) (string, error) {
	log := s.cfg.Log.With("user", c.handle, "addr", from.String())
	if s.cfg.Rates && !s.guesses.begin(s.cfg.Clock.Steady(), from, c.handle) {
		log.Debug("sign-in refused", "reason", "rate")
		return "", errLimited
	}
	password, err := s.rightPassword(ctx, user.PasswordHash, c.passwords)
	if err == nil && user.Disabled {
		err = errRefused
	}
	refused := errors.Is(err, errRefused)
	if s.cfg.Rates && s.guesses.end(s.cfg.Clock.Steady(), from, c.handle, refused) {
		log.Warn("sign-ins held back for a minute", "reason", "rate")
	}
	if refused {
		log.Debug("sign-in refused", "reason", "password")
	}
	return password, err
}

func (s *Server) rightPassword(ctx context.Context, hash string, passwords []string) (string, error) {
	for _, p := range passwords {
		ok, err := s.cfg.Hasher.Check(ctx, netip.Addr{}, hash, p)
		if err != nil {
			return "", err
		}
		if ok {
			return p, nil
		}
	}
	return "", errRefused
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
	case errors.Is(err, errLimited):
		s.Counts.Limited.Add(1)
	case errors.Is(err, auth.ErrBusy):
		s.Counts.Busy.Add(1)
	}
}
