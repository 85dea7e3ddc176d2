package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"

	"monarch/internal/audit"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// maxMinutes is the furthest a shutdown can be announced: a day.
const maxMinutes = 24 * 60

// Sessions returns who is signed in, in the order of addresses.
func (s *Service) Sessions(context.Context) ([]Session, error) {
	logins := s.Hub.Logins()
	sessions := make([]Session, len(logins))
	for i, l := range logins {
		sessions[i] = session(l)
	}
	slices.SortFunc(sessions, func(a, b Session) int { return cmp.Compare(a.Email, b.Email) })
	return sessions, nil
}

// Kick ends the session of an account, whose owner may sign in again.
func (s *Service) Kick(ctx context.Context, email string) error {
	u, err := s.user(ctx, email)
	if err != nil {
		return err
	}
	if !s.Users.EndSession(ctx, u) {
		return notSignedIn(u)
	}
	return nil
}

// notSignedIn refuses what needs a session.
func notSignedIn(u im.User) error {
	return problem(http.StatusNotFound, CodeNoSession,
		"%s is not signed in; `monarch session list` shows who is", u.Handle)
}

// Notify tells everybody that the service stops in so many minutes, and returns how many
// sessions there were to tell. When the time has come the server stops.
func (s *Service) Notify(ctx context.Context, minutes int) (told int, err error) {
	if minutes < 1 || minutes > maxMinutes {
		return 0, problem(http.StatusBadRequest, CodeBadRequest,
			"a shutdown can be announced 1 to %d minutes ahead", maxMinutes)
	}
	told = len(s.Hub.Logins())
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

// logins returns who is signed in by account.
func (s *Service) logins() map[im.UserID]hub.Login {
	logins := make(map[im.UserID]hub.Login)
	for _, l := range s.Hub.Logins() {
		logins[l.Person.ID] = l
	}
	return logins
}

func session(l hub.Login) Session {
	return Session{
		Email: l.Person.Handle, Nick: l.Person.Name,
		Status: string(l.Presence.Status), Version: l.Version.String(),
		Client: l.Client, Address: l.Addr.String(), Since: l.Since.UTC(),
	}
}
