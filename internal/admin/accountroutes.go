package admin

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"monarch/internal/account"
	"monarch/internal/im"
)

const pathAccounts = Root + "/accounts"

// change is the body that alters an account.
type change struct {
	Nick     *string `json:"nick,omitempty" doc:"What its owner is called from now on." example:"Alice in Wonderland"`
	Password *string `json:"password,omitempty" doc:"Its new password. Clients that are signed in are disconnected." example:"open sesame"`
	Disabled *bool   `json:"disabled,omitempty" doc:"Whether it is locked. A client that is signed in is disconnected." example:"true"`
	Lock     *Lock   `json:"lock,omitempty" doc:"Locks it for a reason and until a time. A client that is signed in is disconnected."`
	Role     *string `json:"role,omitempty" enum:"none moderator administrator" doc:"What its owner may do for the service. It needs the scope roles:write." example:"moderator"`
}

// noRole is no role in the body of a change.
const noRole = "none"

// whoHasARole is behind the notes of what changes an account.
const whoHasARole = " Of somebody who has a role it needs the scope roles:write, too."

// NewPassword is a password that was made for somebody.
type NewPassword struct {
	Password string `json:"password" doc:"The password. Nothing shows it again." example:"K7MQ-2XFP-9D3H"`
}

func (s *Service) accountRoutes() []route {
	return []route{
		{
			method: "GET", path: pathAccounts, scope: AccountsRead, summary: "List accounts",
			notes: "Accounts in the order of their addresses.", query: pages,
			answer: List[Account]{}, handle: s.listAccounts,
		},
		{
			method: "POST", path: pathAccounts, scope: AccountsWrite, summary: "Make an account",
			notes: "Asked for twice, it is refused the second time, with email_taken: there is one account of an address.",
			body:  NewAccount{}, answer: Account{}, status: http.StatusCreated, located: true, refuses: []int{409}, handle: s.addAccount,
		},
		{
			method: "GET", path: pathAccounts + "/{email}", scope: AccountsRead, summary: "Show an account",
			notes: "Everything about one account but the people on its lists.", answer: Details{}, refuses: []int{404}, handle: s.showAccount,
		},
		{
			method: "PATCH", path: pathAccounts + "/{email}", scope: AccountsWrite, summary: "Change an account",
			notes: "What is absent stays as it is. Asked for twice, it is as if it had been asked for once, but for sessions, which end " +
				"each time that a password is set or the account locked." + whoHasARole,
			body: change{}, refuses: []int{404}, handle: s.changeAccount,
		},
		{
			method: "DELETE", path: pathAccounts + "/{email}", scope: AccountsWrite, summary: "Remove an account",
			notes:   "For good, from everybody's lists too. A client that is signed in is disconnected." + whoHasARole,
			refuses: []int{404}, handle: s.deleteAccount,
		},
		{
			method: "POST", path: pathAccounts + "/{email}/password", scope: AccountsWrite, summary: "Reset a password",
			notes: "Gives the account a random password, which the answer has and nothing shows again; each time another one. " +
				"A client that is signed in is disconnected." + whoHasARole,
			answer: NewPassword{}, refuses: []int{404}, handle: s.resetPassword,
		},
		{
			method: "GET", path: pathAccounts + "/{email}/contacts", scope: AccountsRead, summary: "List the contacts of an account",
			notes: "The people on its lists, in the order of their addresses.", query: pages,
			answer: List[Contact]{}, refuses: []int{404}, handle: s.listContacts,
		},
	}
}

func (s *Service) listAccounts(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	accounts, err := s.accounts(r.Context(), r.URL.Query().Get("after"), limit+1)
	return cut(accounts, limit, func(a Account) string { return a.Email }), err
}

func (s *Service) addAccount(r *http.Request) (any, error) {
	body, err := read[NewAccount](r)
	if err != nil {
		return nil, err
	}
	a, err := s.AddAccount(r.Context(), body)
	return made(pathAccounts, a.Email, a), err
}

func (s *Service) showAccount(r *http.Request) (any, error) {
	return s.Account(r.Context(), r.PathValue("email"))
}

func (s *Service) changeAccount(r *http.Request) (any, error) {
	body, err := read[change](r)
	if err != nil {
		return nil, err
	}
	ctx, email := r.Context(), r.PathValue("email")
	// Whether all of it may be done is looked at first.
	_, err = s.changeable(ctx, email)
	role, err2 := body.check(ctx)
	if err := cmp.Or(err, err2); err != nil {
		return nil, explain(err, email)
	}
	for _, step := range []struct {
		asked bool
		do    func() error
	}{
		{body.Nick != nil, func() error { return s.Rename(ctx, email, *body.Nick) }},
		{body.Password != nil, func() error { return s.SetPassword(ctx, email, *body.Password) }},
		{body.Disabled != nil, func() error { return s.SetDisabled(ctx, email, *body.Disabled) }},
		{body.Lock != nil, func() error { return s.Lock(ctx, email, *body.Lock) }},
		{body.Role != nil, func() error { return s.SetRole(ctx, email, role) }},
	} {
		if step.asked {
			if err := step.do(); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// check refuses what no account can have, and returns the role that it is to have.
func (c *change) check(ctx context.Context) (role im.Role, err error) {
	if c.Nick != nil {
		err = account.CheckName(*c.Nick)
	}
	if c.Password != nil {
		err = cmp.Or(err, account.CheckPassword(*c.Password))
	}
	if c.Role != nil {
		switch role = im.Role(*c.Role); role {
		case noRole:
			role = im.NoRole
		case im.NoRole:
			role = "\"\"" // which is none of them
		}
		err = cmp.Or(err, checkRole(ctx, role))
	}
	return role, err
}

func (s *Service) deleteAccount(r *http.Request) (any, error) {
	return nil, s.DeleteAccount(r.Context(), r.PathValue("email"))
}

func (s *Service) resetPassword(r *http.Request) (any, error) {
	password, err := s.ResetPassword(r.Context(), r.PathValue("email"))
	return NewPassword{Password: password}, err
}

func (s *Service) listContacts(r *http.Request) (any, error) {
	contacts, err := s.Contacts(r.Context(), r.PathValue("email"))
	if err != nil {
		return nil, err
	}
	return listed(r, contacts, func(c Contact) string { return c.Email })
}

// Accounts is [Service.Accounts].
func (c *Client) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	var l List[Account]
	q := url.Values{"after": {after}, "limit": {strconv.Itoa(limit)}}
	err := c.call(ctx, http.MethodGet, pathAccounts+"?"+q.Encode(), nil, &l)
	return l.Items, err
}

// Account is [Service.Account].
func (c *Client) Account(ctx context.Context, email string) (Details, error) {
	return ask[Details](ctx, c, http.MethodGet, accountPath(email), nil)
}

// Contacts is [Service.Contacts].
func (c *Client) Contacts(ctx context.Context, email string) ([]Contact, error) {
	return each[Contact](ctx, c, accountPath(email)+"/contacts")
}

// AddAccount is [Service.AddAccount].
func (c *Client) AddAccount(ctx context.Context, a NewAccount) (Account, error) {
	return ask[Account](ctx, c, http.MethodPost, pathAccounts, a)
}

// SetPassword is [Service.SetPassword].
func (c *Client) SetPassword(ctx context.Context, email, password string) error {
	return c.call(ctx, http.MethodPatch, accountPath(email), change{Password: &password}, nil)
}

// ResetPassword is [Service.ResetPassword].
func (c *Client) ResetPassword(ctx context.Context, email string) (string, error) {
	var p NewPassword
	err := c.call(ctx, http.MethodPost, accountPath(email)+"/password", nil, &p)
	return p.Password, err
}

// SetDisabled is [Service.SetDisabled].
func (c *Client) SetDisabled(ctx context.Context, email string, disabled bool) error {
	return c.call(ctx, http.MethodPatch, accountPath(email), change{Disabled: &disabled}, nil)
}

// SetRole is [Service.SetRole].
func (c *Client) SetRole(ctx context.Context, email string, role im.Role) error {
	name := cmp.Or(string(role), noRole)
	return c.call(ctx, http.MethodPatch, accountPath(email), change{Role: &name}, nil)
}

// Rename is [Service.Rename].
func (c *Client) Rename(ctx context.Context, email, nick string) error {
	return c.call(ctx, http.MethodPatch, accountPath(email), change{Nick: &nick}, nil)
}

// DeleteAccount is [Service.DeleteAccount].
func (c *Client) DeleteAccount(ctx context.Context, email string) error {
	return c.call(ctx, http.MethodDelete, accountPath(email), nil, nil)
}

func accountPath(email string) string { return pathAccounts + "/" + url.PathEscape(email) }

// Lock is [Service.Lock].
func (c *Client) Lock(ctx context.Context, email string, l Lock) error {
	return c.call(ctx, http.MethodPatch, accountPath(email), change{Lock: &l}, nil)
}
