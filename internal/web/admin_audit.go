package web

import (
	"net/http"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
)

// auditRoutes are about what was recorded.
func (s *Server) auditRoutes() []adminRoute {
	return []adminRoute{{"GET /admin/audit", admin.AuditRead, s.auditPage, ""}}
}

// auditData is the page of the audit log.
type auditData struct {
	adminHead
	User, Event, Since string // what is looked for
	Events             []audit.What
	Spans              []auditSpan
	Entries            []admin.AuditEntry
	Unheard            []string // nodes whose entries are missing
	Next               string
	Later              bool // it is not the first page
	Live               bool // the page asks for what is new
}

// auditSpan is a time to look back over.
type auditSpan struct {
	Value string
	Hours int
	Days  int
	long  time.Duration
}

var auditSpans = []auditSpan{
	{"hour", 1, 0, time.Hour}, {"day", 0, 1, 24 * time.Hour}, {"week", 0, 7, 7 * 24 * time.Hour}, {"month", 0, 30, 30 * 24 * time.Hour},
}

func (s *Server) auditPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := auditData{
		adminHead: s.adminHead(w, r, "/admin/audit"), Events: audit.Events(), Spans: auditSpans,
		User: strings.ToLower(strings.TrimSpace(q.Get("user"))), Event: q.Get("event"), Since: q.Get("since"),
	}
	search := admin.AuditQuery{User: d.User, Event: d.Event, After: q.Get("after"), Limit: rowsOnPage}
	for _, span := range auditSpans {
		if span.Value == d.Since {
			search.Since = s.cfg.Clock.Now().Add(-span.long)
		}
	}
	d.Later = search.After != ""
	d.Live = !d.Later && d.User == "" && d.Event == "" // else all of the log may have to be read
	found, err := s.cfg.Admin.AuditEntries(r.Context(), search)
	if err != nil && !d.refused(err, "") {
		return err
	}
	d.Entries, d.Unheard = found.Items, found.Unheard
	if found.Next != "" {
		d.Next = atPage("/admin/audit", q, "after", found.Next)
	}
	return s.livePage(w, r, "admin/audit", d)
}
