package web

import (
	"net/http"
	"net/netip"
)

// messengerRoutes are the messenger in the browser.
func (s *Server) messengerRoutes(mux *http.ServeMux) {
	mux.Handle("GET /messenger/socket", s.sockets)
}

// caller returns who opens a socket.
func (s *Server) caller(r *http.Request) (caller, bool) {
	v := visitorOf(r)
	if v == nil || v.Account == nil {
		return caller{}, false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		from = netip.AddrPortFrom(v.Address, 0)
	}
	return caller{User: v.Account.ID, Session: v.session.ID, From: from}, true
}
