package account

import (
	"context"
	"errors"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// What somebody does with his own lists by another way than his client. If that is signed in, its
// session follows at once, and so does everybody who sees him. docs/protocol/lists.md#elsewhere
//
// To ask for what holds already is no error.

// ErrBadGroup says that a group cannot be called that.
var ErrBadGroup = errors.New("not a name a group can have")

// Messenger is what the notification server has to do with it.
type Messenger interface {
	// Change runs do while nothing else changes somebody's lists, here or by his client.
	Change(ctx context.Context, owner im.UserID, do func() error) error
	// Added and Removed tell a contact about his place on the forward list of somebody who is
	// not signed in, of what his session would have got.
	Added(owner im.Person, ev hub.Enlisted)
	Removed(owner im.Person, ev hub.Delisted)
	// MaxContacts returns how many people there may be on a forward list.
	MaxContacts() int
	// Forbids reports whether nobody may call himself that.
	Forbids(name string) bool
}

// change runs do while nothing else changes somebody's lists.
func (s *Service) change(ctx context.Context, u im.User, do func() error) error {
	if s.Messenger == nil {
		return do()
	}
	return s.Messenger.Change(ctx, u.ID, do)
}

// MaxContacts returns how many people there may be on a forward list; 0: any number.
func (s *Service) MaxContacts() int {
	if s.Messenger == nil {
		return 0
	}
	return s.Messenger.MaxContacts()
}

// RenameOwn is [Service.Rename] for the account's owner, who may not call himself everything: it
// refuses with im.ErrNameRefused, too.
func (s *Service) RenameOwn(ctx context.Context, u im.User, name string) error {
	if s.Messenger != nil && s.Messenger.Forbids(name) {
		return im.ErrNameRefused
	}
	return s.Rename(ctx, u, name)
}

// Addition asks for a contact.
type Addition struct {
	Email string
	Name  string // what to call him; empty: the name given before, or else his address
	Group int    // or -1 for group 0
}

// AddContact puts somebody on the forward list, or into one more of its groups. It refuses with
// ErrBadEmail, ErrBadName, or as [store.Store.Add] does; an address that nobody has is
// im.ErrNoUser.
func (s *Service) AddContact(ctx context.Context, u im.User, a Addition) error {
	handle, err := im.ParseHandle(a.Email)
	if err != nil {
		return ErrBadEmail
	}
	if a.Name != "" {
		if err := CheckName(a.Name); err != nil {
			return err
		}
	}
	return s.change(ctx, u, func() error {
		return settled(s.add(ctx, u, store.Addition{List: im.Forward, Handle: handle, Name: a.Name, Group: a.Group, Limit: s.MaxContacts()}))
	})
}

// RemoveContact takes somebody off the forward list and out of all its groups.
func (s *Service) RemoveContact(ctx context.Context, u im.User, handle string) error {
	return s.change(ctx, u, func() error {
		return settled(s.remove(ctx, u, store.Removal{List: im.Forward, Handle: handle, Group: -1}))
	})
}

// NameContact gives somebody on any list a name. It refuses with ErrBadName or im.ErrNotListed.
func (s *Service) NameContact(ctx context.Context, u im.User, handle, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return s.change(ctx, u, func() error {
		_, err := s.Store.NameContact(ctx, u.ID, handle, name)
		return err
	})
}

// Allow lets somebody see the account's owner and talk to him, whatever holds for others.
func (s *Service) Allow(ctx context.Context, u im.User, handle string) error {
	return s.decide(ctx, u, handle, im.Block, im.Allow)
}

// Block keeps somebody from seeing the account's owner and from talking to him.
func (s *Service) Block(ctx context.Context, u im.User, handle string) error {
	return s.decide(ctx, u, handle, im.Allow, im.Block)
}

// Unblock allows somebody who is blocked, as clients do.
func (s *Service) Unblock(ctx context.Context, u im.User, handle string) error {
	return s.change(ctx, u, func() error {
		err := s.remove(ctx, u, store.Removal{List: im.Block, Handle: handle})
		if err == nil {
			err = s.add(ctx, u, store.Addition{List: im.Allow, Handle: handle})
		}
		return settled(err)
	})
}

// Undecide takes somebody off the allow and the block list.
func (s *Service) Undecide(ctx context.Context, u im.User, handle string) error {
	return s.change(ctx, u, func() error {
		for _, l := range []im.List{im.Allow, im.Block} {
			if err := settled(s.remove(ctx, u, store.Removal{List: l, Handle: handle})); err != nil {
				return err
			}
		}
		return nil
	})
}

// decide moves somebody from one of the allow and the block list to the other. It refuses with
// im.ErrNoUser before it changes anything.
func (s *Service) decide(ctx context.Context, u im.User, handle string, from, to im.List) error {
	if _, err := s.Store.User(ctx, handle); err != nil {
		return err
	}
	return s.change(ctx, u, func() error {
		if err := settled(s.remove(ctx, u, store.Removal{List: from, Handle: handle})); err != nil {
			return err
		}
		return settled(s.add(ctx, u, store.Addition{List: to, Handle: handle}))
	})
}

// SetPolicy says what holds for people on neither the allow nor the block list.
func (s *Service) SetPolicy(ctx context.Context, u im.User, p im.Policy) error {
	if p != im.AllowOthers && p != im.BlockOthers {
		return im.ErrUnknownSetting
	}
	return s.change(ctx, u, func() error {
		_, err := s.Store.SetPolicy(ctx, u.ID, p)
		if err == nil && !s.Hub.Ask(ctx, u.ID, 0, hub.PolicySet{Policy: p}) {
			err = s.allowsUndecided(ctx, u, p)
		}
		return settled(err)
	})
}

// SetPrompt says whether clients ask their user when somebody adds him.
func (s *Service) SetPrompt(ctx context.Context, u im.User, p im.Prompt) error {
	if p != im.Ask && p != im.AddSilent {
		return im.ErrUnknownSetting
	}
	return s.change(ctx, u, func() error {
		_, err := s.Store.SetPrompt(ctx, u.ID, p)
		return settled(err)
	})
}

// AddGroup makes a group, unless there is one of that name. It refuses with ErrBadGroup or
// im.ErrTooManyGroups.
func (s *Service) AddGroup(ctx context.Context, u im.User, name string) error {
	if err := checkGroup(name); err != nil {
		return err
	}
	return s.change(ctx, u, func() error {
		_, err := s.Store.AddGroup(ctx, u.ID, name)
		return err
	})
}

// RenameGroup gives a group another name. It refuses with ErrBadGroup, im.ErrNoGroup or
// im.ErrGroupName.
func (s *Service) RenameGroup(ctx context.Context, u im.User, number int, name string) error {
	if err := checkGroup(name); err != nil {
		return err
	}
	return s.change(ctx, u, func() error {
		_, err := s.Store.RenameGroup(ctx, u.ID, number, name)
		return err
	})
}

// RemoveGroup removes a group. Who was in no other goes to group 0. It refuses with
// im.ErrGroupZero or im.ErrNoGroup.
func (s *Service) RemoveGroup(ctx context.Context, u im.User, number int) error {
	return s.change(ctx, u, func() error {
		_, err := s.Store.DissolveGroup(ctx, u.ID, number)
		return err
	})
}

// MoveContact takes a contact from one group to another. It refuses with im.ErrNotListed,
// im.ErrNoGroup or im.ErrNotInGroup.
func (s *Service) MoveContact(ctx context.Context, u im.User, handle string, from, to int) error {
	return s.change(ctx, u, func() error {
		_, err := s.Store.Move(ctx, u.ID, handle, from, to)
		return err
	})
}

// add changes the database and tells everybody concerned.
func (s *Service) add(ctx context.Context, u im.User, in store.Addition) error {
	shown, err := s.shows(ctx, u, in.List)
	if err != nil {
		return err
	}
	a, err := s.Store.Add(ctx, u.ID, in)
	if err != nil {
		return err
	}
	ev := hub.Enlisted{
		List: in.List, Contact: a.Contact, Group: -1, First: a.First, Version: a.Version, PeerVersion: a.PeerVersion, Shown: shown,
	}
	if in.List == im.Forward {
		ev.Group = max(in.Group, 0)
	}
	switch {
	case s.Hub.Ask(ctx, u.ID, 0, ev):
	case in.List != im.Forward:
		s.allows(u, a.Contact.ID, in.List == im.Allow)
	case a.First && s.Messenger != nil:
		s.Messenger.Added(u.Person, ev)
	}
	return nil
}

// remove does the same.
func (s *Service) remove(ctx context.Context, u im.User, in store.Removal) error {
	shown, err := s.shows(ctx, u, in.List)
	if err != nil {
		return err
	}
	r, err := s.Store.Remove(ctx, u.ID, in)
	if err != nil {
		return err
	}
	ev := hub.Delisted{
		List: in.List, Peer: r.Peer, Handle: strings.ToLower(in.Handle), Version: r.Version, PeerVersion: r.PeerVersion, Shown: shown,
	}
	switch {
	case s.Hub.Ask(ctx, u.ID, 0, ev):
	case in.List != im.Forward:
		now, err := s.Store.User(ctx, u.Handle)
		if err != nil {
			return err
		}
		s.allows(u, r.Peer, now.Policy == im.AllowOthers)
	case r.Left && s.Messenger != nil:
		s.Messenger.Removed(u.Person, ev)
	}
	return nil
}

// allows lets the session of somebody else know whether he may see the account's owner, for when
// he comes. The owner's own session does that, if it has his lists.
func (s *Service) allows(u im.User, other im.UserID, yes bool) {
	ev := hub.PrivacyChanged{Who: u.Person, Allowed: yes}
	if !yes {
		ev.Now.Status = msnp.Offline
	}
	s.Hub.Deliver(other, ev)
}

// allowsUndecided does the same for those on neither the allow nor the block list.
func (s *Service) allowsUndecided(ctx context.Context, u im.User, p im.Policy) error {
	r, err := s.Store.Roster(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, c := range r.Contacts {
		if c.Lists&im.Reverse != 0 && c.Lists&(im.Allow|im.Block) == 0 {
			s.allows(u, c.ID, p == im.AllowOthers)
		}
	}
	return nil
}

// shows returns what somebody shows to those on a list of his.
func (s *Service) shows(ctx context.Context, u im.User, list im.List) ([]im.Property, error) {
	if list != im.Forward {
		return nil, nil
	}
	return s.Store.Shown(ctx, u.ID)
}

// settled makes no error of what holds already.
func settled(err error) error {
	for _, holds := range []error{im.ErrAlreadyListed, im.ErrNotListed, im.ErrSameMode} {
		if errors.Is(err, holds) {
			return nil
		}
	}
	return err
}

func checkGroup(name string) error {
	if name == "" || len(msnp.Escape(name)) > msnp.MaxGroupName {
		return ErrBadGroup
	}
	return nil
}
