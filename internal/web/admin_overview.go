package web

import (
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"monarch/internal/admin"
)

// overviewRoutes are how the service is doing.
func (s *Server) overviewRoutes() []adminRoute {
	return []adminRoute{{"GET /admin", admin.ServiceRead, s.overviewPage, ""}}
}

// overviewData is the service at a glance.
type overviewData struct {
	adminHead
	admin.Overview
	Nodes    []statusRow
	Alone    bool
	Span     string // hour or day
	Of       string // the node whose history it is; "": all
	Charts   []chart
	Table    []historyRow
	Lines    []admin.LogLine
	Concerns []concern
}

// statusRow is a node with its load.
type statusRow struct {
	admin.NodeStatus
	Percent int
	Share   float64 // of its capacity, in percent, too
	Level   string  // good, warning or bad
}

// concern is something that needs attention.
type concern struct {
	Level string // warning or bad
	Key   string
	Name  string
	N     int
	Link  string
	At    int64 // when, or 0
}

// linesOnPage is how many lines of the log the overview shows.
const linesOnPage = 8

func (s *Server) overviewPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := overviewData{adminHead: s.adminHead(w, r, "/admin"), Overview: s.cfg.Admin.Overview(r.Context()), Span: admin.SpanHour, Of: q.Get("node")}
	if q.Get("span") == admin.SpanDay {
		d.Span = admin.SpanDay
	}
	d.Alone = len(d.Overview.Nodes) <= 1
	for _, n := range d.Overview.Nodes {
		row := statusRow{NodeStatus: n, Percent: min(100, int(100*n.Load+0.999)), Share: 100 * n.Load}
		row.Level = level(row.Percent)
		d.Nodes = append(d.Nodes, row)
	}
	var err error
	if d.Lines, err = s.cfg.Admin.Errors(r.Context(), linesOnPage); err != nil {
		return err
	}
	past, err := s.cfg.Admin.History(r.Context(), d.Of, d.Span)
	if err != nil && !d.refused(err, "") {
		return err
	}
	d.Charts, d.Table = charts(past), historyTable(past)
	if d.Concerns, err = s.concerns(r, d.Overview); err != nil {
		return err
	}
	return s.livePage(w, r, "admin/overview", d)
}

// signIns is the series of accepted sign-ins.
const signIns = "sign_ins"

// mebi is what memory is counted in.
const mebi = 1 << 20

// charts draws what is known of the past.
func charts(h admin.History) []chart {
	if h.Series == nil {
		return nil
	}
	of := func(id, key, unit string, whole bool, series ...string) figure {
		f := figure{id: id, key: key, unit: unit, whole: whole, rate: unit == "admin.unit_minute"}
		for _, name := range series {
			f.series, f.lines = append(f.series, h.Series[name]), append(f.lines, seriesKeys[name])
		}
		return f
	}
	memory := of("memory", "admin.chart_memory", "admin.unit_mib", false, "memory")
	memory.divide = mebi
	var all []chart
	for _, f := range []figure{
		of("people", "admin.chart_people", "admin.unit_people", true, "sessions"),
		of(signIns, "admin.chart_accepted", "admin.unit_minute", false, signIns, "refused"),
		of("messages", "admin.chart_messages", "admin.unit_minute", false, "messages"),
		of("boards", "admin.chart_boards", "admin.unit_boards", true, "switchboards"),
		of("cpu", "admin.chart_cpu", "admin.unit_cores", false, "cpu"),
		memory,
	} {
		all = append(all, draw(f, h.Start, time.Duration(h.Step)*time.Second))
	}
	return all
}

// seriesKeys are what the series of a history are called.
var seriesKeys = map[string]string{
	"sessions": "admin.series_sessions", signIns: "admin.series_accepted", "refused": "admin.series_refused",
	"messages": "admin.series_messages", "switchboards": "admin.series_boards", "cpu": "admin.series_cpu", "memory": "admin.series_memory",
}

// historyRow is a moment of the past, for those who read it as a table.
type historyRow struct {
	At     int64
	Values []*float64 // nil: nothing is known
}

// tableSeries are the columns of that table.
var tableSeries = []string{"sessions", "switchboards", signIns, "refused", "messages", "cpu", "memory"}

// rowsOfHistory is how many moments the table has.
const rowsOfHistory = 12

// historyTable returns a dozen moments, the last one first.
func historyTable(h admin.History) []historyRow {
	n := len(h.Series["sessions"])
	each := max(1, n/rowsOfHistory)
	var rows []historyRow
	for i := n - 1; i >= 0 && len(rows) < rowsOfHistory; i -= each {
		row := historyRow{At: h.Start.Add(time.Duration(h.Step) * time.Second * time.Duration(i)).Unix()}
		known := false
		for _, name := range tableSeries {
			var value *float64
			if series := h.Series[name]; i < len(series) && series[i] == series[i] { // no NaN
				v := series[i]
				if name == "memory" {
					v /= mebi
				}
				value, known = &v, true
			}
			row.Values = append(row.Values, value)
		}
		if known {
			rows = append(rows, row)
		}
	}
	return rows
}

// What is to be seen to.
const (
	clockApart  = 2 * time.Second     // between nodes
	certExpires = 14 * 24 * time.Hour // from now
)

// concerns gathers what needs attention, the worst first.
func (s *Server) concerns(r *http.Request, o admin.Overview) ([]concern, error) {
	var bad, rest []concern
	nodes, err := s.cfg.Admin.Nodes(r.Context())
	if err != nil {
		return nil, err
	}
	if lost := s.cfg.Audit.Lost(); lost > 0 {
		bad = append(bad, concern{Level: "bad", Key: "admin.concern_audit", N: int(min(lost, 1<<30))})
	}
	for _, n := range nodes {
		switch {
		case n.State == "silent":
			bad = append(bad, concern{Level: "bad", Key: "admin.concern_silent", Name: n.Name, Link: "/admin/nodes", At: n.Heard.Unix()})
		case n.Draining:
			rest = append(rest, concern{Level: "warning", Key: "admin.concern_draining", Name: n.Name, N: n.Sessions, Link: "/admin/nodes"})
		case n.State == "alive" && (n.ClockAhead > clockApart.Seconds() || n.ClockAhead < -clockApart.Seconds()):
			rest = append(rest, concern{Level: "warning", Key: "admin.concern_clock", Name: n.Name, N: int(n.ClockAhead), Link: "/admin/nodes"})
		}
	}
	for _, n := range o.Nodes {
		if n.State == "alive" && n.Unheard {
			bad = append(bad, concern{Level: "bad", Key: "admin.concern_mute", Name: n.Name, Link: "/admin/nodes"})
		}
		if n.Load >= 0.95 {
			rest = append(rest, concern{Level: "warning", Key: "admin.concern_full", Name: n.Name, Link: "/admin/nodes"})
		}
	}
	rest = append(rest, s.certificateConcern()...)
	if minutes, ok := s.cfg.Hub.Announced(); ok {
		rest = append(rest, concern{Level: "warning", Key: "admin.concern_ends", N: minutes, Link: "/admin/notices"})
	}
	return append(bad, rest...), nil
}

// certificateConcern tells of a certificate that ends soon.
func (s *Server) certificateConcern() []concern {
	if s.cfg.Clients.TLS == nil {
		return nil
	}
	settings := s.cfg.Clients.TLS()
	if settings == nil || len(settings.Certificates) == 0 || len(settings.Certificates[0].Certificate) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(settings.Certificates[0].Certificate[0])
	if err != nil || leaf.NotAfter.Sub(s.cfg.Clock.Now()) > certExpires {
		return nil
	}
	return []concern{{Level: "warning", Key: "admin.concern_certificate", Name: strings.Join(leaf.DNSNames[:min(1, len(leaf.DNSNames))], ""), At: leaf.NotAfter.Unix()}}
}
