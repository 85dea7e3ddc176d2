package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"monarch/internal/account"
	"monarch/internal/audit"
	"monarch/internal/im"
	"monarch/internal/login"
)

// accountRoutes are pages of somebody's account.
func (s *Server) accountRoutes(mux *http.ServeMux) {
	mux.Handle("GET /account", s.member(s.profilePage))
	takes(mux, "/account/name", s.member(s.rename), "/account")
	takes(mux, "/account/password", s.member(s.changePassword), "/account")
	mux.Handle("GET /account/privacy", s.member(s.privacyPage))
	mux.Handle("POST /account/privacy", s.member(s.setPrivacy))
	mux.Handle("GET /account/delete", s.member(s.deletePage))
	mux.Handle("POST /account/delete", s.member(s.deleteAccount))
	mux.Handle("GET /account/gone", s.do(s.gone))
	mux.Handle("GET /account/data", s.member(s.dataPage))
	mux.Handle("GET /account/data.json", s.member(s.data))
	s.contactRoutes(mux)
	s.transferRoutes(mux)
	s.placeRoutes(mux)
}

// takes has a form handled that is on a page at another path. Whoever asks for the form's own path,
// as after signing in again or in another language, gets the page.
func takes(mux *http.ServeMux, path string, h http.Handler, page string) {
	mux.Handle("POST "+path, h)
	mux.Handle("GET "+path, http.RedirectHandler(page, http.StatusSeeOther))
}

// byOwner is a context in which the audit log says that somebody did it himself, and where. What
// has begun is done to its end, also if the browser is gone meanwhile.
func byOwner(ctx context.Context, v *visitor) context.Context {
	return audit.WithActor(context.WithoutCancel(ctx), "its owner, at the website from "+v.Address.String())
}

// accountHead is what every page of an account shows.
type accountHead struct {
	Tab     string
	Said    *notice
	Problem string // key of a text, or ""
	Field   string // id of the field that it is told beside; "": at the top
	Waiting int    // people who have added the owner and have no answer

	roster im.Roster
}

// head begins a page of an account.
func (s *Server) head(w http.ResponseWriter, r *http.Request, tab string) (accountHead, error) {
	roster, err := s.cfg.Store.Roster(r.Context(), visitorOf(r).Account.ID)
	if err != nil {
		return accountHead{}, err
	}
	h := accountHead{Tab: tab, Said: s.said(w, r), roster: roster}
	for _, c := range roster.Contacts {
		if waits(c) {
			h.Waiting++
		}
	}
	return h, nil
}

// profileData is the first page of an account.
type profileData struct {
	accountHead
	Name     string
	Problems map[string]string // by field
}

func (s *Server) profilePage(w http.ResponseWriter, r *http.Request) error {
	return s.profile(http.StatusOK, w, r, visitorOf(r).Account.Name, nil)
}

func (s *Server) profile(status int, w http.ResponseWriter, r *http.Request, name string, problems map[string]string) error {
	h, err := s.head(w, r, "profile")
	if err != nil {
		return err
	}
	return s.pageWith(status, w, r, "account/profile", profileData{h, name, problems})
}

// rename changes what the owner is called.
func (s *Server) rename(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, renaming) {
		return errLimited
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	err := s.cfg.Account.RenameOwn(byOwner(r.Context(), v), *v.Account, name)
	if key := problemOf(err); key != "" {
		return s.profile(http.StatusUnprocessableEntity, w, r, name, map[string]string{"name": key})
	}
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "account.said_renamed", Name: name})
	return back(w, r, "/account")
}

// changePassword ends every sign-in but this one, which gets another token.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	v, password := visitorOf(r), r.PostFormValue("password")
	problems := checkPassword(password, r.PostFormValue("again"))
	status := http.StatusUnprocessableEntity
	if problems == nil {
		key, err := s.proveOwner(r.Context(), v, r.PostFormValue("present"))
		if err != nil {
			return err
		}
		if key == turnedAway {
			status = http.StatusTooManyRequests
		}
		if key != "" {
			problems = map[string]string{"present": key}
		}
	}
	if problems != nil {
		return s.profile(status, w, r, v.Account.Name, problems)
	}
	ctx := byOwner(r.Context(), v)
	if err := s.cfg.Account.SetPassword(ctx, *v.Account, password); err != nil {
		return err
	}
	user, err := s.cfg.Store.UserByID(ctx, v.Account.ID)
	if err != nil {
		return err
	}
	if err := s.enter(w, r, user); err != nil {
		return err
	}
	s.say(w, notice{Key: "account.said_password"})
	return back(w, r, "/account")
}

// turnedAway is the problem of whoever has failed too often.
const turnedAway = "join.turned_away"

// proveOwner checks that whoever is signed in knows the password. It returns what to tell him if
// he does not.
func (s *Server) proveOwner(ctx context.Context, v *visitor, password string) (problem string, err error) {
	_, err = s.cfg.Login.SignIn(ctx, v.Account.Handle, []string{password}, v.Address)
	switch {
	case errors.Is(err, login.ErrRefused), errors.Is(err, login.ErrLimited):
		return "account.wrong_password", nil
	case errors.Is(err, login.ErrTurnedAway):
		return turnedAway, nil
	}
	return "", err
}

// privacyData is the page about those whom the owner has not decided on.
type privacyData struct {
	accountHead
	Hidden bool // from everybody else
	Ask    bool
}

func (s *Server) privacyPage(w http.ResponseWriter, r *http.Request) error {
	h, err := s.head(w, r, "privacy")
	if err != nil {
		return err
	}
	return s.page(w, r, "account/privacy", privacyData{h, h.roster.User.Policy == im.BlockOthers, h.roster.User.Prompt == im.Ask})
}

func (s *Server) setPrivacy(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, changing) {
		return errLimited
	}
	policy, prompt := im.Policy(r.PostFormValue("others")), im.AddSilent
	if r.PostFormValue("ask") != "" {
		prompt = im.Ask
	}
	ctx := byOwner(r.Context(), v)
	err := s.cfg.Account.SetPolicy(ctx, *v.Account, policy)
	if errors.Is(err, im.ErrUnknownSetting) {
		return errUnreadable
	}
	if err == nil {
		err = s.cfg.Account.SetPrompt(ctx, *v.Account, prompt)
	}
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "account.said_privacy"})
	return back(w, r, "/account/privacy")
}

// deleteData is the page that says what goes with an account.
type deleteData struct {
	accountHead
	Contacts int
}

func (s *Server) deletePage(w http.ResponseWriter, r *http.Request) error {
	return s.deleteForm(http.StatusOK, w, r, "")
}

func (s *Server) deleteForm(status int, w http.ResponseWriter, r *http.Request, problem string) error {
	h, err := s.head(w, r, "data")
	if err != nil {
		return err
	}
	h.Problem, h.Field = problem, "password"
	return s.pageWith(status, w, r, "account/delete", deleteData{h, len(listed(h.roster))})
}

func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	switch key, err := s.proveOwner(r.Context(), v, r.PostFormValue("password")); {
	case err != nil:
		return err
	case key == turnedAway:
		return s.deleteForm(http.StatusTooManyRequests, w, r, key)
	case key != "":
		return s.deleteForm(http.StatusUnprocessableEntity, w, r, key)
	}
	if err := s.cfg.Account.Delete(byOwner(r.Context(), v), *v.Account); err != nil {
		return fmt.Errorf("delete an account for its owner: %w", err)
	}
	s.setCookie(w, sessionCookie, "", -1) // its row went with the account
	return back(w, r, "/account/gone")
}

// gone says that an account is no more.
func (s *Server) gone(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "account/gone", nil)
}

// problems are the refusals that people are told, with the keys of their texts.
var problems = []struct {
	err error
	key string
}{
	{account.ErrBadEmail, "account.bad_email"},
	{im.ErrNoUser, "account.no_user"},
	{im.ErrListFull, "account.list_full"},
	{account.ErrBadName, "account.bad_name"},
	{im.ErrNameRefused, "account.name_refused"},
	{account.ErrBadGroup, "account.bad_group"},
	{im.ErrTooManyGroups, "account.too_many_groups"},
	{im.ErrGroupName, "account.group_taken"},
	{im.ErrGroupZero, "account.group_zero"},
	{im.ErrNoGroup, "account.changed_meanwhile"},
	{im.ErrNotInGroup, "account.changed_meanwhile"},
	{im.ErrNotListed, "account.changed_meanwhile"},
	{im.ErrOpposite, "account.changed_meanwhile"},
}

// problemOf returns the key of what to tell somebody of a refusal, or "" if it is none.
func problemOf(err error) string {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.key
		}
	}
	return ""
}
