package web

import (
	"errors"
	"net/http"
	"strings"

	"monarch/internal/audit"
	"monarch/internal/hub"
	"monarch/internal/store"
)

// placeRoutes are about where somebody is signed in.
func (s *Server) placeRoutes(mux *http.ServeMux) {
	mux.Handle("GET /account/places", s.member(s.placesPage))
	takes(mux, "/account/places/messenger", s.member(s.endMessenger), "/account/places")
	takes(mux, "/account/places/end", s.member(s.endPlace), "/account/places")
	takes(mux, "/account/places/others", s.member(s.endOthers), "/account/places")
}

// placesData is the page of where somebody is signed in.
type placesData struct {
	accountHead
	Messenger *messengerPlace // nil: no client is
	Browsers  []browserPlace
}

// messengerPlace is where a client is signed in.
type messengerPlace struct {
	Client, Address string
	Since           int64
}

// browserPlace is a browser that is signed in at the website.
type browserPlace struct {
	store.WebSession
	Browser string // or "", if nobody knows it
	System  string // the same
	Here    bool   // it is the one that asks
}

func (s *Server) placesPage(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	h, err := s.head(w, r, "places")
	if err != nil {
		return err
	}
	sessions, err := s.cfg.Store.WebSessions(r.Context(), v.Account.ID, s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	d := placesData{accountHead: h}
	if l, in := s.cfg.Place(r.Context(), v.Account.ID); in {
		d.Messenger = messengerOf(l)
	}
	for _, each := range sessions {
		browser, system := recognizeAgent(each.Agent)
		d.Browsers = append(d.Browsers, browserPlace{each, browser, system, each.ID == v.session.ID})
	}
	return s.page(w, r, "account/places", d)
}

func messengerOf(l hub.Login) *messengerPlace {
	m := &messengerPlace{Client: strings.TrimSpace(l.Client + " " + l.Version.String())}
	if l.Addr.IsValid() { // else its node does not tell
		m.Address, m.Since = l.Addr.Addr().String(), l.Since.Unix()
	}
	return m
}

// endMessenger ends the session of the owner's client.
func (s *Server) endMessenger(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	said := notice{Key: "account.said_ended"}
	if !s.cfg.Account.EndSession(byOwner(r.Context(), v), *v.Account) {
		said.Key = "account.said_over"
	}
	s.say(w, said)
	return back(w, r, "/account/places")
}

// endPlace ends the sign-in of one browser, which may be this one.
func (s *Server) endPlace(w http.ResponseWriter, r *http.Request) error {
	v, id := visitorOf(r), r.PostFormValue("id")
	if id == v.session.ID {
		return s.signOut(w, r)
	}
	said := notice{Key: "account.said_ended"}
	switch err := s.cfg.Store.EndWebSession(r.Context(), v.Account.ID, id); {
	case errors.Is(err, store.ErrNoWebSession):
		said.Key = "account.said_over"
	case err != nil:
		return err
	default:
		s.sockets.hangUp(id)
		s.cfg.Tell(Ended{Session: id})
		s.record(byOwner(r.Context(), v), audit.SessionEnded, v.Account.Handle, v.Address, "one at the website")
	}
	s.say(w, said)
	return back(w, r, "/account/places")
}

// endOthers ends the sign-ins of all other browsers.
func (s *Server) endOthers(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if err := s.cfg.Store.EndWebSessions(r.Context(), v.Account.ID, v.session.ID); err != nil {
		return err
	}
	s.sockets.hangUpOthers(v.Account.ID, v.session.ID)
	s.cfg.Tell(Ended{Session: v.session.ID, User: v.Account.ID})
	s.record(byOwner(r.Context(), v), audit.SessionEnded, v.Account.Handle, v.Address, "all others at the website")
	s.say(w, notice{Key: "account.said_others_ended"})
	return back(w, r, "/account/places")
}

// agents are the marks by which browsers and systems are known, the first that fits counts: most
// call themselves by the names of others, too.
var agents = struct{ browsers, systems [][2]string }{
	browsers: [][2]string{
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"SeaMonkey/", "SeaMonkey"},
		{"Chromium/", "Chromium"},
		{"HeadlessChrome/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"MSIE ", "Internet Explorer"},
		{"Trident/", "Internet Explorer"},
		{"Safari/", "Safari"},
		{"Lynx/", "Lynx"},
		{"w3m/", "w3m"},
		{"curl/", "curl"},
	},
	systems: [][2]string{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Windows", "Windows"},
		{"Macintosh", "Mac"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
		{"BSD", "BSD"},
	},
}

// recognizeAgent returns what people call a browser and its system.
func recognizeAgent(agent string) (browser, system string) {
	find := func(marks [][2]string) string {
		for _, m := range marks {
			if strings.Contains(agent, m[0]) {
				return m[1]
			}
		}
		return ""
	}
	return find(agents.browsers), find(agents.systems)
}

// Learn takes the end of sessions of the website at another node.
func (s *Server) Learn(e Ended) {
	if e.User != 0 {
		s.sockets.hangUpOthers(e.User, e.Session)
	} else {
		s.sockets.hangUp(e.Session)
	}
}
