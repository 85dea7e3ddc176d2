package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"monarch/internal/admin"
)

// networkRoutes are about from where people may come.
func (s *Server) networkRoutes() []adminRoute {
	form := func(take handler) handler { return orAgain(s, "admin/networks", "network", s.networks, take) }
	return []adminRoute{
		{"GET /admin/networks", admin.NetworksRead, s.networksPage, ""},
		{"POST /admin/networks/add", admin.NetworksWrite, form(s.addNetwork), "/admin/networks"},
		{"POST /admin/networks/remove", admin.NetworksWrite, form(s.removeNetwork), "/admin/networks"},
	}
}

// networksData is the page of the rules.
type networksData struct {
	adminHead
	Rules []admin.NetworkRule
	From  netip.Addr // where the operator is
	Asks  bool       // whether he means it: he would lock out himself, or nearly everybody
	Form  url.Values
}

// refused also has the page ask whether he means it.
func (d *networksData) refused(err error, form string) bool {
	var p *admin.Problem
	d.Asks = errors.As(err, &p) && p.Code == admin.CodeLocksOut
	return d.adminHead.refused(err, form)
}

func (s *Server) networks(w http.ResponseWriter, r *http.Request) (d *networksData, err error) {
	d = &networksData{adminHead: s.adminHead(w, r, "/admin/networks"), From: visitorOf(r).Address, Form: r.PostForm}
	d.Rules, err = s.cfg.Admin.Networks(r.Context())
	return d, err
}

func (s *Server) networksPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.networks(w, r)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/networks", d)
}

// addNetwork makes a rule. Whoever would lock himself out, or nearly everybody, is asked first.
func (s *Server) addNetwork(w http.ResponseWriter, r *http.Request) error {
	network, err := admin.ParseNetwork(r.PostFormValue("network"))
	if err != nil {
		return err
	}
	rule := admin.NetworkRule{
		Network: network.String(), Rule: r.PostFormValue("rule"), Reason: strings.TrimSpace(r.PostFormValue("reason")),
		Keep: r.PostFormValue("keep") != "", Force: r.PostFormValue("sure") != "",
	}
	if hours := numberIn(r.PostFormValue("hours"), mostHours); hours > 0 {
		rule.Expires = s.cfg.Clock.Now().Add(time.Duration(hours) * time.Hour)
	}
	if rule.Rule == admin.RuleDeny && !rule.Force && network.Contains(visitorOf(r).Address.Unmap()) {
		return &admin.Problem{Code: admin.CodeLocksOut}
	}
	made, err := s.cfg.Admin.AddNetwork(byOperator(r), rule)
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_network", Name: made.Network, N: made.Ended})
	return back(w, r, "/admin/networks")
}

func (s *Server) removeNetwork(w http.ResponseWriter, r *http.Request) error {
	network := r.PostFormValue("network")
	if err := s.cfg.Admin.RemoveNetwork(byOperator(r), network); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_network_gone", Name: network})
	return back(w, r, "/admin/networks")
}
