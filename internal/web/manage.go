package web

import (
	"net/http"
	"net/netip"
	"slices"
)

// manage answers programs that manage the service. They have a token and nothing else: no cookie
// counts, so that no page can ask for anything in the name of who looks at it.
func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	var from netip.Addr
	g := guestOf(r.Context())
	if g != nil {
		from = g.from
	}
	if !s.mayManage(from) {
		s.Counts.Refused.Add(1)
		s.cfg.Manage.Bar(w, r)
		return
	}
	if s.cfg.Manage.Answer(w, r, from) && g != nil {
		g.signedIn()
	}
}

// mayManage reports whether the service may be managed from an address.
func (s *Server) mayManage(from netip.Addr) bool {
	allowed := s.limits.Load().Operators
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(from) })
}
