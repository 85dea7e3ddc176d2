package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// The HTTP interface. Bodies are JSON, refusals are [Problem] values.
const (
	pathUsers    = "/api/v1/users"
	pathSessions = "/api/v1/sessions"
	pathNotices  = "/api/v1/notices"
	pathBackups  = "/api/v1/backups"

	maxBody = 64 << 10
)

// change is the body that alters an account; absent fields stay as they are.
type change struct {
	Nick     *string `json:"nick,omitempty"`
	Password *string `json:"password,omitempty"`
	Disabled *bool   `json:"disabled,omitempty"`
}

// notice is the body that announces a shutdown, and told is its answer.
type notice struct {
	Minutes int `json:"shutdown_in_minutes"`
}

type told struct {
	Sessions int `json:"sessions"`
}

// backup is the body that asks for a copy of the database.
type backup struct {
	Path string `json:"path"`
}

// Handler returns the HTTP interface of the service.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, op := range map[string]operation{
		"GET " + pathUsers:                         s.listUsers,
		"POST " + pathUsers:                        s.addUser,
		"GET " + pathUsers + "/{email}":            s.showUser,
		"PATCH " + pathUsers + "/{email}":          s.changeUser,
		"DELETE " + pathUsers + "/{email}":         s.deleteUser,
		"GET " + pathUsers + "/{email}/contacts":   s.listContacts,
		"GET " + pathSessions:                      s.listSessions,
		"GET " + pathSessions + "/{email}":         s.showSession,
		"DELETE " + pathSessions + "/{email}":      s.kick,
		"GET " + pathNodes:                         s.listNodes,
		"PUT " + pathNodes + "/{name}/drain":       s.drain,
		"DELETE " + pathNodes + "/{name}/drain":    s.undrain,
		"POST " + pathNotices:                      s.notify,
		"POST " + pathBackups:                      s.backUp,
		"POST " + pathReloads:                      s.reload,
		"GET " + pathListeners:                     s.showListeners,
		"DELETE " + pathNotices:                    s.cancelNotice,
		"PUT " + pathUsers + "/{email}/mailbox":    s.setMailbox,
		"DELETE " + pathUsers + "/{email}/mailbox": s.removeMailbox,
		"POST " + pathMail:                         s.countMail,
		"POST " + pathAccounts + "/{email}/alerts": s.alert,
		"GET " + pathInvites:                       s.listInvites,
		"POST " + pathInvites:                      s.createInvite,
		"DELETE " + pathInvites + "/{code}":        s.revokeInvite,
		"GET " + pathWebhooks:                      s.listWebhooks,
		"POST " + pathWebhooks:                     s.addWebhook,
		"DELETE " + pathWebhooks + "/{id}":         s.removeWebhook,
		"POST " + pathWebhooks + "/{id}/tests":     s.testWebhook,
		"GET " + pathKeys:                          s.listKeys,
		"POST " + pathKeys:                         s.rotateKey,
		"/": func(r *http.Request) (any, error) {
			return nil, problem(http.StatusNotFound, CodeBadRequest, "there is nothing at %s %s", r.Method, r.URL.Path)
		},
	} {
		mux.HandleFunc(pattern, s.serve(op))
	}
	return mux
}

// operation answers a request with a value to encode, nil for none, or an error.
type operation func(r *http.Request) (any, error)

// serve makes an HTTP handler of an operation. Unforeseen errors are logged here, once.
func (s *Service) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		answer, err := op(r)
		if err != nil {
			p := asProblem(err)
			if p.Code == CodeInternal {
				s.Log.ErrorContext(r.Context(), "management operation failed", "verb", r.Method+" "+r.Pattern, "err", err)
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(p.Status)
			answer = p
		} else if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		} else {
			w.Header().Set("Content-Type", "application/json")
		}
		// The caller may be gone; there is nobody left to tell.
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// read decodes a request's body.
func read[T any](r *http.Request) (body T, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		// The text of err may quote the body, which may hold a password.
		return body, problem(http.StatusBadRequest, CodeBadRequest, "the body is not the JSON object this request takes")
	}
	return body, nil
}

func (s *Service) listUsers(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	return s.Accounts(r.Context(), r.FormValue("after"), limit)
}

// limitOf returns how much is wanted at most; 0 is as much as there may be.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, problem(http.StatusBadRequest, CodeBadRequest, "limit is %q; give a number up to %d", text, maxPage)
	}
	return n, nil
}

func (s *Service) addUser(r *http.Request) (any, error) {
	body, err := read[NewAccount](r)
	if err != nil {
		return nil, err
	}
	return s.AddAccount(r.Context(), body)
}

func (s *Service) showUser(r *http.Request) (any, error) {
	return s.Account(r.Context(), r.PathValue("email"))
}

func (s *Service) changeUser(r *http.Request) (any, error) {
	body, err := read[change](r)
	if err != nil {
		return nil, err
	}
	ctx, email := r.Context(), r.PathValue("email")
	if body.Nick != nil {
		if err := s.Rename(ctx, email, *body.Nick); err != nil {
			return nil, err
		}
	}
	if body.Password != nil {
		if err := s.SetPassword(ctx, email, *body.Password); err != nil {
			return nil, err
		}
	}
	if body.Disabled != nil {
		return nil, s.SetDisabled(ctx, email, *body.Disabled)
	}
	return nil, nil
}

func (s *Service) deleteUser(r *http.Request) (any, error) {
	return nil, s.DeleteAccount(r.Context(), r.PathValue("email"))
}

func (s *Service) listContacts(r *http.Request) (any, error) {
	return s.Contacts(r.Context(), r.PathValue("email"))
}

func (s *Service) listSessions(r *http.Request) (any, error) { return s.Sessions(r.Context()) }

func (s *Service) showSession(r *http.Request) (any, error) {
	u, err := s.user(r.Context(), r.PathValue("email"))
	if err != nil {
		return nil, err
	}
	session := s.sessionOf(r.Context(), u)
	if session == nil {
		return nil, notSignedIn(u)
	}
	return session, nil
}

func (s *Service) kick(r *http.Request) (any, error) {
	return nil, s.Kick(r.Context(), r.PathValue("email"))
}

func (s *Service) notify(r *http.Request) (any, error) {
	body, err := read[notice](r)
	if err != nil {
		return nil, err
	}
	n, err := s.Notify(r.Context(), body.Minutes)
	return told{Sessions: n}, err
}

func (s *Service) backUp(r *http.Request) (any, error) {
	body, err := read[backup](r)
	if err != nil {
		return nil, err
	}
	return nil, s.Backup(r.Context(), body.Path)
}
