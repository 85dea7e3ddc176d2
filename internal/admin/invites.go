package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/store"
)

const pathInvites = "/api/v1/invites"

// CodeNoInvite is of a code that lets nobody sign up.
const CodeNoInvite = "no_invite"

// The most of an invite code.
const (
	maxUses   = 10_000
	maxInvite = 366 * 24 * time.Hour
)

// Invite is a code that lets people sign up at the website.
type Invite struct {
	Code    string     `json:"code"`
	Uses    int        `json:"uses"` // that are left
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"` // absent: never
	MadeBy  string     `json:"made_by"`
}

// NewInvite is a code to be made.
type NewInvite struct {
	Uses      int `json:"uses"`       // for how many people
	ExpiresIn int `json:"expires_in"` // seconds; 0: it does not
}

// CreateInvite makes a code.
func (s *Service) CreateInvite(ctx context.Context, n NewInvite) (Invite, error) {
	life := time.Duration(n.ExpiresIn) * time.Second
	switch {
	case n.Uses < 1 || n.Uses > maxUses:
		return Invite{}, problem(http.StatusBadRequest, CodeBadRequest, "an invite code is for 1 to %d people", maxUses)
	case n.ExpiresIn != 0 && (life < time.Minute || life > maxInvite):
		return Invite{}, problem(http.StatusBadRequest, CodeBadRequest, "an invite code is good for a minute to a year, or for ever")
	}
	now := s.Clock.Now()
	c := store.InviteCode{Code: auth.Code(), Uses: n.Uses, Created: now.Unix(), MadeBy: audit.Actor(ctx)}
	until := "without an end"
	if life != 0 {
		c.Expires = now.Add(life).Unix()
		until = "until " + time.Unix(c.Expires, 0).UTC().Format(time.DateTime)
	}
	if err := s.Store.AddInvite(ctx, c); err != nil {
		return Invite{}, err
	}
	s.Log.InfoContext(ctx, "invite code made", "uses", c.Uses)
	s.Audit.Record(ctx, audit.Event{What: audit.InviteMade, Note: fmt.Sprintf("for %d, %s", c.Uses, until)})
	return invite(c), nil
}

// Invites returns the codes that are good, in the order they were made in.
func (s *Service) Invites(ctx context.Context) ([]Invite, error) {
	codes, err := s.Store.Invites(ctx, s.Clock.Now())
	if err != nil {
		return nil, err
	}
	invites := make([]Invite, len(codes))
	for i, c := range codes {
		invites[i] = invite(c)
	}
	return invites, nil
}

// RevokeInvite makes a code worthless. Whoever has signed up with it stays.
func (s *Service) RevokeInvite(ctx context.Context, code string) error {
	err := s.Store.RevokeInvite(ctx, code)
	if errors.Is(err, store.ErrNoInvite) {
		return problem(http.StatusNotFound, CodeNoInvite,
			"there is no invite code %q; `monarch invite list` shows those that are good", code)
	}
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "invite code revoked")
	s.Audit.Record(ctx, audit.Event{What: audit.InviteRevoked})
	return nil
}

func invite(c store.InviteCode) Invite {
	i := Invite{Code: c.Code, Uses: c.Uses, Created: time.Unix(c.Created, 0).UTC(), MadeBy: c.MadeBy}
	if c.Expires != 0 {
		expires := time.Unix(c.Expires, 0).UTC()
		i.Expires = &expires
	}
	return i
}

func (s *Service) listInvites(r *http.Request) (any, error) { return s.Invites(r.Context()) }

func (s *Service) createInvite(r *http.Request) (any, error) {
	body, err := read[NewInvite](r)
	if err != nil {
		return nil, err
	}
	return s.CreateInvite(r.Context(), body)
}

func (s *Service) revokeInvite(r *http.Request) (any, error) {
	return nil, s.RevokeInvite(r.Context(), r.PathValue("code"))
}

// CreateInvite is [Service.CreateInvite].
func (c *Client) CreateInvite(ctx context.Context, n NewInvite) (i Invite, err error) {
	return i, c.call(ctx, http.MethodPost, pathInvites, n, &i)
}

// Invites is [Service.Invites].
func (c *Client) Invites(ctx context.Context) (all []Invite, err error) {
	return all, c.call(ctx, http.MethodGet, pathInvites, nil, &all)
}

// RevokeInvite is [Service.RevokeInvite].
func (c *Client) RevokeInvite(ctx context.Context, code string) error {
	return c.call(ctx, http.MethodDelete, pathInvites+"/"+url.PathEscape(code), nil, nil)
}
