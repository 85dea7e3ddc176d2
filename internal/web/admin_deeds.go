package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// deedOn is one change of somebody's account, as a form asks for it. It returns what to tell, or has
// answered itself.
type deedOn func(w http.ResponseWriter, r *http.Request, u im.User) (notice, error)

// errAnswered says that a deed has answered the request.
var errAnswered = errors.New("it is answered")

// onPerson makes a handler of a deed. If it is refused, the person's page says why.
func (s *Server) onPerson(name string, do deedOn) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		u, err := s.subject(r)
		if err != nil {
			return err
		}
		if !mayChange(visitorOf(r), u) && name != "alert" {
			return errNotYours
		}
		said, err := do(w, r, u)
		if errors.Is(err, errAnswered) {
			return nil
		}
		if err != nil {
			d, failed := s.person(w, r, u)
			if failed != nil {
				return failed
			}
			d.form = r.PostFormValue
			return s.refuse(w, r, "admin/person", d, name, err)
		}
		s.say(w, said)
		if said.Key == "admin.said_deleted" {
			return back(w, r, "/admin/people")
		}
		if to := r.PostFormValue("back"); strings.HasPrefix(to, "/admin/") {
			return back(w, r, to)
		}
		return back(w, r, personPath(u.Handle))
	}
}

func (s *Server) renamePerson(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	return notice{Key: "admin.said_renamed", Who: u.Handle, Name: name}, s.cfg.Admin.Rename(byOperator(r), u.Handle, name)
}

// secretData is a page that shows something once.
type secretData struct {
	adminHead
	Who    string
	Secret string
	Made   bool // the account is new
}

// newPassword returns the password of a form, or one that is made up.
func newPassword(r *http.Request) (password string, made bool) {
	if typed := r.PostFormValue("password"); typed != "" {
		return typed, false
	}
	return auth.Code(), true
}

func (s *Server) newPasswordOf(w http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	if u.Role != im.NoRole {
		if err := s.proveOperator(r); err != nil {
			return notice{}, err
		}
	}
	password, made := newPassword(r)
	if err := s.cfg.Admin.SetPassword(byOperator(r), u.Handle, password); err != nil {
		return notice{}, err
	}
	if !made {
		return notice{Key: "admin.said_password", Who: u.Handle}, nil
	}
	if err := s.page(w, r, "admin/password", secretData{s.adminHead(w, r, "/admin/people"), u.Handle, password, false}); err != nil {
		return notice{}, err
	}
	return notice{}, errAnswered
}

// mostHours is for how long an account is locked at most, or a network denied, unless for good.
const mostHours = 366 * 24

// lockPerson locks an account for a reason, until a time or for good.
func (s *Server) lockPerson(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	if u.ID == visitorOf(r).Account.ID {
		return notice{}, errNotYours
	}
	lock := admin.Lock{Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	if hours := numberIn(r.PostFormValue("hours"), mostHours); hours > 0 {
		lock.Until = s.cfg.Clock.Now().Add(time.Duration(hours) * time.Hour)
	}
	return notice{Key: "admin.said_locked", Who: u.Handle}, s.cfg.Admin.Lock(byOperator(r), u.Handle, lock)
}

func (s *Server) unlockPerson(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	return notice{Key: "admin.said_unlocked", Who: u.Handle}, s.cfg.Admin.SetDisabled(byOperator(r), u.Handle, false)
}

func (s *Server) setRole(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	if u.ID == visitorOf(r).Account.ID {
		return notice{}, errNotYours
	}
	role := im.Role(r.PostFormValue("role"))
	if role != im.NoRole && len(admin.Scopes(role)) == 0 {
		return notice{}, errUnreadable
	}
	if err := s.proveOperator(r); err != nil {
		return notice{}, err
	}
	return notice{Key: "admin.said_role", Who: u.Handle}, s.cfg.Admin.SetRole(byOperator(r), u.Handle, role)
}

func (s *Server) setMailbox(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	if r.PostFormValue("remove") != "" {
		return notice{Key: "admin.said_mailbox_gone", Who: u.Handle}, s.cfg.Admin.RemoveMailbox(byOperator(r), u.Handle)
	}
	page := strings.TrimSpace(r.PostFormValue("url"))
	return notice{Key: "admin.said_mailbox", Who: u.Handle}, s.cfg.Admin.SetMailbox(byOperator(r), u.Handle, page)
}

func (s *Server) endSessionOf(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	return notice{Key: "admin.said_ended", Who: u.Handle}, s.cfg.Admin.Kick(byOperator(r), u.Handle)
}

// endBrowserOf signs one browser of somebody's out, or all of them.
func (s *Server) endBrowserOf(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	id := r.PostFormValue("id")
	if id != "" {
		err := s.endBrowser(byOperator(r), u, id)
		return notice{Key: "admin.said_browser", Who: u.Handle}, err
	}
	sessions, err := s.cfg.Store.WebSessions(r.Context(), u.ID, s.cfg.Clock.Now())
	for _, each := range sessions {
		if err == nil && each.ID != visitorOf(r).session.ID {
			err = s.endBrowser(byOperator(r), u, each.ID)
		}
	}
	return notice{Key: "admin.said_browser", Who: u.Handle}, err
}

func (s *Server) endBrowser(ctx context.Context, u im.User, id string) error {
	switch err := s.cfg.Store.EndWebSession(ctx, u.ID, id); {
	case errors.Is(err, store.ErrNoWebSession):
		return nil // it was over
	case err != nil:
		return err
	}
	s.sockets.hangUp(id)
	s.cfg.Tell(Ended{Session: id})
	s.cfg.Audit.Record(ctx, audit.Event{What: audit.SessionEnded, User: u.Handle, Note: "one at the website"})
	return nil
}

func (s *Server) alertPerson(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	return notice{Key: "admin.said_alert", Who: u.Handle}, s.cfg.Admin.Alert(byOperator(r), u.Handle, admin.NewAlert{
		Text: strings.TrimSpace(r.PostFormValue("text")), URL: strings.TrimSpace(r.PostFormValue("url")),
	})
}

// deletePerson wants the address typed, and the operator's own password.
func (s *Server) deletePerson(_ http.ResponseWriter, r *http.Request, u im.User) (notice, error) {
	if u.ID == visitorOf(r).Account.ID {
		return notice{}, errNotYours
	}
	if !strings.EqualFold(strings.TrimSpace(r.PostFormValue("address")), u.Handle) {
		return notice{}, complaint("admin.problem_address")
	}
	if err := s.proveOperator(r); err != nil {
		return notice{}, err
	}
	return notice{Key: "admin.said_deleted", Who: u.Handle}, s.cfg.Admin.DeleteAccount(byOperator(r), u.Handle)
}
