package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"monarch/internal/im"
)

// contactRoutes are somebody's lists: the pages that show them, and the changes of edit.go.
func (s *Server) contactRoutes(mux *http.ServeMux) {
	mux.Handle("GET /account/contacts", s.member(func(w http.ResponseWriter, r *http.Request) error {
		return s.contacts(http.StatusOK, w, r, "")
	}))
	mux.Handle("GET /account/contact", s.member(func(w http.ResponseWriter, r *http.Request) error {
		return s.contact(http.StatusOK, w, r, "")
	}))
	for path, e := range map[string]edit{
		"contacts/add":      s.addContact,
		"contacts/remove":   s.removeContact,
		"contacts/accept":   s.acceptContact,
		"contacts/allow":    s.allowContact,
		"contacts/block":    s.blockContact,
		"contacts/unblock":  s.unblockContact,
		"contacts/undecide": s.undecideContact,
		"groups/add":        s.addGroup,
		"groups/rename":     s.renameGroup,
		"groups/remove":     s.removeGroup,
	} {
		takes(mux, "/account/"+path, s.edited(e, s.contacts), "/account/contacts")
	}
	for path, e := range map[string]edit{
		"name": s.nameContact,
		"move": s.moveContact,
		"copy": s.copyContact,
	} {
		takes(mux, "/account/contact/"+path, s.edited(e, s.contact), "/account/contacts")
	}
}

// person is somebody on any list.
type person struct {
	ID           im.UserID
	Handle, Name string

	Listed  bool // on the owner's list
	Allowed bool
	Blocked bool
	Sees    bool // the owner, all things considered
	HasMe   bool // on his
}

// waits reports whether somebody has added the owner and has no answer. Clients ask about him.
// docs/protocol/lists.md#lists
func waits(c im.Contact) bool {
	return c.Lists&im.Reverse != 0 && c.Lists&(im.Allow|im.Block) == 0
}

// listed returns those who are on the forward list.
func listed(r im.Roster) []im.Contact {
	return slices.DeleteFunc(slices.Clone(r.Contacts), func(c im.Contact) bool { return c.Lists&im.Forward == 0 })
}

func personOf(c im.Contact, p im.Policy) person {
	allowed, blocked := c.Lists&im.Allow != 0, c.Lists&im.Block != 0
	return person{
		ID: c.ID, Handle: c.Handle, Name: c.Stored,
		Listed: c.Lists&im.Forward != 0, Allowed: allowed, Blocked: blocked,
		Sees: allowed || !blocked && p == im.AllowOthers, HasMe: c.Lists&im.Reverse != 0,
	}
}

// folder is a group with the people in it.
type folder struct {
	im.Group
	People []person
}

// contactsData is the page of all lists.
type contactsData struct {
	accountHead
	Typed   string // in the form that was refused
	Into    int    // the group chosen there
	Waiters []person
	Folders []folder
	Listed  int // people on the owner's list
	Others  []person
}

// contacts shows all lists.
func (s *Server) contacts(status int, w http.ResponseWriter, r *http.Request, problem string) error {
	return s.contactsSaying(status, w, r, nil, problem)
}

// contactsSaying shows all lists after a change. A script gets what may be different now, to put
// it in the place of what was there.
func (s *Server) contactsSaying(status int, w http.ResponseWriter, r *http.Request, said *notice, problem string) error {
	h, err := s.head(w, r, "contacts")
	if err != nil {
		return err
	}
	h.Problem, h.Field = problem, fieldOf(r, problem)
	if said != nil {
		h.Said = said
	}
	d := contactsData{accountHead: h, Folders: make([]folder, len(h.roster.Groups))}
	if problem != "" {
		typed := "name"
		if h.Field == "email" {
			typed = "email"
		}
		d.Typed, d.Into = strings.TrimSpace(r.PostFormValue(typed)), number(r, "group")
	}
	d.sort()
	if inPlace(r) {
		return s.render(status, w, r, "account/contacts", "changed", d)
	}
	return s.pageWith(status, w, r, "account/contacts", d)
}

// sort puts everybody where he is to be shown.
func (d *contactsData) sort() {
	for i, g := range d.roster.Groups {
		d.Folders[i].Group = g
	}
	people := slices.Clone(d.roster.Contacts)
	slices.SortFunc(people, func(a, b im.Contact) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Stored), strings.ToLower(b.Stored)), cmp.Compare(a.Handle, b.Handle))
	})
	for _, c := range people {
		p := personOf(c, d.roster.User.Policy)
		if waits(c) {
			d.Waiters = append(d.Waiters, p)
		} else if !p.Listed {
			d.Others = append(d.Others, p)
		}
		if !p.Listed {
			continue
		}
		d.Listed++
		for i := range d.Folders {
			if slices.Contains(c.Groups, d.Folders[i].Number) {
				d.Folders[i].People = append(d.Folders[i].People, p)
			}
		}
	}
}

// fieldOf returns the id of the field that a problem is about, if it is one that somebody can type
// something better into.
func fieldOf(r *http.Request, problem string) string {
	if problem == "account.changed_meanwhile" {
		return ""
	}
	switch r.URL.Path {
	case "/account/contacts/add":
		return "email"
	case "/account/contact/name":
		return "name"
	case "/account/groups/add":
		return "new-group"
	case "/account/groups/rename":
		return "group-" + r.PostFormValue("group")
	}
	return ""
}

// inPlace reports whether a script wants to show the answer in the page that is there.
func inPlace(r *http.Request) bool { return r.Header.Get("Hx-Request") == "true" }

// contactData is the page of one person.
type contactData struct {
	accountHead
	person
	Back string     // the page's path
	In   []im.Group // of the owner's, where the person is
	Out  []im.Group // and where not
}

// contact shows one person.
func (s *Server) contact(status int, w http.ResponseWriter, r *http.Request, problem string) error {
	who, err := im.ParseCallee(r.FormValue("who"))
	if err != nil {
		return errNotFound
	}
	h, err := s.head(w, r, "contacts")
	if err != nil {
		return err
	}
	h.Problem, h.Field = problem, fieldOf(r, problem)
	i := slices.IndexFunc(h.roster.Contacts, func(c im.Contact) bool { return c.Handle == who })
	if i < 0 {
		return errNotFound
	}
	c := h.roster.Contacts[i]
	d := contactData{accountHead: h, person: personOf(c, h.roster.User.Policy), Back: "/account/contact?who=" + url.QueryEscape(who)}
	for _, g := range h.roster.Groups {
		if slices.Contains(c.Groups, g.Number) {
			d.In = append(d.In, g)
		} else {
			d.Out = append(d.Out, g)
		}
	}
	return s.pageWith(status, w, r, "account/contact", d)
}
