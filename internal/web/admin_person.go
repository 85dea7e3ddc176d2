package web

import (
	"errors"
	"net/http"
	"strconv"

	"monarch/internal/admin"
	"monarch/internal/im"
)

// personRoutes are about one account. What changes it is in admin_deeds.go.
func (s *Server) personRoutes() []adminRoute {
	const one = "/admin/people/{who}"
	deed := func(name string, scope admin.Scope, d deedOn) adminRoute {
		return adminRoute{"POST " + one + "/" + name, scope, s.onPerson(name, d), "/admin/people"}
	}
	return []adminRoute{
		{"GET " + one, admin.AccountsRead, s.personPage, ""},
		{"GET " + one + "/contacts", admin.AccountsRead, s.personContacts, ""},
		deed("name", admin.AccountsWrite, s.renamePerson),
		deed("password", admin.AccountsWrite, s.newPasswordOf),
		deed("lock", admin.AccountsWrite, s.lockPerson),
		deed("unlock", admin.AccountsWrite, s.unlockPerson),
		deed("role", admin.RolesWrite, s.setRole),
		deed("mailbox", admin.AccountsWrite, s.setMailbox),
		deed("end", admin.SessionsWrite, s.endSessionOf),
		deed("browser", admin.SessionsWrite, s.endBrowserOf),
		deed("alert", admin.MessagesWrite, s.alertPerson),
		deed("delete", admin.AccountsWrite, s.deletePerson),
	}
}

// personData is the page of one person.
type personData struct {
	adminHead
	User     im.User
	Details  admin.Details
	Browsers []browserPlace
	Events   []admin.AuditEntry // the latest
	Unheard  []string           // nodes whose events are missing
	Self     bool               // it is the operator himself
	Mine     bool               // the operator's role lets him change this person
	Alerts   bool               // there are any

	form func(string) string
}

// Typed returns what was filled in, when a form is shown again.
func (d personData) Typed(field string) string {
	if d.form == nil {
		return ""
	}
	return d.form(field)
}

// Open reports whether a form is to be seen at once, because it was refused.
func (d personData) Open(field string) bool { return d.Field == field }

// mayChange reports whether the operator may change somebody: whoever has a role himself is for those
// who give roles.
func mayChange(v *visitor, u im.User) bool { return u.Role == im.NoRole || v.May(admin.RolesWrite) }

// subject returns whom a request is about.
func (s *Server) subject(r *http.Request) (im.User, error) {
	u, err := s.cfg.Store.User(r.Context(), r.PathValue("who"))
	if errors.Is(err, im.ErrNoUser) {
		return im.User{}, errNoPerson
	}
	return u, err
}

func (s *Server) personPage(w http.ResponseWriter, r *http.Request) error {
	u, err := s.subject(r)
	if err != nil {
		return err
	}
	d, err := s.person(w, r, u)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/person", d)
}

// person gathers what the page of one person shows.
func (s *Server) person(w http.ResponseWriter, r *http.Request, u im.User) (*personData, error) {
	v := visitorOf(r)
	d := &personData{adminHead: s.adminHead(w, r, "/admin/people"), User: u, Self: u.ID == v.Account.ID, Mine: mayChange(v, u), Alerts: s.cfg.Admin.Alerts}
	var err error
	if d.Details, err = s.cfg.Admin.Account(r.Context(), u.Handle); err != nil {
		return d, err
	}
	sessions, err := s.cfg.Store.WebSessions(r.Context(), u.ID, s.cfg.Clock.Now())
	if err != nil {
		return d, err
	}
	for _, each := range sessions {
		browser, system := recognizeAgent(each.Agent)
		d.Browsers = append(d.Browsers, browserPlace{each, browser, system, each.ID == v.session.ID})
	}
	if !inPlace(r) && v.May(admin.AuditRead) && s.cfg.Audit != nil {
		events, err := s.cfg.Admin.AuditEntries(r.Context(), admin.AuditQuery{User: u.Handle, Limit: eventsOfPerson})
		if err != nil {
			return d, err
		}
		d.Events, d.Unheard = events.Items, events.Unheard
	}
	return d, nil
}

// eventsOfPerson is how many events the page of one person shows.
const eventsOfPerson = 8

// contactsOfData is a page of somebody's contacts.
type contactsOfData struct {
	adminHead
	User     im.User
	Contacts []admin.Contact
	All      int
	From, To int // which of them, counted from 1
	Before   string
	Next     string
}

// contactsOnPage is how many contacts a page shows.
const contactsOnPage = 100

func (s *Server) personContacts(w http.ResponseWriter, r *http.Request) error {
	u, err := s.subject(r)
	if err != nil {
		return err
	}
	contacts, err := s.cfg.Admin.Contacts(r.Context(), u.Handle)
	if err != nil {
		return err
	}
	d := contactsOfData{adminHead: s.adminHead(w, r, "/admin/people"), User: u, All: len(contacts)}
	from := min(numberIn(r.URL.Query().Get("from"), len(contacts)), len(contacts))
	to := min(from+contactsOnPage, len(contacts))
	d.Contacts, d.From, d.To = contacts[from:to], from+1, to
	path := personPath(u.Handle) + "/contacts"
	if from > 0 {
		d.Before = atPage(path, nil, "from", strconv.Itoa(from-contactsOnPage))
	}
	if to < len(contacts) {
		d.Next = atPage(path, nil, "from", strconv.Itoa(to))
	}
	return s.page(w, r, "admin/contacts", d)
}
