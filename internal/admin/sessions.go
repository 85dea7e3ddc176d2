package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"monarch/internal/audit"
	"monarch/internal/cluster"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// maxMinutes is the furthest a shutdown can be announced: a day.
const maxMinutes = 24 * 60

// Sessions returns who is signed in, at all nodes, in the order of addresses. Of a node that does
// not answer there is what this one knows.
func (s *Service) Sessions(ctx context.Context) ([]Session, error) {
	sessions := s.some("", 0)
	if s.isAlone(ctx) {
		return sessions, nil
	}
	var mu sync.Mutex
	err := s.spread(ctx, func(node string, c *Client) error {
		theirs, err := c.sessionsOf(ctx)
		for i := range theirs {
			theirs[i].Node = node
		}
		mu.Lock()
		defer mu.Unlock()
		sessions = append(sessions, theirs...)
		return err
	})
	if err != nil {
		s.Log.WarnContext(ctx, "the list of sessions is not complete", "err", err)
	}
	sortSessions(sessions)
	return sessions, nil
}

func sortSessions(sessions []Session) {
	slices.SortFunc(sessions, func(a, b Session) int { return cmp.Compare(a.Email, b.Email) })
}

// page is how many sessions travel between nodes at a time: some 300 bytes each.
const page = 500

// some returns sessions of this node that come after an address, no more than limit unless that is 0.
func (s *Service) some(after string, limit int) []Session {
	sessions := []Session{}
	for _, l := range s.Hub.Logins() {
		if l.Person.Handle > after {
			sessions = append(sessions, s.session(l))
		}
	}
	sortSessions(sessions)
	if limit > 0 && limit < len(sessions) {
		return sessions[:limit]
	}
	return sessions
}

// sessionsOf returns those of another node.
func (c *Client) sessionsOf(ctx context.Context) (all []Session, err error) {
	for after := ""; ; {
		var some []Session
		q := url.Values{"after": {after}, "limit": {strconv.Itoa(page)}}
		if err := c.call(ctx, http.MethodGet, pathSessions+"?"+q.Encode(), nil, &some); err != nil {
			return all, err
		}
		if all = append(all, some...); len(some) < page {
			return all, nil
		}
		after = some[len(some)-1].Email
	}
}

// sessionOf returns the session of an account, or nil. Of one at another node that does not answer
// there is what is known here.
func (s *Service) sessionOf(ctx context.Context, u im.User) *Session {
	l, in := s.Hub.ByID(u.ID)
	if !in {
		return nil
	}
	known := s.session(l)
	if l.Node == "" || s.isAlone(ctx) {
		return &known
	}
	var told Session
	err := s.at(cluster.NodeID(l.Node)).call(ctx, http.MethodGet, pathSessions+"/"+url.PathEscape(u.Handle), nil, &told)
	if err != nil {
		s.Log.WarnContext(ctx, "the node of a session does not tell of it", "user", u.Handle, "node", l.Node, "err", err)
		return &known
	}
	told.Node = known.Node
	return &told
}

// Place returns the session of an account as [Service.Sessions] does, and false when there is none.
func (s *Service) Place(ctx context.Context, u im.User) (Session, bool) {
	if found := s.sessionOf(ctx, u); found != nil {
		return *found, true
	}
	return Session{}, false
}

// Kick ends the session of an account, whose owner may sign in again.
func (s *Service) Kick(ctx context.Context, email string) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	if s.Users.EndSession(ctx, u) {
		return nil
	}
	if l, in := s.Hub.ByID(u.ID); in && l.Node != "" {
		return problem(http.StatusBadGateway, CodeNodeSilent,
			"%s is signed in at %s, which cannot be told: do it again when it is heard; `monarch nodes` shows that", u.Handle, cluster.NodeID(l.Node).Name())
	}
	return notSignedIn(u)
}

// notSignedIn refuses what needs a session.
func notSignedIn(u im.User) error {
	return problem(http.StatusNotFound, CodeNoSession,
		"%s is not signed in; `monarch session list` shows who is", u.Handle)
}

// Notify tells everybody that the service stops in so many minutes, and returns how many
// sessions there are to tell, at all nodes. When the time has come all nodes stop, and those that start before.
func (s *Service) Notify(ctx context.Context, minutes int) (told int, err error) {
	if minutes < 1 || minutes > maxMinutes {
		return 0, problem(http.StatusBadRequest, CodeBadRequest,
			"a shutdown can be announced 1 to %d minutes ahead", maxMinutes)
	}
	told = s.Hub.CountAll()
	s.Hub.Announce(minutes)
	s.Log.InfoContext(ctx, "shutdown announced", "minutes", minutes, "sessions", told)
	s.Audit.Record(ctx, audit.Event{What: audit.ShutdownAnnounced, Note: fmt.Sprintf("in %d minutes", minutes)})
	return told, nil
}

// Backup writes a consistent copy of the database to a new file; path is absolute.
func (s *Service) Backup(ctx context.Context, path string) error {
	if !filepath.IsAbs(path) {
		return problem(http.StatusBadRequest, CodeBadRequest, "the path %q is not absolute; name the file from the root", path)
	}
	switch err := s.Store.Backup(ctx, path); {
	case errors.Is(err, fs.ErrExist):
		return problem(http.StatusConflict, CodeFileExists, "%s exists already; choose another name or remove it", path)
	case errors.Is(err, fs.ErrNotExist):
		return problem(http.StatusBadRequest, CodeBadRequest, "there is no directory %s; make it first", filepath.Dir(path))
	case err != nil:
		return err
	}
	s.Log.InfoContext(ctx, "backup written", "path", path)
	s.Audit.Record(ctx, audit.Event{What: audit.BackupWritten, Note: path})
	return nil
}

// isIn reports whether somebody is signed in, at any node.
func (s *Service) isIn(id im.UserID) bool {
	_, in := s.Hub.ByID(id)
	return in
}

func (s *Service) session(l hub.Login) Session {
	shown := Session{
		Email: l.Person.Handle, Nick: l.Person.Name,
		Status: string(l.Presence.Status), Version: l.Version.String(),
		Client: l.Client, Node: cluster.NodeID(l.Node).Name(),
	}
	if l.Node == "" { // else that is known there
		shown.Address, shown.Since = l.Addr.String(), l.Since.UTC()
		if s.nodes != nil {
			shown.Node = s.nodes.Self().Name()
		}
	}
	return shown
}
