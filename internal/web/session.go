package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// sessionCookie holds the token of a web session.
const sessionCookie = "session"

// seenEvery is how often the use of a session is written down.
const seenEvery = 5 * time.Minute

// maxAgent is how much is kept of what a browser calls itself.
const maxAgent = 200

// recognize finds the session of a request, if it has one that is good.
func (s *Server) recognize(w http.ResponseWriter, r *http.Request, v *visitor) error {
	token := s.cookie(r, sessionCookie)
	if token == "" {
		return nil
	}
	now := s.cfg.Clock.Now()
	user, session, err := s.cfg.Store.WebSession(r.Context(), token, now)
	if errors.Is(err, store.ErrNoWebSession) {
		s.setCookie(w, sessionCookie, "", -1)
		return nil
	}
	if err != nil {
		return fmt.Errorf("recognize a visitor: %w", err)
	}
	v.Account, v.session, v.secret, v.fresh = &user, session, token, false
	if g := guestOf(r.Context()); g != nil {
		g.signedIn()
	}
	if now.Sub(time.Unix(session.Seen, 0)) < seenEvery && session.Address == v.Address.String() {
		return nil
	}
	s.setCookie(w, sessionCookie, token, store.WebSessionIdle)
	return s.cfg.Store.SeeWebSession(r.Context(), session.ID, v.Address.String(), now)
}

// begin signs somebody in, in this browser.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, user im.User) error {
	if err := s.enter(w, r, user); err != nil {
		return err
	}
	s.Counts.SignIns.Add(1)
	s.record(r.Context(), audit.SignedIn, user.Handle, visitorOf(r).Address, "at the website")
	return nil
}

// enter gives the browser a session, in the place of the one it may have.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, user im.User) error {
	v, token, now := visitorOf(r), auth.Token(), s.cfg.Clock.Now().Unix()
	if err := s.endSession(r.Context(), v); err != nil {
		return err
	}
	err := s.cfg.Store.AddWebSession(r.Context(), user, token, store.WebSession{
		Created: now, Seen: now, Agent: im.OneLine(r.UserAgent(), maxAgent), Address: v.Address.String(),
	})
	if err != nil {
		return fmt.Errorf("sign %s in: %w", user.Handle, err)
	}
	s.setCookie(w, sessionCookie, token, store.WebSessionIdle)
	s.setCookie(w, visitorCookie, "", -1)
	return nil
}

// end signs the visitor out.
func (s *Server) end(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, sessionCookie, "", -1)
	return s.endSession(r.Context(), visitorOf(r))
}

// endSession ends the visitor's session, if he has one, and what he does in it.
func (s *Server) endSession(ctx context.Context, v *visitor) error {
	if v.Account == nil {
		return nil
	}
	// The session first, so that no socket is opened in it any more.
	err := s.cfg.Store.EndWebSession(ctx, v.Account.ID, v.session.ID)
	if err != nil && !errors.Is(err, store.ErrNoWebSession) {
		return fmt.Errorf("sign %s out: %w", v.Account.Handle, err)
	}
	s.sockets.hangUp(v.session.ID)
	s.cfg.Tell(Ended{Session: v.session.ID})
	return nil
}

// member makes an http.Handler of h for those who are signed in. Others sign in first.
func (s *Server) member(h handler) http.Handler {
	return s.do(func(w http.ResponseWriter, r *http.Request) error {
		if visitorOf(r).Account != nil {
			return h(w, r)
		}
		next := r.URL.Path
		if r.Method == http.MethodGet {
			next = r.URL.RequestURI()
		}
		return back(w, r, "/signin?next="+url.QueryEscape(next))
	})
}

// record writes down what somebody did.
func (s *Server) record(ctx context.Context, what audit.What, handle string, from netip.Addr, note string) {
	s.cfg.Audit.Record(ctx, audit.Event{What: what, User: handle, Addr: netip.AddrPortFrom(from, 0), Note: note})
}
