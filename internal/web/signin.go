package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"monarch/internal/im"
	"monarch/internal/login"
)

// signInForm is the form to sign in.
type signInForm struct {
	Handle  string
	Next    string // where it leads
	Note    string // key of a text, or ""
	Problem string // key of a text, or ""
	Mail    bool   // a forgotten password can be replaced by a letter
}

// signInNotes are what may be said above the form, by their names in the address.
var signInNotes = map[string]string{"confirmed": "join.confirmed", "reset": "join.reset_done", "out": "join.signed_out"}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if visitorOf(r).Account != nil {
		return back(w, r, afterSignIn(next))
	}
	f := signInForm{Next: next, Note: signInNotes[r.URL.Query().Get("note")], Mail: s.cfg.Post != nil}
	if f.Note == "" && next != "/" {
		f.Note = "join.first"
	}
	return s.page(w, r, "join/signin", f)
}

// afterSignIn returns where somebody is led who did not want to go anywhere.
func afterSignIn(next string) string {
	if next == "/" {
		return "/messenger"
	}
	return next
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	f := signInForm{
		Handle: strings.TrimSpace(r.PostFormValue("handle")), Next: local(r.PostFormValue("next")), Mail: s.cfg.Post != nil,
	}
	handle, err := im.ParseCallee(f.Handle)
	if err != nil {
		handle = ""
	}
	user, err := s.cfg.Login.SignIn(r.Context(), handle, []string{r.PostFormValue("password")}, v.Address)
	status := http.StatusUnauthorized
	switch {
	case err == nil:
		if err := s.begin(w, r, user); err != nil {
			return err
		}
		return back(w, r, afterSignIn(f.Next))
	case errors.Is(err, login.ErrRefused), errors.Is(err, login.ErrLimited):
		f.Problem = "join.refused"
	case errors.Is(err, login.ErrTurnedAway):
		f.Problem, status = "join.turned_away", http.StatusTooManyRequests
	default:
		return err
	}
	return s.pageWith(status, w, r, "join/signin", f)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.end(w, r); err != nil {
		return err
	}
	return back(w, r, "/signin?note=out")
}

// resetForm is the form to ask for a letter.
type resetForm struct {
	Mail    bool // there are letters
	Handle  string
	Problem string // key of a text, or ""
}

func (s *Server) resetPage(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "join/reset", resetForm{Mail: s.cfg.Post != nil})
}

// askReset sends a letter to somebody who has forgotten his password. The answer is the same for
// everybody.
func (s *Server) askReset(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if s.cfg.Post == nil {
		return errNotFound
	}
	if !s.allow(v.Address, forgetting) {
		return errLimited
	}
	typed := strings.TrimSpace(r.PostFormValue("handle"))
	handle, err := im.ParseHandle(typed)
	if err != nil {
		return s.pageWith(http.StatusUnprocessableEntity, w, r, "join/reset", resetForm{true, typed, "join.bad_handle"})
	}
	if err := s.later(func(ctx context.Context) error { return s.reset(ctx, recipientOf(v, handle)) }); err != nil {
		return err
	}
	return back(w, r, "/reset/sent")
}

func (s *Server) newPasswordPage(w http.ResponseWriter, r *http.Request) error {
	return s.newPasswordForm(http.StatusOK, w, r, r.URL.Query().Get("token"), nil)
}

// newPasswordForm shows the form that the link of a letter leads to.
func (s *Server) newPasswordForm(status int, w http.ResponseWriter, r *http.Request, token string, problems map[string]string) error {
	user, err := s.cfg.Store.ResetLetter(r.Context(), token, s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	return s.pageWith(status, w, r, "join/new_password", letterForm{user.Handle, token, problems})
}

func (s *Server) newPassword(w http.ResponseWriter, r *http.Request) error {
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	if problems := checkPassword(password, r.PostFormValue("again")); problems != nil {
		return s.newPasswordForm(http.StatusUnprocessableEntity, w, r, token, problems)
	}
	// Before a hash is computed for nothing.
	if _, err := s.cfg.Store.ResetLetter(r.Context(), token, s.cfg.Clock.Now()); err != nil {
		return err
	}
	v := visitorOf(r)
	if _, err := s.cfg.Account.ResetPassword(byVisitor(r.Context(), v), v.Address, token, password); err != nil {
		return err
	}
	return back(w, r, "/signin?note=reset")
}
