package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"monarch/internal/audit"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

const (
	maxPassword = 256  // bytes
	maxPage     = 1000 // accounts in one answer
)

// Accounts returns up to limit accounts whose address comes after the given one, in the
// order of addresses. A limit that is out of range becomes the largest one.
func (s *Service) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	users, err := s.Store.Users(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	here := s.logins()
	accounts := make([]Account, len(users))
	for i, u := range users {
		_, in := here[u.ID]
		accounts[i] = account(u, in)
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
	login, in := s.logins()[u.ID]
	d := Details{
		Account:       account(u, in),
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
	if in {
		session := session(login)
		d.Session = &session
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
	here := s.logins()
	contacts := make([]Contact, len(r.Contacts))
	for i, c := range r.Contacts {
		_, in := here[c.ID]
		contacts[i] = Contact{
			Email: c.Handle, Nick: nicks[c.ID], Stored: c.Stored,
			Lists: lists(c.Lists), Groups: []string{}, SignedIn: in,
		}
		for _, g := range c.Groups {
			contacts[i].Groups = append(contacts[i].Groups, groups[g])
		}
	}
	return contacts, nil
}

// AddAccount makes an account.
func (s *Service) AddAccount(ctx context.Context, a NewAccount) (Account, error) {
	email, err := im.ParseHandle(a.Email)
	if err != nil {
		return Account{}, problem(http.StatusBadRequest, CodeBadEmail,
			"%q is not an address an account can have; use one like alice@example.com", a.Email)
	}
	if a.Nick == "" {
		a.Nick, _, _ = strings.Cut(email, "@")
	}
	if err := checkNick(a.Nick); err != nil {
		return Account{}, err
	}
	hash, err := s.hash(ctx, a.Password)
	if err != nil {
		return Account{}, explain(err, email)
	}
	u, err := s.Store.CreateUser(ctx, email, a.Nick, hash)
	if err != nil {
		return Account{}, explain(err, email)
	}
	s.Log.InfoContext(ctx, "account added", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountAdded, User: u.Handle})
	return account(u, false), nil
}

// SetPassword replaces the password and ends the account's session: whoever knows the
// new one signs in again.
func (s *Service) SetPassword(ctx context.Context, email, password string) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return explain(err, u.Handle)
	}
	if err := s.Store.SetPassword(ctx, u.ID, hash); err != nil {
		return explain(err, u.Handle)
	}
	s.Hub.Expel(u.ID, hub.AccountChanged)
	s.Log.InfoContext(ctx, "password changed", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.PasswordChanged, User: u.Handle})
	return nil
}

// PasswordIs reports whether the account has this password.
func (s *Service) PasswordIs(ctx context.Context, email, password string) (bool, error) {
	u, err := s.user(ctx, email)
	if err != nil {
		return false, err
	}
	ok, err := s.Hasher.Check(ctx, netip.Addr{}, u.PasswordHash, password)
	return ok, explain(err, u.Handle)
}

// SetDisabled locks an account and ends its session, or unlocks it.
func (s *Service) SetDisabled(ctx context.Context, email string, disabled bool) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	if err := s.Store.SetDisabled(ctx, u.ID, disabled); err != nil {
		return explain(err, u.Handle)
	}
	what := audit.AccountEnabled
	if disabled {
		s.Hub.Expel(u.ID, hub.AccountChanged)
		what = audit.AccountDisabled
	}
	s.Log.InfoContext(ctx, "account locked or unlocked", "user", u.Handle, "disabled", disabled)
	s.Audit.Record(ctx, audit.Event{What: what, User: u.Handle})
	return nil
}

// Rename changes what an account's owner is called, here and to those who watch him.
func (s *Service) Rename(ctx context.Context, email, nick string) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	if err := checkNick(nick); err != nil {
		return err
	}
	if _, err := s.Store.Rename(ctx, u.ID, nick); err != nil {
		return explain(err, u.Handle)
	}
	s.Hub.Deliver(u.ID, hub.Renamed{Name: nick})
	s.Log.InfoContext(ctx, "account renamed", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountRenamed, User: u.Handle, Note: nick})
	return nil
}

// DeleteAccount ends the account's session and removes it for good, from everybody's
// lists too.
func (s *Service) DeleteAccount(ctx context.Context, email string) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	s.Hub.Expel(u.ID, hub.AccountChanged)
	if err := s.Store.DeleteUser(ctx, u.ID); err != nil {
		return explain(err, u.Handle)
	}
	// Again, for a client that came back at once.
	s.Hub.Expel(u.ID, hub.AccountChanged)
	s.Log.InfoContext(ctx, "account deleted", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountDeleted, User: u.Handle})
	return nil
}

// user finds an account.
func (s *Service) user(ctx context.Context, email string) (im.User, error) {
	u, err := s.Store.User(ctx, strings.ToLower(email))
	return u, explain(err, email)
}

// hash checks the form of a new password and hashes it. Errors never hold the password.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", problem(http.StatusBadRequest, CodeBadPassword,
			"a password has 1 to %d bytes; old clients want at most 16", maxPassword)
	}
	if strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return "", problem(http.StatusBadRequest, CodeBadPassword,
			"a password cannot have control characters; use letters, digits and signs")
	}
	return s.Hasher.Hash(ctx, password)
}

// checkNick refuses a name that clients could not show. docs/protocol/limits.md#sizes
func checkNick(nick string) error {
	if nick == "" || len(msnp.Escape(nick)) > msnp.MaxName {
		return problem(http.StatusBadRequest, CodeBadNick,
			"a nick has 1 to 129 characters (%d bytes in encoded form); choose a shorter one", msnp.MaxName)
	}
	return nil
}

func account(u im.User, signedIn bool) Account {
	return Account{
		Email: u.Handle, Nick: u.Name, Disabled: u.Disabled, SignedIn: signedIn,
		Created: time.Unix(u.Created, 0).UTC(),
	}
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
