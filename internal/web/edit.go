package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"monarch/internal/account"
	"monarch/internal/im"
)

// edit is one change of somebody's lists, as a form asks for it. It returns what to tell him.
type edit func(ctx context.Context, u im.User, r *http.Request) (notice, error)

// edited makes an http.Handler of an edit. If it is refused, the page says why.
func (s *Server) edited(e edit, page func(status int, w http.ResponseWriter, r *http.Request, problem string) error) http.Handler {
	return s.member(func(w http.ResponseWriter, r *http.Request) error {
		v := visitorOf(r)
		if !s.may(v.Account, changing) {
			return errLimited
		}
		said, err := e(byOwner(r.Context(), v), *v.Account, r)
		if key := problemOf(err); key != "" {
			return page(http.StatusUnprocessableEntity, w, r, key)
		}
		if err != nil {
			return err
		}
		if inPlace(r) {
			return s.contactsSaying(http.StatusOK, w, r, &said, "")
		}
		s.say(w, said)
		to := r.PostFormValue("back")
		if !strings.HasPrefix(to, "/account/") {
			to = "/account/contacts"
		}
		return back(w, r, to)
	})
}

// who returns whom a form is about.
func who(r *http.Request) (string, error) {
	handle, err := im.ParseCallee(strings.TrimSpace(r.PostFormValue("who")))
	if err != nil {
		return "", account.ErrBadEmail
	}
	return handle, nil
}

// number returns a number of a form, or -1.
func number(r *http.Request, field string) int {
	n, err := strconv.Atoi(r.PostFormValue(field))
	if err != nil {
		return -1
	}
	return n
}

func (s *Server) addContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	a := account.Addition{Email: strings.TrimSpace(r.PostFormValue("email")), Group: number(r, "group")}
	handle, err := im.ParseHandle(a.Email)
	if err != nil {
		return notice{}, account.ErrBadEmail
	}
	return notice{Key: "account.said_added", Who: handle}, s.befriend(ctx, u, a)
}

// acceptContact answers somebody who has added the owner, and adds him.
func (s *Server) acceptContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	handle, err := who(r)
	if err != nil {
		return notice{}, err
	}
	return notice{Key: "account.said_added", Who: handle}, s.befriend(ctx, u, account.Addition{Email: handle, Group: -1})
}

// befriend does what clients do with a new contact: he comes on the list under the name that he
// gave himself, and may see its owner unless that was decided otherwise.
func (s *Server) befriend(ctx context.Context, u im.User, a account.Addition) error {
	friend, err := s.cfg.Store.User(ctx, a.Email)
	if err != nil {
		return err
	}
	a.Name = friend.Name
	if err := s.cfg.Account.AddContact(ctx, u, a); err != nil {
		return err
	}
	contact, err := s.cfg.Store.Contact(ctx, u.ID, friend.ID)
	if err != nil || contact.Lists&(im.Allow|im.Block) != 0 {
		return err
	}
	return s.cfg.Account.Allow(ctx, u, a.Email)
}

// about is an edit that needs no more than whom it is about.
func about(ctx context.Context, u im.User, r *http.Request, key string, do func(context.Context, im.User, string) error) (notice, error) {
	handle, err := who(r)
	if err != nil {
		return notice{}, err
	}
	return notice{Key: key, Who: handle}, do(ctx, u, handle)
}

func (s *Server) removeContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_removed", s.cfg.Account.RemoveContact)
}

func (s *Server) allowContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_allowed", s.cfg.Account.Allow)
}

func (s *Server) blockContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_blocked", s.cfg.Account.Block)
}

func (s *Server) unblockContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_unblocked", s.cfg.Account.Unblock)
}

func (s *Server) undecideContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_undecided", s.cfg.Account.Undecide)
}

func (s *Server) nameContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	return about(ctx, u, r, "account.said_named", func(ctx context.Context, u im.User, handle string) error {
		return s.cfg.Account.NameContact(ctx, u, handle, name)
	})
}

func (s *Server) moveContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return about(ctx, u, r, "account.said_moved", func(ctx context.Context, u im.User, handle string) error {
		return s.cfg.Account.MoveContact(ctx, u, handle, number(r, "from"), number(r, "to"))
	})
}

// copyContact puts somebody into one more group.
func (s *Server) copyContact(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	to := number(r, "to")
	if to < 0 {
		return notice{}, im.ErrNoGroup
	}
	return about(ctx, u, r, "account.said_moved", func(ctx context.Context, u im.User, handle string) error {
		return s.cfg.Account.AddContact(ctx, u, account.Addition{Email: handle, Group: to})
	})
}

func (s *Server) addGroup(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	return notice{Key: "account.said_group_added", Name: name}, s.cfg.Account.AddGroup(ctx, u, name)
}

func (s *Server) renameGroup(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	return notice{Key: "account.said_group_renamed", Name: name}, s.cfg.Account.RenameGroup(ctx, u, number(r, "group"), name)
}

func (s *Server) removeGroup(ctx context.Context, u im.User, r *http.Request) (notice, error) {
	return notice{Key: "account.said_group_removed"}, s.cfg.Account.RemoveGroup(ctx, u, number(r, "group"))
}
