package web

import (
	"errors"
	"net/http"
	"strings"

	"monarch/internal/auth"
	"monarch/internal/store"
)

// handler answers a request, or says why it cannot: a [fault], or something that is the
// operator's business.
type handler func(w http.ResponseWriter, r *http.Request) error

// fault is an error that the person in front of the browser is told.
type fault struct {
	status int
	key    string // of the text; that of the title ends in _title
}

func (f *fault) Error() string { return f.key }

var (
	errNotFound   = &fault{http.StatusNotFound, "base.not_found"}
	errNotYours   = &fault{http.StatusForbidden, "admin.not_yours"}
	errNoPerson   = &fault{http.StatusNotFound, "admin.no_person"}
	errForeign    = &fault{http.StatusForbidden, "base.foreign"}
	errTooLarge   = &fault{http.StatusRequestEntityTooLarge, "base.too_large"}
	errUnreadable = &fault{http.StatusBadRequest, "base.unreadable"}
	errLimited    = &fault{http.StatusTooManyRequests, "base.limited"}
	errBusy       = &fault{http.StatusServiceUnavailable, "base.busy"}
	errAway       = &fault{http.StatusServiceUnavailable, "base.away"} // the database is
	errInternal   = &fault{http.StatusInternalServerError, "base.internal"}

	errLetter          = &fault{http.StatusGone, "join.letter_old"}
	errConfirmedBefore = &fault{http.StatusConflict, "join.confirmed_before"}
	errClosedSince     = &fault{http.StatusForbidden, "join.closed_since"}
	errInviteGone      = &fault{http.StatusConflict, "join.invite_gone"}
)

// errorData is the page of a fault.
type errorData struct {
	Key      string
	Who      string // whom the path is about, or ""
	Path, To string // where to go on, and the key of what that is
}

// do makes an http.Handler of h.
func (s *Server) do(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// fail shows an error page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := errInternal
	switch {
	case errors.As(err, &f):
	case errors.Is(err, auth.ErrBusy):
		f = errBusy
	case errors.Is(err, store.ErrNoLetter):
		f = errLetter
	case errors.Is(err, store.ErrUnavailable) && r.Context().Err() == nil:
		f = errAway
		s.cfg.Log.Error("a page could not be made", "path", r.URL.Path, "err", err)
	case r.Context().Err() == nil:
		s.cfg.Log.Error("a page could not be made", "path", r.URL.Path, "err", err)
	}
	if f == errLimited || f == errBusy || f == errAway {
		w.Header().Set("Retry-After", "60")
	}
	d := errorData{Key: f.key, Who: r.PathValue("who"), Path: "/", To: "base.to_home"}
	if f == errNoPerson {
		d.Path, d.To = "/admin/people", "admin.to_people"
	}
	if err := s.pageWith(f.status, w, r, "base/error", d); err != nil {
		s.cfg.Log.Error("an error page could not be made", "path", r.URL.Path, "err", err)
		http.Error(w, http.StatusText(f.status), f.status)
	}
}

// back leads to a place of the site after a form was taken.
func back(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, local(to), http.StatusSeeOther) //nolint:gosec // it is a path of ours
	return nil
}

// local returns a path of the site, as it came from a form or an address: what could lead
// elsewhere leads home.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
