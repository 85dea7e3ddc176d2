package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/im"
)

// Accounts returns up to limit accounts whose address comes after the given one, in the
// order of addresses. A limit that is out of range becomes the largest one.
func (s *Service) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	return s.accounts(ctx, after, limit)
}

func (s *Service) accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	users, err := s.Store.Users(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	accounts := make([]Account, len(users))
	for i, u := range users {
		accounts[i] = s.shown(u, s.isIn(u.ID))
	}
	return accounts, nil
}

// Account returns everything about one account.
func (s *Service) Account(ctx context.Context, email string) (Details, error) {
	u, err := s.user(ctx, email)
	if err != nil {
		return Details{}, err
	}
	r, err := s.Store.Roster(ctx, u.ID)
	if err != nil {
		return Details{}, fmt.Errorf("load lists of %s: %w", u.Handle, err)
	}
	session := s.sessionOf(ctx, u)
	d := Details{
		Account:       s.shown(u, session != nil),
		Session:       session,
		ListVersion:   r.User.Version,
		AsksWhenAdded: r.User.Prompt == im.Ask,
		AllowsOthers:  r.User.Policy == im.AllowOthers,
		Listed:        make(map[string]int),
		Groups:        []string{},
		Properties:    []Property{},
	}
	for _, c := range r.Contacts {
		for _, l := range lists(c.Lists) {
			d.Listed[l]++
		}
	}
	for _, g := range r.Groups {
		d.Groups = append(d.Groups, g.Name)
	}
	for _, p := range r.Properties {
		d.Properties = append(d.Properties, Property{Type: p.Type, Value: p.Value})
	}
	d.Mailbox, err = s.mailbox(ctx, u)
	return d, err
}

// Contacts returns the people on an account's lists, in the order of the roster.
func (s *Service) Contacts(ctx context.Context, email string) ([]Contact, error) {
	u, err := s.user(ctx, email)
	if err != nil {
		return nil, err
	}
	r, err := s.Store.Roster(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("load lists of %s: %w", u.Handle, err)
	}
	nicks, err := s.Store.Names(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("load the names of contacts of %s: %w", u.Handle, err)
	}
	groups := make(map[int]string, len(r.Groups))
	for _, g := range r.Groups {
		groups[g.Number] = g.Name
	}
	contacts := make([]Contact, len(r.Contacts))
	for i, c := range r.Contacts {
		contacts[i] = Contact{
			Email: c.Handle, Nick: nicks[c.ID], Stored: c.Stored,
			Lists: lists(c.Lists), Groups: []string{}, SignedIn: s.isIn(c.ID),
		}
		for _, g := range c.Groups {
			contacts[i].Groups = append(contacts[i].Groups, groups[g])
		}
	}
	return contacts, nil
}

// AddAccount makes an account.
func (s *Service) AddAccount(ctx context.Context, a NewAccount) (Account, error) {
	u, err := s.Users.Create(ctx, account.New{Email: a.Email, Name: a.Nick, Password: a.Password})
	if err != nil {
		email, bad := im.ParseHandle(a.Email)
		if bad != nil {
			email = a.Email
		}
		return Account{}, explain(err, email)
	}
	return s.shown(u, false), nil
}

// SetPassword is [account.Service.SetPassword].
func (s *Service) SetPassword(ctx context.Context, email, password string) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.SetPassword(ctx, u, password), u.Handle)
}

// PasswordIs is [account.Service.PasswordIs].
func (s *Service) PasswordIs(ctx context.Context, email, password string) (bool, error) {
	u, err := s.user(ctx, email)
	if err != nil {
		return false, err
	}
	ok, err := s.Users.PasswordIs(ctx, u, password)
	return ok, explain(err, u.Handle)
}

// SetDisabled is [account.Service.SetDisabled].
func (s *Service) SetDisabled(ctx context.Context, email string, disabled bool) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.SetDisabled(ctx, u, disabled), u.Handle)
}

// SetRole is [account.Service.SetRole], for callers that decide about roles.
func (s *Service) SetRole(ctx context.Context, email string, role im.Role) error {
	if err := checkRole(ctx, role); err != nil {
		return err
	}
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.SetRole(ctx, u, role), u.Handle)
}

// checkRole refuses a role that there is not, or that the caller may not give.
func checkRole(ctx context.Context, role im.Role) error {
	if role != im.NoRole && role != im.Moderator && role != im.Administrator {
		return wrong("role", "role is %s; choose %s, %s or none", role, im.Administrator, im.Moderator)
	}
	return Require(ctx, RolesWrite)
}

// ResetPassword gives an account a password that nobody has chosen, and returns it: it is shown
// once. Clients that are signed in are disconnected.
func (s *Service) ResetPassword(ctx context.Context, email string) (string, error) {
	password := auth.Code()
	return password, s.SetPassword(ctx, email, password)
}

// Lock is [account.Service.Lock].
func (s *Service) Lock(ctx context.Context, email string, l Lock) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.Lock(ctx, u, account.Lock(l)), u.Handle)
}

// Rename is [account.Service.Rename].
func (s *Service) Rename(ctx context.Context, email, nick string) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.Rename(ctx, u, nick), u.Handle)
}

// DeleteAccount is [account.Service.Delete].
func (s *Service) DeleteAccount(ctx context.Context, email string) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	return explain(s.Users.Delete(ctx, u), u.Handle)
}

// user finds an account.
func (s *Service) user(ctx context.Context, email string) (im.User, error) {
	if !isText(email) {
		return im.User{}, explain(im.ErrNoUser, email)
	}
	u, err := s.Store.User(ctx, strings.ToLower(email))
	return u, explain(err, email)
}

// shown is what lists show of an account.
func (s *Service) shown(u im.User, signedIn bool) Account {
	a := Account{Email: u.Handle, Nick: u.Name, Role: u.Role, SignedIn: signedIn, Created: time.Unix(u.Created, 0).UTC()}
	if u.Locked(s.Clock.Now()) {
		a.Disabled, a.Lock = true, &Lock{Reason: u.LockReason}
		if u.LockedUntil != 0 {
			a.Lock.Until = time.Unix(u.LockedUntil, 0).UTC()
		}
	}
	return a
}

// lists names the lists of a set.
func lists(set im.List) []string {
	names := []string{}
	for _, l := range []im.List{im.Forward, im.Allow, im.Block, im.Reverse} {
		if set&l != 0 {
			names = append(names, l.String())
		}
	}
	return names
}
