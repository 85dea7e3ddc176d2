package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"monarch/internal/cluster"
	"monarch/internal/im"
)

const pathSessions = Root + "/sessions"

func (s *Service) sessionRoutes() []route {
	return []route{
		{
			method: "GET", path: pathSessions, scope: SessionsRead, summary: "List who is signed in",
			notes: "At all nodes, one node after the other. A node that does not answer is left out, and named in unheard.", query: pages, answer: Roundup[Session]{}, handle: s.listSessions,
		},
		{
			method: "GET", path: pathSessions + "/{email}", scope: SessionsRead, summary: "Show a session",
			notes: "That of an account.", answer: Session{}, refuses: []int{404}, handle: s.showSession,
		},
		{
			method: "DELETE", path: pathSessions + "/{email}", scope: SessionsWrite, summary: "End a session",
			notes: "Whose it is may sign in again. Of somebody who has a role it needs the scope roles:write, too. " +
				"A node that cannot be told is answered with 502 and node_silent.",
			refuses: []int{404, 502}, handle: s.kick,
		},
	}
}

func (s *Service) listSessions(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	return s.SomeSessions(r.Context(), r.URL.Query().Get("after"), limit)
}

// SomeSessions returns up to limit of those who are signed in, node by node, from where the list before
// ended. A node that does not answer is left out.
func (s *Service) SomeSessions(ctx context.Context, from string, limit int) (Roundup[Session], error) {
	return s.someSessions(ctx, SessionSearch{After: from, Limit: limit})
}

func (s *Service) someSessions(ctx context.Context, search SessionSearch) (Roundup[Session], error) {
	l := Roundup[Session]{List: List[Session]{Items: []Session{}}}
	from, limit := search.After, search.Limit
	name, id, _ := strings.Cut(from, " ")
	n, err := strconv.ParseInt(cmp.Or(id, "0"), 10, 64)
	q := after{User: im.UserID(n)}
	if err != nil || q.User != 0 && !q.User.Possible() {
		return l, wrong("after", "after is %q; give next of the answer before", from)
	}
	places := s.places(ctx)
	places = slices.DeleteFunc(places, func(p cluster.Node) bool { return p.Name < name || !search.isAt(p) })
	for i, place := range places {
		if place.Name != name {
			q.User = 0
		}
		some, last, err := s.sessionsFrom(ctx, place, after{q.User, limit - len(l.Items), search.Text})
		l.Items = append(l.Items, some...)
		if err != nil {
			l.Unheard = slices.Compact(append(l.Unheard, place.Name)) // places are in the order of names
		}
		if err != nil && !errors.Is(err, errUnheard) {
			s.Log.WarnContext(ctx, sessionsMissing, "node", place.Name, "err", err)
		}
		switch {
		case last != 0:
			l.Next = fmt.Sprintf("%s %d", place.Name, last)
			return l, nil
		case len(l.Items) >= limit && i+1 < len(places):
			l.Next = places[i+1].Name + " 0"
			return l, nil
		}
	}
	return l, nil
}

// sessionsFrom returns as many of the sessions of a node as are wanted, and whose the last of them is; 0: there
// are no more, or the node does not answer.
func (s *Service) sessionsFrom(ctx context.Context, n cluster.Node, q after) (all []Session, last im.UserID, err error) {
	for wanted := q.Limit; ; {
		q.Limit = wanted - len(all)
		some, last, err := s.sessionsIn(ctx, n, q)
		all = append(all, some...)
		switch {
		case err != nil || last <= q.User:
			return all, 0, err
		case len(all) >= wanted:
			return all, last, nil
		}
		q.User = last
	}
}

// places are the nodes that may have sessions, in the order of their names.
func (s *Service) places(ctx context.Context) []cluster.Node {
	if s.isAlone(ctx) {
		return []cluster.Node{{State: cluster.Here}}
	}
	all := s.members()
	slices.SortFunc(all, func(a, b cluster.Node) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// sessionsIn returns some of the sessions of a node, and whose the last of them is; 0: there are no more.
func (s *Service) sessionsIn(ctx context.Context, n cluster.Node, q after) (some []Session, last im.UserID, err error) {
	switch n.State {
	case cluster.Here:
	case cluster.Alive:
		return s.pageAt(ctx, n, q)
	default:
		return nil, 0, errUnheard
	}
	for l := range s.Hub.LoginsAfter(q.User) {
		each := s.session(l)
		if !each.fits(q.Text) {
			continue
		}
		if len(some) == q.Limit {
			return some, last, nil
		}
		some, last = append(some, each), l.Person.ID
	}
	return some, 0, nil
}

func (s *Service) showSession(r *http.Request) (any, error) {
	u, err := s.user(r.Context(), r.PathValue("email"))
	if err != nil {
		return nil, err
	}
	session := s.sessionOf(r.Context(), u)
	if session == nil {
		return nil, notSignedIn(u)
	}
	return session, nil
}

func (s *Service) kick(r *http.Request) (any, error) {
	return nil, s.Kick(r.Context(), r.PathValue("email"))
}

// Sessions is [Service.Sessions].
func (c *Client) Sessions(ctx context.Context) (Roundup[Session], error) {
	all, err := roundup[Session](ctx, c, pathSessions)
	slices.SortStableFunc(all.Items, func(a, b Session) int { return cmp.Compare(a.Email, b.Email) })
	return all, err
}

// Kick is [Service.Kick].
func (c *Client) Kick(ctx context.Context, email string) error {
	return c.call(ctx, http.MethodDelete, pathSessions+"/"+url.PathEscape(email), nil, nil)
}
