package web

import (
	"encoding/json"
	"net/http"

	"monarch/internal/audit"
	"monarch/internal/im"
	"monarch/internal/store"
)

// dataFormat is the version of the shape of [ownData]. docs/account-data.md
const dataFormat = 1

// ownData is everything that is kept of somebody, as a file for him.
type ownData struct {
	Format   int          `json:"format"`
	Service  string       `json:"service"`
	Exported string       `json:"exported"`
	Account  ownAccount   `json:"account"`
	Mailbox  *ownMailbox  `json:"mailbox,omitempty"`
	Groups   []ownGroup   `json:"groups"`
	Contacts []ownContact `json:"contacts"`
	SignIns  ownSignIns   `json:"sign_ins"`
}

type ownAccount struct {
	Address    string        `json:"address"`
	Name       string        `json:"name"`
	Created    string        `json:"created"`
	Visible    bool          `json:"visible_to_others"`
	Ask        bool          `json:"ask_when_added"`
	Properties []ownProperty `json:"properties"`
}

type ownProperty struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type ownMailbox struct {
	Inbox   int    `json:"unread_inbox"`
	Folders int    `json:"unread_folders"`
	URL     string `json:"url,omitempty"`
}

type ownGroup struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

type ownContact struct {
	Address string   `json:"address"`
	Name    string   `json:"name"`
	Lists   []string `json:"lists"`
	Groups  []int    `json:"groups"`
}

type ownSignIns struct {
	Messenger *ownMessenger `json:"messenger,omitempty"`
	Website   []ownBrowser  `json:"website"`
}

type ownMessenger struct {
	Client  string `json:"client"`
	Address string `json:"address"`
	Since   string `json:"since"`
}

type ownBrowser struct {
	Agent   string `json:"agent"`
	Address string `json:"address"`
	Since   string `json:"since"`
	Seen    string `json:"seen"`
}

// dataPage tells what there is to take away.
func (s *Server) dataPage(w http.ResponseWriter, r *http.Request) error {
	h, err := s.head(w, r, "data")
	if err != nil {
		return err
	}
	return s.page(w, r, "account/data", h)
}

// data answers with everything that is kept of the owner.
func (s *Server) data(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if !s.may(v.Account, exporting) {
		return errLimited
	}
	roster, err := s.cfg.Store.Roster(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	user, box, err := s.cfg.Store.UserWithMailbox(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	sessions, err := s.cfg.Store.WebSessions(r.Context(), user.ID, s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	d := ownData{
		Format: dataFormat, Service: s.cfg.Name, Exported: moment(s.cfg.Clock.Now().Unix()),
		Account: accountData(user, roster.Properties), Mailbox: mailboxData(box),
		Groups: []ownGroup{}, Contacts: []ownContact{}, SignIns: ownSignIns{Website: browserData(sessions)},
	}
	for _, g := range roster.Groups {
		d.Groups = append(d.Groups, ownGroup(g))
	}
	for _, c := range roster.Contacts {
		d.Contacts = append(d.Contacts, ownContact{c.Handle, c.Stored, listNames(c.Lists), append([]int{}, c.Groups...)})
	}
	if l, in := s.cfg.Place(r.Context(), user.ID); in {
		m := messengerOf(l)
		d.SignIns.Messenger = &ownMessenger{m.Client, m.Address, moment(m.Since)}
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	s.record(byOwner(r.Context(), v), audit.DataExported, user.Handle, v.Address, "")
	return download(w, "account.json", "application/json", append(text, '\n'))
}

func accountData(u im.User, properties []im.Property) ownAccount {
	a := ownAccount{
		Address: u.Handle, Name: u.Name, Created: moment(u.Created), Visible: u.Policy == im.AllowOthers, Ask: u.Prompt == im.Ask,
		Properties: []ownProperty{},
	}
	for _, p := range properties {
		a.Properties = append(a.Properties, ownProperty(p))
	}
	return a
}

func mailboxData(box *im.Mailbox) *ownMailbox {
	if box == nil {
		return nil
	}
	return &ownMailbox{box.Inbox, box.Folders, box.URL}
}

func browserData(sessions []store.WebSession) []ownBrowser {
	all := []ownBrowser{}
	for _, each := range sessions {
		all = append(all, ownBrowser{each.Agent, each.Address, moment(each.Created), moment(each.Seen)})
	}
	return all
}

// listNames names the lists of a set as people know them.
func listNames(lists im.List) []string {
	names := []string{}
	for _, each := range []struct {
		list im.List
		name string
	}{{im.Forward, "contacts"}, {im.Allow, "allowed"}, {im.Block, "blocked"}, {im.Reverse, "has_me"}} {
		if lists&each.list != 0 {
			names = append(names, each.name)
		}
	}
	return names
}
