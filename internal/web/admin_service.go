package web

import (
	"math"
	"net/http"
	"net/url"
	"strings"

	"monarch/internal/admin"
)

// serviceRoutes are about who is signed in, about nodes, and what everybody is told.
func (s *Server) serviceRoutes() []adminRoute {
	onNodes := func(take handler) handler { return orAgain(s, "admin/nodes", "", s.nodesOf, take) }
	inNotices := func(form string, take handler) handler {
		return orAgain(s, "admin/notices", form, s.notices, take)
	}
	return []adminRoute{
		{"GET /admin/sessions", admin.SessionsRead, s.sessionsPage, ""},
		{"POST /admin/sessions/end", admin.SessionsWrite, s.endSessionInList, "/admin/sessions"},
		{"GET /admin/nodes", admin.ServiceRead, s.nodesPage, ""},
		{"POST /admin/nodes/drain", admin.ServiceWrite, onNodes(s.drainNode), "/admin/nodes"},
		{"POST /admin/nodes/undrain", admin.ServiceWrite, onNodes(s.undrainNode), "/admin/nodes"},
		{"GET /admin/notices", admin.MessagesWrite, s.noticesPage, ""},
		{"POST /admin/notices/announce", admin.ServiceWrite, inNotices("minutes", s.announce), "/admin/notices"},
		{"POST /admin/notices/cancel", admin.ServiceWrite, inNotices("", s.cancelNotice), "/admin/notices"},
		{"POST /admin/notices/alert", admin.MessagesWrite, inNotices("alert", s.alertSomebody), "/admin/notices"},
	}
}

// sessionsData is the list of who is signed in.
type sessionsData struct {
	adminHead
	Text, Node string // what is looked for
	Nodes      []string
	Found      []admin.Session
	Unheard    []string // nodes whose sessions are missing
	All        int      // how many are signed in
	Next       string
	Later      bool // it is not the first page
}

func (s *Server) sessionsPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := sessionsData{
		adminHead: s.adminHead(w, r, "/admin/sessions"), Text: strings.TrimSpace(q.Get("text")), Node: q.Get("node"),
		All: s.cfg.Hub.CountAll(), Later: q.Get("after") != "",
	}
	found, err := s.cfg.Admin.FindSessions(r.Context(), admin.SessionSearch{Text: d.Text, Node: d.Node, After: q.Get("after"), Limit: rowsOnPage})
	if err != nil {
		if d.refused(err, "") {
			return s.pageWith(http.StatusBadRequest, w, r, "admin/sessions", d)
		}
		return err
	}
	d.Found, d.Unheard = found.Items, found.Unheard
	if found.Next != "" {
		d.Next = atPage("/admin/sessions", q, "after", found.Next)
	}
	nodes, err := s.cfg.Admin.Nodes(r.Context())
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Name != "" {
			d.Nodes = append(d.Nodes, n.Name)
		}
	}
	return s.livePage(w, r, "admin/sessions", d)
}

// endSessionInList ends a session, and returns to the list as it was.
func (s *Server) endSessionInList(w http.ResponseWriter, r *http.Request) error {
	u, err := s.cfg.Store.User(r.Context(), r.PostFormValue("who"))
	if err == nil && !mayChange(visitorOf(r), u) {
		return errNotYours
	}
	if err == nil {
		err = s.cfg.Admin.Kick(byOperator(r), u.Handle)
	}
	if err != nil {
		d := &sessionsData{adminHead: s.adminHead(w, r, "/admin/sessions"), All: s.cfg.Hub.CountAll()}
		return s.refuse(w, r, "admin/sessions", d, "", err)
	}
	s.say(w, notice{Key: "admin.said_ended", Who: u.Handle})
	if to := r.PostFormValue("back"); strings.HasPrefix(to, "/admin/sessions") {
		return back(w, r, to)
	}
	return back(w, r, "/admin/sessions")
}

// nodesData is the page of the nodes.
type nodesData struct {
	adminHead
	Nodes    []nodeRow
	Sessions int // at all of them
	Alone    bool
}

// nodeRow is a node with what can be done about it.
type nodeRow struct {
	admin.Node
	Boards  int   // conversations
	Began   int64 // when it started, or 0
	Percent int   // of its capacity
	Share   float64
	Level   string
	Ahead   float64 // seconds that its clock is ahead, if that is worth telling
	Behind  float64 // the same, behind
	Drains  bool
	Undoes  bool
}

func (s *Server) nodesPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.nodesOf(w, r)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/nodes", d)
}

func (s *Server) nodesOf(w http.ResponseWriter, r *http.Request) (*nodesData, error) {
	d := &nodesData{adminHead: s.adminHead(w, r, "/admin/nodes"), Sessions: s.cfg.Hub.CountAll()}
	nodes, err := s.cfg.Admin.Nodes(r.Context())
	if err != nil {
		return d, err
	}
	told := make(map[string]admin.NodeStatus)
	for _, n := range s.cfg.Admin.Overview(r.Context()).Nodes {
		told[n.Name] = n
	}
	d.Alone = len(nodes) <= 1
	for _, n := range nodes {
		row := nodeRow{Node: n, Boards: told[n.Name].Switchboards, Percent: percent(n.Sessions, n.Capacity)}
		row.Level, row.Share = level(row.Percent), share(n.Sessions, n.Capacity)
		if apart := math.Round(10*n.ClockAhead) / 10; apart > 0 {
			row.Ahead = apart
		} else {
			row.Behind = -apart
		}
		if since := told[n.Name].Since; !since.IsZero() {
			row.Began = since.Unix()
		}
		there := n.State == "here" || n.State == "alive"
		row.Undoes = there && n.Draining
		row.Drains = there && !n.Draining && !d.Alone && n.Reached != ""
		d.Nodes = append(d.Nodes, row)
	}
	return d, nil
}

// level says how a share of a capacity is to be taken.
func level(percent int) string {
	switch {
	case percent >= 95:
		return "bad"
	case percent >= 80:
		return "warning"
	}
	return "good"
}

// share returns what part of a whole something is, in percent.
func share(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// percent returns the same as bars are drawn: something is never nothing.
func percent(part, whole int) int { return min(100, int(math.Ceil(share(part, whole)))) }

// onNode does something with a node.
func (s *Server) onNode(w http.ResponseWriter, r *http.Request, said string, do func(node string) error) error {
	node := r.PostFormValue("node")
	if err := do(node); err != nil {
		return err
	}
	s.say(w, notice{Key: said, Name: node})
	return back(w, r, "/admin/nodes")
}

func (s *Server) drainNode(w http.ResponseWriter, r *http.Request) error {
	return s.onNode(w, r, "admin.said_drained", func(node string) error {
		return s.cfg.Admin.Drain(byOperator(r), node, admin.UsualPace)
	})
}

func (s *Server) undrainNode(w http.ResponseWriter, r *http.Request) error {
	return s.onNode(w, r, "admin.said_undrained", func(node string) error {
		return s.cfg.Admin.Undrain(byOperator(r), node)
	})
}

// noticesData is the page of what people are told.
type noticesData struct {
	adminHead
	Minutes  int  // until the announced end
	Ends     bool // one is announced
	Sessions int  // who would be told
	Alerts   bool
	Form     url.Values
}

func (s *Server) notices(w http.ResponseWriter, r *http.Request) (*noticesData, error) {
	d := &noticesData{
		adminHead: s.adminHead(w, r, "/admin/notices"), Sessions: s.cfg.Hub.CountAll(), Alerts: s.cfg.Admin.Alerts, Form: r.PostForm,
	}
	d.Minutes, d.Ends = s.cfg.Hub.Announced()
	return d, nil
}

func (s *Server) noticesPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.notices(w, r)
	if err != nil {
		return err
	}
	return s.livePage(w, r, "admin/notices", d)
}

// mostMinutes is how far ahead an end can be announced: a day.
const mostMinutes = 24 * 60

func (s *Server) announce(w http.ResponseWriter, r *http.Request) error {
	minutes := numberIn(r.PostFormValue("minutes"), mostMinutes)
	if minutes == 0 {
		return complaint("admin.problem_minutes")
	}
	told, err := s.cfg.Admin.Notify(byOperator(r), minutes)
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_announced", N: told})
	return back(w, r, "/admin/notices")
}

func (s *Server) cancelNotice(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Admin.CancelNotice(byOperator(r)); err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_cancelled"})
	return back(w, r, "/admin/notices")
}

func (s *Server) alertSomebody(w http.ResponseWriter, r *http.Request) error {
	who := strings.TrimSpace(r.PostFormValue("who"))
	err := s.cfg.Admin.Alert(byOperator(r), who, admin.NewAlert{
		Text: strings.TrimSpace(r.PostFormValue("text")), URL: strings.TrimSpace(r.PostFormValue("url")),
	})
	if err != nil {
		return err
	}
	s.say(w, notice{Key: "admin.said_alert", Who: who})
	return back(w, r, "/admin/notices")
}
