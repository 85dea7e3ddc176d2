package admin

import (
	"context"
	"strings"

	"monarch/internal/cluster"
)

// SessionSearch says which sessions are looked for. Empty fields leave all in.
type SessionSearch struct {
	Text  string // a part of the address, the name, the client or where it comes from
	Node  string // where they are
	After string // Next of the list before
	Limit int    // 0, or too many: as many as an answer has at most
}

// FindSessions returns sessions, node by node and there by the age of the accounts, from where the list
// before ended: whatever their number, no node looks at more than it has to. A node that does not answer
// is left out.
func (s *Service) FindSessions(ctx context.Context, q SessionSearch) (Roundup[Session], error) {
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = maxPage
	}
	return s.someSessions(ctx, q)
}

// isAt reports whether a search is about a node.
func (q SessionSearch) isAt(n cluster.Node) bool { return q.Node == "" || n.Name == q.Node }

// fits reports whether a session has a text in what people see of it.
func (each Session) fits(text string) bool {
	if text == "" {
		return true
	}
	text = strings.ToLower(text)
	for _, part := range []string{each.Email, each.Nick, each.Client, each.Address} {
		if strings.Contains(strings.ToLower(part), text) {
			return true
		}
	}
	return false
}
