package account

import (
	"context"
	"net/netip"

	"monarch/internal/im"
	"monarch/internal/store"
)

// What follows is for people who nobody has let in yet. Passwords come as hashes, by
// [Service.Hash], so that one form is checked once.

// SignUp makes an account for somebody who asks for it, and uses up his invite code, if he needs
// one. It refuses with store.ErrNoInvite, ErrBadName, im.ErrBadHandle or im.ErrHandleTaken.
func (s *Service) SignUp(ctx context.Context, in store.SignUp) (im.User, error) {
	if in.Name != "" {
		if err := CheckName(in.Name); err != nil {
			return im.User{}, err
		}
	}
	u, err := s.Store.SignUp(ctx, in, s.Clock.Now())
	return s.made(ctx, u, err)
}

// Confirm makes the account that the letter with a token was sent for, for somebody at an address, with
// the password that he chooses: whoever asked for the letter may be somebody else than whoever reads it.
// It refuses with ErrBadPassword, store.ErrNoLetter, store.ErrNoInvite or im.ErrHandleTaken.
func (s *Service) Confirm(ctx context.Context, from netip.Addr, token, password string) (im.User, error) {
	hash, err := s.HashFor(ctx, from, password)
	if err != nil {
		return im.User{}, err
	}
	u, err := s.Store.ConfirmSignUp(ctx, token, hash, s.Clock.Now())
	return s.made(ctx, u, err)
}

// ResetPassword gives the account that the letter with a token is for another password, as
// [Service.SetPassword] does, for somebody at an address. It refuses with ErrBadPassword or
// store.ErrNoLetter. A letter proves nothing before it is used up, so whoever has one takes his turn.
func (s *Service) ResetPassword(ctx context.Context, from netip.Addr, token, password string) (im.User, error) {
	hash, err := s.HashFor(ctx, from, password)
	if err != nil {
		return im.User{}, err
	}
	u, err := s.Store.ResetPassword(ctx, token, hash, s.Clock.Now())
	if err != nil {
		return im.User{}, err
	}
	s.changedPassword(ctx, u, "by a letter")
	return u, nil
}
