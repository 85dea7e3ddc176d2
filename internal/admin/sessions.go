package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"

	"monarch/internal/audit"
	"monarch/internal/cluster"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// maxMinutes is the furthest a shutdown can be announced: a day.
const maxMinutes = 24 * 60

// Sessions returns who is signed in, at all nodes, in the order of addresses, and all at once. A node that does
// not answer is left out.
func (s *Service) Sessions(ctx context.Context) (Roundup[Session], error) {
	all := Roundup[Session]{List: List[Session]{Items: []Session{}}}
	for l := range s.Hub.LoginsAfter(0) {
		all.Items = append(all.Items, s.session(l))
	}
	if !s.isAlone(ctx) {
		var mu sync.Mutex
		var why error
		all.Unheard, why = s.gather(func(n cluster.Node) error {
			theirs, err := s.sessionsAt(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			all.Items = append(all.Items, theirs...)
			return err
		})
		if why != nil {
			s.Log.WarnContext(ctx, sessionsMissing, "err", why)
		}
	}
	slices.SortFunc(all.Items, func(a, b Session) int { return cmp.Compare(a.Email, b.Email) })
	return all, nil
}

// sessionsMissing is what the log says where a node does not answer.
const sessionsMissing = "the list of sessions is not complete"

// Nodes tell each other of their sessions in pages, in the order of the people's ids.
type (
	// after asks for the page behind somebody.
	after struct {
		User  im.UserID `json:"user"`
		Limit int       `json:"limit,omitempty"` // how many there may be; 0: as many as fit
		Text  string    `json:"text,omitempty"`  // only those that have it, see fits
	}
	// page is some sessions.
	page struct {
		Sessions []json.RawMessage `json:"sessions"` // each a Session
		Last     im.UserID         `json:"last"`     // whose the last of them is; 0: there are no more
	}
)

// pageBytes is how long a page is, with the last of its sessions less than twice that.
const pageBytes = cluster.MaxMessage / 2

// sessionsAt returns those of another node.
func (s *Service) sessionsAt(ctx context.Context, n cluster.Node) (all []Session, err error) {
	for q := (after{}); ; {
		some, last, err := s.pageAt(ctx, n, q)
		all = append(all, some...)
		if err != nil || last <= q.User {
			return all, err
		}
		q.User = last
	}
}

// pageAt returns some of those of another node, and whose the last of them is; 0: there are no more.
func (s *Service) pageAt(ctx context.Context, n cluster.Node, q after) (some []Session, last im.UserID, err error) {
	var p page
	if err := s.nodes.Ask(ctx, n.ID, topicSessions, q, &p); err != nil {
		return nil, 0, err
	}
	for _, b := range p.Sessions {
		one := Session{}
		if err := json.Unmarshal(b, &one); err != nil {
			return some, 0, err
		}
		one.Node = n.Name
		if one.fits(q.Text) { // a node of an earlier release tells of others, too
			some = append(some, one)
		}
	}
	return some, p.Last, nil
}

// page answers that.
func (s *Service) page(_ context.Context, body []byte) ([]byte, error) {
	var q after
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	if q.User != 0 && !q.User.Possible() {
		return nil, fmt.Errorf("%d is nobody's id", q.User)
	}
	var p page
	length := 0
	for l := range s.Hub.LoginsAfter(q.User) {
		each := s.session(l)
		if !each.fits(q.Text) {
			continue
		}
		b, err := json.Marshal(each)
		if err != nil {
			return nil, err
		}
		p.Sessions = append(p.Sessions, b)
		if length += len(b) + len(","); length > pageBytes || len(p.Sessions) == q.Limit {
			p.Last = l.Person.ID
			break
		}
	}
	return json.Marshal(p)
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
	u, err := s.changeable(ctx, email)
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
			"a shutdown can be announced 1 to %d minutes ahead", maxMinutes).about("shutdown_in_minutes")
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
		return problem(http.StatusBadRequest, CodeBadRequest, "the path %q is not absolute; name the file from the root", path).about("path")
	}
	switch err := s.Store.Backup(ctx, path); {
	case errors.Is(err, fs.ErrExist):
		return problem(http.StatusConflict, CodeFileExists, "%s exists already; choose another name or remove it", path)
	case errors.Is(err, fs.ErrNotExist):
		return problem(http.StatusBadRequest, CodeBadRequest, "there is no directory %s; make it first", filepath.Dir(path)).about("path")
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
		Status: string(cmp.Or(l.Presence.Status, msnp.Offline)), Version: l.Version.String(),
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
