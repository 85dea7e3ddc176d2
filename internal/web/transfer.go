package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"monarch/internal/account"
	"monarch/internal/ctt"
	"monarch/internal/im"
	"monarch/internal/store"
)

// transferRoutes take contact lists out of the service and into it, in the files of MSN Messenger.
func (s *Server) transferRoutes(mux *http.ServeMux) {
	mux.Handle("GET /account/contacts.ctt", s.member(s.export))
	mux.Handle("GET /account/import", s.member(s.importPage))
	mux.Handle("POST /account/import", s.member(s.preview))
	takes(mux, "/account/import/add", s.member(s.takeOver), "/account/import")
}

// importTime is how long taking a file over may take. What is not done then can be done again.
const importTime = 40 * time.Second

// export answers with the forward list.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, exporting) {
		return errLimited
	}
	roster, err := s.cfg.Store.Roster(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	var addresses []string
	for _, c := range listed(roster) {
		addresses = append(addresses, c.Handle)
	}
	slices.Sort(addresses)
	return download(w, "contacts.ctt", "application/xml", ctt.Append(nil, addresses))
}

// importData is what would become of a file.
type importData struct {
	accountHead
	Read   bool // there is a file
	Groups []im.Group

	New    []string // would be added
	Listed []string // are on the list
	Nobody []string // have no account
	Bad    []string // cannot have one
	Room   int      // how many more there may be on the list; -1: any number
}

func (s *Server) importPage(w http.ResponseWriter, r *http.Request) error {
	return s.importForm(http.StatusOK, w, r, "")
}

func (s *Server) importForm(status int, w http.ResponseWriter, r *http.Request, problem string) error {
	h, err := s.head(w, r, "contacts")
	if err != nil {
		return err
	}
	h.Problem, h.Field = problem, "file"
	return s.pageWith(status, w, r, "account/import", importData{accountHead: h})
}

// preview reads a file and says what would become of it. Nothing is changed.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, importing) {
		return errLimited
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		return s.importForm(http.StatusUnprocessableEntity, w, r, "account.import_no_file")
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, ctt.MaxSize+1))
	if err != nil {
		return errUnreadable
	}
	addresses, err := ctt.Parse(content)
	switch {
	case errors.Is(err, ctt.ErrSize):
		return s.importForm(http.StatusUnprocessableEntity, w, r, "account.import_too_large")
	case err != nil:
		return s.importForm(http.StatusUnprocessableEntity, w, r, "account.import_unreadable")
	}
	h, err := s.head(w, r, "contacts")
	if err != nil {
		return err
	}
	d := importData{accountHead: h, Read: true, Groups: h.roster.Groups, Room: s.room(h.roster)}
	if err := d.sort(r.Context(), s.cfg.Store, addresses); err != nil {
		return err
	}
	return s.page(w, r, "account/import", d)
}

// sort says of each address what would become of it.
func (d *importData) sort(ctx context.Context, users *store.Store, addresses []string) error {
	there := make(map[string]bool)
	for _, c := range listed(d.roster) {
		there[c.Handle] = true
	}
	for _, address := range addresses {
		handle, err := im.ParseHandle(address)
		if err != nil {
			d.Bad = append(d.Bad, im.OneLine(address, im.MaxHandle))
			continue
		}
		if there[handle] {
			d.Listed = append(d.Listed, handle)
			continue
		}
		switch _, err := users.User(ctx, handle); {
		case errors.Is(err, im.ErrNoUser):
			d.Nobody = append(d.Nobody, handle)
		case err != nil:
			return err
		default:
			d.New = append(d.New, handle)
		}
	}
	return nil
}

// room returns how many more people there may be on somebody's list, or -1 for any number.
func (s *Server) room(roster im.Roster) int {
	most := s.cfg.Account.MaxContacts()
	if most == 0 {
		return -1
	}
	return max(most-len(listed(roster)), 0)
}

// takeOver adds those whom the owner has chosen from a file.
func (s *Server) takeOver(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, importing) {
		return errLimited
	}
	chosen := r.PostForm["who"]
	if len(chosen) > ctt.MaxContacts {
		return errTooLarge
	}
	ctx, cancel := context.WithTimeout(byOwner(r.Context(), v), importTime)
	defer cancel()
	n := 0
	for _, address := range chosen {
		err := s.befriend(ctx, *v.Account, account.Addition{Email: address, Group: number(r, "group")})
		switch {
		case err == nil:
			n++
		case errors.Is(err, im.ErrListFull), errors.Is(err, context.DeadlineExceeded):
			s.say(w, notice{Key: "account.said_imported_some", N: n})
			return back(w, r, "/account/contacts")
		case problemOf(err) == "":
			return err
		}
	}
	s.say(w, notice{Key: "account.said_imported", N: n})
	return back(w, r, "/account/contacts")
}
