package ns

import (
	"context"
	"errors"
	"sync"

	"monarch/internal/hub"
	"monarch/internal/im"
)

// lapses is what is done when events from other nodes may have been lost: sessions here read their
// lists again, one after another, for who may see whom may be different, and so may be whether the
// account lets them in. Of other changes their clients hear when they next ask for their lists.
type lapses struct {
	server *Server // immutable

	mu      sync.Mutex // leaf
	pending []lapse
	cancel  context.CancelFunc // nil: nothing is under way
	running sync.WaitGroup
	closed  bool
}

// lapse is of some sessions.
type lapse struct {
	sessions []hub.Session
	refresh  func(*session, context.Context) error
}

// begin has the sessions of a lapse look again, after those of earlier ones.
func (l *lapses) begin(of hub.Lapse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, lapse{of.Presence, (*session).refreshAll}, lapse{of.Changes, (*session).refresh})
	if l.closed || l.cancel != nil {
		return
	}
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Go(func() { l.run(ctx) })
}

func (l *lapses) run(ctx context.Context) {
	for next, ok := l.next(); ok; next, ok = l.next() {
		for _, each := range next.sessions {
			s, ok := each.(*session)
			if !ok || ctx.Err() != nil {
				continue
			}
			if err := next.refresh(s, ctx); err != nil && !errors.Is(err, context.Canceled) {
				l.server.Log.Warn("reading lists again", "user", s.handle(), "err", err)
			}
		}
	}
}

// next returns what is to be done next, if there is anything.
func (l *lapses) next() (lapse, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.pending) == 0 {
		l.pending = nil
		l.cancel()
		l.cancel = nil
		return lapse{}, false
	}
	next := l.pending[0]
	l.pending = l.pending[1:]
	return next, true
}

func (l *lapses) close() {
	l.mu.Lock()
	l.closed = true
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// refresh reads the user's lists again, and tells his client who has come into sight by them
// or gone out of it.
func (s *session) refresh(ctx context.Context) error {
	return s.lookAgain(ctx, func(l hub.Login, in bool) bool {
		return in && s.links.Shown(l.Person.ID) != s.links.Admits(l.Person.ID)
	})
}

// refreshAll does so, and tells how all contacts are, of whom the client may have been told
// something that no longer was so.
func (s *session) refreshAll(ctx context.Context) error {
	return s.lookAgain(ctx, func(hub.Login, bool) bool { return true })
}

// lookAgain reads the user's lists again and tells his client of contacts, as the directory knows them,
// whom it is to be told of again. again is called with s.mu held.
func (s *session) lookAgain(ctx context.Context, again func(l hub.Login, in bool) bool) error {
	end, err := s.srv.changes.begin(ctx, s.entry.User())
	if err != nil {
		return err
	}
	defer end()
	if linked, _ := s.knows(); !linked {
		_, err := s.stillIn(s.srv.Store.UserByID(ctx, s.entry.User()))
		return err
	}
	r, err := s.read(ctx)
	if in, err := s.stillIn(r.User, err); !in {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopt(r)
	if !s.online || s.ended {
		return nil
	}
	var out []byte
	for _, c := range r.Contacts {
		if !s.links.On(c.ID, im.Forward) {
			continue
		}
		if l, in := s.srv.Hub.ByID(c.ID); again(l, in) {
			out = s.appendNow(out, im.Person{ID: c.ID, Handle: c.Handle}, l)
		}
	}
	s.conn.Send(out)
	return nil
}

// stillIn reports whether an account, as it was read, still lets the session be. One that it does not
// is ended: whoever locked the account, or gave it another password, could not tell this node.
func (s *session) stillIn(user im.User, err error) (bool, error) {
	if errors.Is(err, im.ErrNoUser) || err == nil && (user.Locked(s.srv.Clock.Now()) || user.Credential != s.credential) {
		s.kicked(hub.Kicked{Why: hub.AccountChanged})
		return false, nil
	}
	return err == nil, err
}
