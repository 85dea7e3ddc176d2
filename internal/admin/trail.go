package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"monarch/internal/audit"
	"monarch/internal/cluster"
)

const pathAudit = Root + "/audit"

// CodeNoAudit is of a node without an audit log.
const CodeNoAudit = "no_audit"

// AuditEntry is something that happened.
type AuditEntry struct {
	Time    time.Time `json:"time" doc:"When." example:"2026-03-01T12:00:00.123456789Z"`
	Event   string    `json:"event" doc:"What." example:"signed in"`
	User    string    `json:"user,omitempty" doc:"The account concerned." example:"alice@example.com"`
	Address string    `json:"address,omitempty" doc:"Where the client is." example:"192.0.2.7:1029"`
	By      string    `json:"by,omitempty" doc:"Who did it, if not the account's owner." example:"token deploy"`
	Note    string    `json:"note,omitempty" doc:"More, for people." example:"MSNP9, MSNMSGR 6.0.0602"`
	Omitted uint64    `json:"omitted,omitempty" doc:"How many events like this one before it were not recorded, because there were too many." example:"3"`
	Node    string    `json:"node,omitempty" doc:"The node that recorded it. Absent where there is only one." example:"node-1"`
}

// AuditQuery says which entries are wanted; what is empty asks for nothing special.
type AuditQuery struct {
	User  string
	Event string
	Since time.Time
	After string // Next of the list before
	Limit int    // 0 is 100
}

// nodePage is how many entries fit in what nodes tell each other at once.
const nodePage = 200

// AuditEntries returns what happened, at all nodes, the newest first. What happened at one moment stays
// together, so there may be more than the limit. What a node recorded that does not answer is left out.
func (s *Service) AuditEntries(ctx context.Context, q AuditQuery) (Roundup[AuditEntry], error) {
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = usualPage
	}
	all, err := s.ownEntries(q)
	if err != nil {
		return Roundup[AuditEntry]{}, err
	}
	var l Roundup[AuditEntry]
	if !s.isAlone(ctx) {
		var mu sync.Mutex
		var why error
		l.Unheard, why = s.gather(func(n cluster.Node) error {
			theirs, err := s.entriesAt(ctx, n, q)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, theirs...)
			return err
		})
		if why != nil {
			s.Log.WarnContext(ctx, "the audit log is not complete", "err", why)
		}
	}
	slices.SortStableFunc(all, func(a, b AuditEntry) int { return b.Time.Compare(a.Time) })
	end := min(q.Limit, len(all))
	for end > 0 && end < len(all) && all[end].Time.Equal(all[end-1].Time) {
		end++
	}
	l.Items = append([]AuditEntry{}, all[:end]...)
	if end < len(all) {
		l.Next = all[end-1].Time.Format(time.RFC3339Nano)
	}
	return l, nil
}

// ownEntries returns what this node recorded, and one more than is wanted, if there is one.
func (s *Service) ownEntries(q AuditQuery) ([]AuditEntry, error) {
	search := audit.Search{User: q.User, Event: q.Event, Since: q.Since, Limit: q.Limit + 1}
	if q.After != "" {
		var err error
		if search.Before, err = time.Parse(time.RFC3339Nano, q.After); err != nil {
			return nil, wrong("after", "after is %q; give next of the answer before", q.After)
		}
	}
	if s.Audit == nil {
		return nil, problem(http.StatusConflict, CodeNoAudit, "there is no audit log: audit.file is \"off\" in the configuration")
	}
	found, err := s.Audit.Latest(search)
	if err != nil {
		return nil, err
	}
	name := ""
	if s.nodes != nil {
		name = s.nodes.Self().Name()
	}
	entries := make([]AuditEntry, len(found))
	for i, e := range found {
		entries[i] = AuditEntry{
			Time: e.Time, Event: e.Event, User: e.User, Address: e.Addr, By: e.By, Note: e.Note, Omitted: e.Omitted, Node: name,
		}
	}
	return entries, nil
}

// entriesAt returns what another node recorded, and one more than is wanted, if there is one. One without an
// audit log has recorded nothing.
func (s *Service) entriesAt(ctx context.Context, n cluster.Node, q AuditQuery) (all []AuditEntry, err error) {
	c, wanted := s.at(n.ID), q.Limit+1
	for {
		q.Limit = min(wanted-len(all), nodePage)
		l, err := c.AuditEntries(ctx, q)
		var p *Problem
		switch {
		case errors.As(err, &p) && p.Code == CodeNoAudit:
			return all, nil
		case err != nil:
			return all, err
		}
		all = append(all, l.Items...)
		if l.Next == "" || len(all) >= wanted {
			return all, nil
		}
		q.After = l.Next
	}
}

func (s *Service) auditRoutes() []route {
	return []route{{
		method: "GET", path: pathAudit, scope: AuditRead, summary: "Read the audit log",
		notes: "What was recorded at all nodes, the newest first. A node that does not answer is left out, and named in unheard. What happened at the very same moment stays " +
			"together, so an answer may be longer than limit. Where there is no audit log it is refused with no_audit.",
		query: append([]parameter{
			{"user", "string", "Only what concerns this account.", "alice@example.com"},
			{"event", "string", "Only this event, as entries have it.", "sign-in refused"},
			{"since", "string", "Only what happened from this time on, by RFC 3339.", "2026-03-01T12:00:00Z"},
		}, pages...),
		answer: Roundup[AuditEntry]{}, refuses: []int{409}, handle: s.readAudit,
	}}
}

func (s *Service) readAudit(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	v := r.URL.Query()
	q := AuditQuery{User: v.Get("user"), Event: v.Get("event"), After: v.Get("after"), Limit: limit}
	if text := v.Get("since"); text != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, wrong("since", "since is %q; write a time like 2026-03-01T12:00:00Z", text)
		}
	}
	return s.AuditEntries(r.Context(), q)
}

// AuditEntries is [Service.AuditEntries].
func (c *Client) AuditEntries(ctx context.Context, q AuditQuery) (Roundup[AuditEntry], error) {
	v := url.Values{}
	for name, value := range map[string]string{"user": q.User, "event": q.Event, "after": q.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return ask[Roundup[AuditEntry]](ctx, c, http.MethodGet, pathAudit+"?"+v.Encode(), nil)
}
