package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/store"
)

const pathInvites = Root + "/invites"

// CodeNoInvite is of a code that lets nobody sign up.
const CodeNoInvite = "no_invite"

// The most of an invite code.
const (
	maxUses   = 10_000
	maxInvite = 366 * 24 * time.Hour
)

// Invite is a code that lets people sign up at the website.
type Invite struct {
	Code    string     `json:"code" doc:"The code, as people type it." example:"K7MQ-2XFP-9D3H"`
	Uses    int        `json:"uses" doc:"How many people it lets sign up yet." example:"3"`
	Created time.Time  `json:"created" doc:"When it was made." example:"2026-03-01T12:00:00Z"`
	Expires *time.Time `json:"expires,omitempty" doc:"When it is good no more. Absent: it stays good." example:"2026-03-08T12:00:00Z"`
	MadeBy  string     `json:"made_by" doc:"Who made it." example:"token deploy"`
}

// NewInvite is a code to be made.
type NewInvite struct {
	Uses      int `json:"uses" doc:"For how many people it is: 1 to 10000." example:"3"`
	ExpiresIn int `json:"expires_in,omitempty" doc:"For how many seconds it is good: a minute to a year. Without it, or 0, for ever." example:"604800"`
}

// CreateInvite makes a code.
func (s *Service) CreateInvite(ctx context.Context, n NewInvite) (Invite, error) {
	life := time.Duration(n.ExpiresIn) * time.Second
	switch {
	case n.Uses < 1 || n.Uses > maxUses:
		return Invite{}, problem(http.StatusBadRequest, CodeBadRequest, "an invite code is for 1 to %d people", maxUses).about("uses")
	case n.ExpiresIn != 0 && (life < time.Minute || life > maxInvite):
		return Invite{}, problem(http.StatusBadRequest, CodeBadRequest, "an invite code is good for a minute to a year, or for ever").about("expires_in")
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
	return Invite{Code: c.Code, Uses: c.Uses, Created: time.Unix(c.Created, 0).UTC(), MadeBy: c.MadeBy, Expires: moment(c.Expires)}
}

func (s *Service) inviteRoutes() []route {
	return []route{
		{
			method: "GET", path: pathInvites, scope: InvitesRead, summary: "List invite codes",
			notes: "Those that are good, in the order in which they were made.", query: pages, answer: List[Invite]{}, handle: s.listInvites,
		},
		{
			method: "POST", path: pathInvites, scope: InvitesWrite, summary: "Make an invite code",
			notes: "Each time another one.", body: NewInvite{}, answer: Invite{}, status: http.StatusCreated, handle: s.createInvite,
		},
		{
			method: "DELETE", path: pathInvites + "/{code}", scope: InvitesWrite, summary: "Revoke an invite code",
			notes: "Whoever signed up with it stays.", refuses: []int{404}, handle: s.revokeInvite,
		},
	}
}

func (s *Service) listInvites(r *http.Request) (any, error) {
	invites, err := s.Invites(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, invites, func(i Invite) string { return strconv.FormatInt(i.Created.Unix(), 10) + " " + i.Code })
}

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
func (c *Client) CreateInvite(ctx context.Context, n NewInvite) (Invite, error) {
	return ask[Invite](ctx, c, http.MethodPost, pathInvites, n)
}

// Invites is [Service.Invites].
func (c *Client) Invites(ctx context.Context) ([]Invite, error) {
	return each[Invite](ctx, c, pathInvites)
}

// RevokeInvite is [Service.RevokeInvite].
func (c *Client) RevokeInvite(ctx context.Context, code string) error {
	return c.call(ctx, http.MethodDelete, pathInvites+"/"+url.PathEscape(code), nil, nil)
}
