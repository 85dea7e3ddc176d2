package web

import (
	"net/http"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/im"
	"monarch/internal/store"
)

// peopleRoutes are about all accounts.
func (s *Server) peopleRoutes() []adminRoute {
	return []adminRoute{
		{"GET /admin/people", admin.AccountsRead, s.peoplePage, ""},
		{"GET /admin/people/new", admin.AccountsWrite, s.newPersonPage, ""},
		{"POST /admin/people/new", admin.AccountsWrite, s.newPerson, ""},
	}
}

// rowsOnPage is how many people, sessions or events a page shows.
const rowsOnPage = 50

// peopleData is the page to find people on.
type peopleData struct {
	adminHead
	Find, By, Show string // what is looked for, where, and among whom
	People         []foundPerson
	Next           string // address of the next page, or ""
	Later          bool   // it is not the first page
	Slow           bool   // everybody is looked at, so the page does not ask again
}

// foundPerson is somebody in the list.
type foundPerson struct {
	im.User
	Here   bool // signed in
	Locked bool
}

func (s *Server) peoplePage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := peopleData{adminHead: s.adminHead(w, r, "/admin/people"), Find: strings.TrimSpace(q.Get("find")), By: q.Get("by"), Show: q.Get("show")}
	search := store.Search{After: q.Get("after"), AtMost: rowsOnPage + 1, Roles: d.Show == "roles", Locked: d.Show == "locked"}
	if d.By == "name" {
		search.Name = d.Find
	} else {
		search.Begins = d.Find
	}
	d.Later = search.After != ""
	d.Slow = search.Roles || search.Locked || search.Name != ""
	users, err := s.cfg.Store.FindUsers(r.Context(), search)
	if err != nil {
		return err
	}
	if len(users) > rowsOnPage {
		users = users[:rowsOnPage]
		d.Next = atPage("/admin/people", q, "after", users[rowsOnPage-1].Handle)
	}
	for _, u := range users {
		_, in := s.cfg.Hub.ByID(u.ID)
		d.People = append(d.People, foundPerson{u, in, u.Locked(s.cfg.Clock.Now())})
	}
	return s.livePage(w, r, "admin/people", d)
}

// newPersonData is the page to make an account on.
type newPersonData struct {
	adminHead
	Email, Name string
}

func (s *Server) newPersonPage(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "admin/new", newPersonData{adminHead: s.adminHead(w, r, "/admin/people"), Email: r.URL.Query().Get("email")})
}

// newPerson makes an account, with the password that was typed or else one that is shown once.
func (s *Server) newPerson(w http.ResponseWriter, r *http.Request) error {
	d := &newPersonData{
		adminHead: s.adminHead(w, r, "/admin/people"),
		Email:     strings.TrimSpace(r.PostFormValue("email")), Name: strings.TrimSpace(r.PostFormValue("name")),
	}
	password, made := newPassword(r)
	a, err := s.cfg.Admin.AddAccount(byOperator(r), admin.NewAccount{Email: d.Email, Nick: d.Name, Password: password})
	if err != nil {
		return s.refuse(w, r, "admin/new", d, "email", err)
	}
	if made {
		return s.page(w, r, "admin/password", secretData{s.adminHead(w, r, "/admin/people"), a.Email, password, true})
	}
	s.say(w, notice{Key: "admin.said_added", Who: a.Email})
	return back(w, r, personPath(a.Email))
}
