package web

import (
	"net/http"
	"net/url"
	"time"

	"monarch/internal/admin"
)

// inviteRoutes are about codes with which people sign up.
func (s *Server) inviteRoutes() []adminRoute {
	form := func(take handler) handler { return orAgain(s, "admin/invites", "uses", s.invites, take) }
	return []adminRoute{
		{"GET /admin/invites", admin.InvitesRead, s.invitesPage, ""},
		{"POST /admin/invites/make", admin.InvitesWrite, form(s.makeInvite), "/admin/invites"},
		{"POST /admin/invites/revoke", admin.InvitesWrite, form(s.revokeInvite), "/admin/invites"},
	}
}

// invitesData is the page of the codes.
type invitesData struct {
	adminHead
	Invites      []inviteRow
	Registration Registration
	Made         string // the code that was just made, or ""
	Form         url.Values
}

// inviteRow is a code with the link that has it.
type inviteRow struct {
	admin.Invite
	Link string
}

func (s *Server) invites(w http.ResponseWriter, r *http.Request) (*invitesData, error) {
	d := &invitesData{
		adminHead: s.adminHead(w, r, "/admin/invites"), Registration: s.limits.Load().Registration, Form: r.PostForm,
	}
	codes, err := s.cfg.Admin.Invites(r.Context())
	for i := len(codes) - 1; i >= 0; i-- { // the newest first
		d.Invites = append(d.Invites, inviteRow{codes[i], s.cfg.URL + "/join?code=" + url.QueryEscape(codes[i].Code)})
	}
	return d, err
}

func (s *Server) invitesPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.invites(w, r)
	if err != nil {
		return err
	}
	if d.Said != nil && d.Said.Key == "admin.said_invite" {
		d.Made = d.Said.Name
	}
	return s.livePage(w, r, "admin/invites", d)
}

// mostUses is how many people a code is for at most.
const mostUses = 10_000

func (s *Server) makeInvite(w http.ResponseWriter, r *http.Request) error {
	in := admin.NewInvite{Uses: numberIn(r.PostFormValue("uses"), mostUses)}
	if in.Uses == 0 {
		return complaint("admin.problem_uses")
	}
	if days := numberIn(r.PostFormValue("days"), 366); days > 0 {
		in.ExpiresIn = days * int(24*time.Hour/time.Second)
	}
	made, err := s.cfg.Admin.CreateInvite(byOperator(r), in)
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_invite", Name: made.Code})
	return back(w, r, "/admin/invites")
}

func (s *Server) revokeInvite(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Admin.RevokeInvite(byOperator(r), r.PostFormValue("code")); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_revoked"})
	return back(w, r, "/admin/invites")
}
