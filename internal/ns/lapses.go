package ns

import (
	"context"
	"errors"
	"sync"

	"monarch/msnp"
)

// lapses is what is done when events from another node may have been lost: the sessions here read
// their lists again, one after another, for who may see whom may be different. Of other
// changes their clients hear when they next ask for their lists.
type lapses struct {
	server *Server // immutable

	mu      sync.Mutex // leaf
	pending bool       // there was one since the last began
	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  bool
}

// begin starts that, if it is not under way; then once more after it.
func (l *lapses) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = !l.closed
	if l.closed || l.cancel != nil {
		return
	}
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Go(func() { l.run(ctx) })
}

func (l *lapses) run(ctx context.Context) {
	for l.again() {
		for _, each := range l.server.Hub.Sessions() {
			s, ok := each.(*session)
			if !ok {
				continue
			}
			if err := s.refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
				l.server.Log.Warn("reading lists again", "user", s.handle(), "err", err)
			}
		}
	}
}

// again reports whether there was a lapse since it was last asked.
func (l *lapses) again() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.pending && !l.closed
	if l.pending = false; !again {
		l.cancel()
		l.cancel = nil
	}
	return again
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
	end, err := s.srv.changes.begin(ctx, s.entry.User())
	if err != nil {
		return err
	}
	defer end()
	if linked, _ := s.knows(); !linked {
		return nil
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || s.ended {
		return nil
	}
	var out []byte
	for _, id := range s.links.Contacts(nil) {
		switch l, in := s.srv.Hub.ByID(id); {
		case !s.links.Shown(id):
			out = s.appendSeen(out, id, "")
		case in && !s.links.Admits(id):
			out = msnp.AppendLine(out, msnp.FLN, l.Person.Handle)
			s.links.Show(id, false)
		}
	}
	s.conn.Send(out)
	return nil
}
