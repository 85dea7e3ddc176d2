package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"

	"monarch/internal/auth"
)

// messengerRoutes are the messenger in the browser.
func (s *Server) messengerRoutes(mux *http.ServeMux) {
	mux.Handle("GET /messenger", s.member(s.messenger))
	mux.Handle("POST /messenger/ticket", s.do(s.ticket))
	mux.Handle("GET /messenger/socket", s.sockets)
}

// messenger shows the page that the scripts fill.
func (s *Server) messenger(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "messenger/messenger", nil)
}

// ticket gives the script of the page what it signs in with, as passport gives it to other
// clients. Whoever has no session any more is told so in a status, since nobody reads a page.
func (s *Server) ticket(w http.ResponseWriter, r *http.Request) error {
	u := visitorOf(r).Account
	if u == nil {
		http.Error(w, "Sign in first.", http.StatusUnauthorized)
		return nil
	}
	body, err := json.Marshal(struct {
		Handle string `json:"handle"`
		Name   string `json:"name"`
		Ticket string `json:"ticket"`
	}{u.Handle, u.Name, s.cfg.Signer.Ticket(auth.Ticket{
		User: int64(u.ID), Credential: u.Credential, Issued: s.cfg.Clock.Steady(),
	})})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // whoever asked may be gone
	return nil
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

// lasts reports whether a session of the website goes on.
func (s *Server) lasts(ctx context.Context, session string) (bool, error) {
	return s.cfg.Store.WebSessionLasts(ctx, session, s.cfg.Clock.Now())
}
