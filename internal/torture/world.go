package torture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"monarch/internal/admin"
	"monarch/internal/store"
	"monarch/msnclient"
)

// world is a server's data directory with people in it.
type world struct {
	*run
	people   []*person
	operator *operator
	// tolerated says which refusals are not the server's fault.
	tolerated func(error) bool
}

// signInsAtATime is how many people sign in together; more would only wait for passwords.
const signInsAtATime = 8

// newWorld starts a server on an empty directory and makes the accounts.
func (r *run) newWorld(ctx context.Context, s *server, people int) (*world, error) {
	w := &world{run: r, operator: newOperator(r), tolerated: func(error) bool { return false }}
	c, err := admin.Dial(ctx, s.dir)
	if err != nil {
		return nil, fmt.Errorf("make accounts: %w", err)
	}
	defer c.Close()
	for n := range people {
		var others []string
		for m := range people {
			if m != n {
				others = append(others, handleOf(m))
			}
		}
		p := r.newPerson(n, others)
		if _, err := c.AddAccount(ctx, admin.NewAccount{Email: p.handle, Password: p.secret.now, Nick: p.told.name}); err != nil {
			return nil, fmt.Errorf("make accounts: %w", err)
		}
		w.people = append(w.people, p)
	}
	return w, nil
}

// copies says whether clients may offer the copies of lists that they have kept.
type copies bool

const (
	mayKeep copies = true
	allNew  copies = false
)

// gather signs everybody in. It reports whether all are there; if not, the server is not
// either.
func (w *world) gather(ctx context.Context, s *server, c copies) bool {
	turn := make(chan struct{}, signInsAtATime)
	var all sync.WaitGroup
	for _, p := range w.people {
		cached := c == mayKeep && w.random.IntN(2) == 0
		probe := w.random.IntN(8) == 0
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			was := p.kept
			if err := p.signIn(ctx, s, cached); err != nil {
				if s.Running() && ctx.Err() == nil {
					w.fault("%s cannot sign in: %v", p.handle, err)
				}
				return
			}
			if probe {
				w.probe(ctx, s, p)
			}
			if !cached || was == nil {
				p.kept = nil // he has got all of it
			}
		})
	}
	all.Wait()
	for _, p := range w.people {
		if p.client == nil {
			return false
		}
	}
	w.compareAll()
	return true
}

// probe looks whether a password of before has ended.
func (w *world) probe(ctx context.Context, s *server, p *person) {
	p.secret.mu.Lock()
	old := p.secret.old
	p.secret.mu.Unlock()
	if old == "" {
		return
	}
	c, err := p.dial(ctx, s, old, nil)
	switch {
	case err == nil:
		c.Close()
		w.fault("%s can sign in with a password of before", p.handle)
	case errors.Is(err, msnclient.ErrPassword):
		w.count(oldRefused, 1)
	}
}

// compareAll compares everybody's lists with what the others have done, while nobody does
// anything.
func (w *world) compareAll() {
	books := make(map[string]*book)
	for _, p := range w.people {
		books[p.handle] = p.told
	}
	for _, p := range w.people {
		r := p.client.Roster()
		kept := p.kept != nil && p.kept.Version == r.Version
		if kept {
			w.count(keptCopies, 1)
		}
		for _, found := range othersView(p.handle, r, kept, books) {
			w.fault("%s (lists kept by his client: %v): %s", p.handle, kept, found)
		}
	}
}

// bustle lets everybody change things until done is closed or the server has gone.
func (w *world) bustle(ctx context.Context, s *server) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.Ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	var all sync.WaitGroup
	for _, p := range w.people {
		all.Go(func() { w.liveOn(ctx, s, p) })
	}
	all.Go(func() { w.operator.work(ctx, s, w) })
	all.Wait()
}

// liveOn has a person change things, and signs him in again when his password was changed.
func (w *world) liveOn(ctx context.Context, s *server, p *person) {
	defer p.leave()
	for ctx.Err() == nil {
		p.live(ctx, w.tolerated)
		p.leave()
		for p.client == nil && ctx.Err() == nil {
			err := p.signIn(ctx, s, false)
			if err == nil {
				break
			}
			if ctx.Err() != nil || !s.Running() {
				return
			}
			if !errors.Is(err, msnclient.ErrPassword) && !errors.Is(err, msnclient.ErrNotConnected) && !w.tolerated(err) {
				// The operator may have changed the password in the middle of it.
				w.count("sign-ins that failed on the way", 1)
			}
			wait(ctx, 10*time.Millisecond)
		}
	}
}

// examine looks into the database, while the server runs or not.
func (r *run) examine(ctx context.Context) { r.examineAt(ctx, r.database()) }

// examineAt looks into any.
func (r *run) examineAt(ctx context.Context, url string) {
	h, err := store.Check(ctx, url)
	if err == nil {
		var more []string
		more, err = store.CheckLists(ctx, url)
		h.Faults = append(h.Faults, more...)
	}
	if err != nil && ctx.Err() == nil {
		r.fault("examine the database: %v", err)
	}
	for _, f := range h.Faults {
		r.fault("database: %s", f)
	}
	r.count(examined, 1)
}

// More that is counted.
const (
	keptCopies = "lists that a client had kept and that were right"
	oldRefused = "passwords of before that were refused"
	examined   = "examinations of the database"
)
