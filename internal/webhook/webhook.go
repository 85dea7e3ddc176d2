// Package webhook tells other programs what happens to accounts, who misbehaves, and whom operators
// shut out: events of the audit log go into an outbox in the database and from there, in their order
// and signed, to each webhook that wants them, until it has taken them. Which webhooks there are is
// said by admin; what is an event, by audit.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/store"
)

const (
	mostHeard   = 4096            // events on their way to the outbox
	leaseTime   = 2 * time.Minute // for which a node alone tells a webhook
	lookEvery   = 30 * time.Second
	batch       = 100            // deliveries that are loaded at a time
	lifetime    = 72 * time.Hour // then a delivery is given up
	mostRefused = 5              // attempts for one delivery that is refused for what it says
)

// pauses go by after so many failures in a row; then it is the last one each time.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
}

// Config is what a [Sender] is made of.
type Config struct {
	Store   *store.Store
	Clock   *clock.Clock
	Log     *slog.Logger
	Service string // its name
	Node    string // names this one; "" where there is only one
	Tell    func() // tells other nodes that webhooks have changed, or wait for something; nil: there are none
}

// Sender tells webhooks. It must be made by [New].
type Sender struct {
	Counts Counts

	cfg   Config
	post  *poster
	heard chan audit.Heard
	wake  chan struct{} // buffered
	timer clock.Timer

	hooks atomic.Pointer[[]store.Webhook] // as last read; nil: not yet

	// Touched only by whoever runs the sender.
	unkept  []store.Delivery // that the database could not be given yet
	made    int64            // of the last event, Unix microseconds; they differ
	waiting bool             // for the database

	mu      sync.Mutex // leaf
	busy    map[string]bool
	changes int // of the webhooks, as far as it is known here
	work    sync.WaitGroup
}

// Counts is what has happened since the start.
type Counts struct {
	Delivered atomic.Uint64 // events that a webhook has taken
	Failed    atomic.Uint64 // attempts
	Lost      atomic.Uint64 // events that were given up, or never reached the outbox
}

// New returns a sender, which does nothing before [Sender.Run].
func New(cfg Config) *Sender {
	if cfg.Tell == nil {
		cfg.Tell = func() {}
	}
	return &Sender{
		cfg: cfg, post: newPoster(), busy: make(map[string]bool),
		heard: make(chan audit.Heard, mostHeard), wake: make(chan struct{}, 1),
	}
}

// Hear takes an event of the audit log. It does not wait; an event for which there is no room is
// lost, and counted.
func (s *Sender) Hear(_ context.Context, e audit.Heard) {
	if hooks := s.hooks.Load(); types[e.What] == "" || hooks != nil && len(*hooks) == 0 {
		return
	}
	select {
	case s.heard <- e:
		s.Wake()
	default:
		s.lose("too many events wait for the database")
	}
}

// Wake has the sender look at what there is. It does not wait.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it will
	}
}

// Changed says that webhooks were added or removed, here.
func (s *Sender) Changed() {
	s.Refresh()
	s.cfg.Tell()
}

// Refresh says that they were at another node.
func (s *Sender) Refresh() {
	s.mu.Lock()
	s.changes++
	s.hooks.Store(nil)
	s.mu.Unlock()
	s.Wake()
}

// Run tells webhooks until ctx ends; then what was heard is put into the outbox, for the next time.
func (s *Sender) Run(ctx context.Context) {
	for {
		s.cfg.Clock.Set(&s.timer, s.look(ctx), s.Wake)
		select {
		case <-s.wake:
		case <-ctx.Done():
			s.cfg.Clock.Stop(&s.timer)
			s.work.Wait()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.Keep(last)
			return
		}
	}
}

// look puts what was heard into the outbox and begins to tell webhooks that are due. It returns
// when to look again.
func (s *Sender) look(ctx context.Context) time.Duration {
	next := lookEvery
	s.Keep(ctx)
	hooks, err := s.read(ctx)
	if s.trouble(ctx, err); err != nil {
		return next
	}
	now := s.cfg.Clock.Now()
	for _, w := range hooks {
		if w.Waiting == 0 {
			continue
		}
		if wait := time.Unix(w.Retry, 0).Sub(now); wait > 0 {
			next = min(next, wait)
		} else if s.begin(w.ID) {
			s.work.Go(func() { s.end(w.ID, s.drain(ctx, w)) })
		}
	}
	return next
}

// begin reports whether a webhook is not being told already, and notes that it is.
func (s *Sender) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] {
		return false
	}
	s.busy[id] = true
	return true
}

// end notes that a webhook is not being told any more. Something may have come while it was.
func (s *Sender) end(id string, again bool) {
	s.mu.Lock()
	delete(s.busy, id)
	s.mu.Unlock()
	if again {
		s.Wake()
	}
}

// Keep puts what was heard into the outbox. It is for commands, which never run the sender.
func (s *Sender) Keep(ctx context.Context) {
	kept := false
	for len(s.unkept)+len(s.heard) > 0 {
		hooks, err := s.known(ctx)
		for err == nil && len(s.unkept) < batch && len(s.heard) > 0 {
			s.unkept = append(s.unkept, s.deliveries(<-s.heard, hooks)...)
		}
		if err == nil && len(s.unkept) > 0 {
			err = s.cfg.Store.AddDeliveries(ctx, s.unkept)
			kept = kept || err == nil
		}
		if s.trouble(ctx, err); err != nil {
			break
		}
		s.unkept = nil
	}
	if kept {
		s.cfg.Tell()
	}
}

// known returns the webhooks as they were last read, or are now.
func (s *Sender) known(ctx context.Context) ([]store.Webhook, error) {
	if hooks := s.hooks.Load(); hooks != nil {
		return *hooks, nil
	}
	return s.read(ctx)
}

// read reads the webhooks. Those that have changed meanwhile are read again by whoever wants them next.
func (s *Sender) read(ctx context.Context) ([]store.Webhook, error) {
	s.mu.Lock()
	before := s.changes
	s.mu.Unlock()
	hooks, err := s.cfg.Store.Webhooks(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.changes == before {
		s.hooks.Store(&hooks)
	}
	return hooks, err
}

// deliveries makes those of an event, one for each webhook that wants it, after those of all before.
func (s *Sender) deliveries(e audit.Heard, hooks []store.Webhook) []store.Delivery {
	t := types[e.What]
	s.made = max(s.made+1, e.Time.UnixMicro())
	var text string
	var all []store.Delivery
	for _, w := range hooks {
		if !matches(w.Events, t) {
			continue
		}
		if text == "" {
			text = body(t, e.Time, data{s.cfg.Service, s.cfg.Node, e.User, e.Network, address(e.Addr), e.By, e.Note})
		}
		all = append(all, store.Delivery{ID: "msg_" + rand.Text(), Webhook: w.ID, Made: s.made, Body: text})
	}
	return all
}

// address writes a client's address without the port, which says nothing to others.
func address(a netip.AddrPort) string {
	if !a.Addr().IsValid() {
		return ""
	}
	return a.Addr().Unmap().String()
}

// drain tells a webhook what waits for it, until nothing does or an attempt fails. It reports
// whether that is so, and not another node's business or the database's fault.
func (s *Sender) drain(ctx context.Context, w store.Webhook) bool {
	for {
		now := s.cfg.Clock.Now()
		ours, err := s.cfg.Store.LeaseWebhook(ctx, w.ID, s.cfg.Node, now, now.Add(leaseTime))
		if err != nil || !ours {
			return false
		}
		next, err := s.cfg.Store.Deliveries(ctx, w.ID, batch)
		if err != nil || len(next) == 0 {
			return err == nil
		}
		for _, d := range next {
			if s.cfg.Clock.Now().Sub(now) > leaseTime/2 {
				break // for another lease
			}
			if taken, err := s.tell(ctx, w, d); err != nil || !taken {
				return err == nil
			}
			w.Failures = 0
			if s.removed(w.ID) {
				break // unless another lease can be had
			}
		}
	}
}

// removed reports whether a webhook may have been removed since it was last told.
func (s *Sender) removed(id string) bool {
	hooks := s.hooks.Load()
	return hooks == nil || !slices.ContainsFunc(*hooks, func(w store.Webhook) bool { return w.ID == id })
}

// tell makes one attempt and records what became of it. The delivery is over when it was taken, or
// given up. The error is that of the database, or says that nobody knows.
func (s *Sender) tell(ctx context.Context, w store.Webhook, d store.Delivery) (over bool, err error) {
	o := s.post.post(ctx, w, d, s.cfg.Clock.Now())
	if ctx.Err() != nil {
		return false, ctx.Err() // it may come twice
	}
	now := s.cfg.Clock.Now()
	if o.err == nil {
		s.Counts.Delivered.Add(1)
		return true, s.cfg.Store.Taken(ctx, d, now)
	}
	s.Counts.Failed.Add(1)
	why := o.err.Error()
	if o.refused && d.Refused+1 >= mostRefused || now.Sub(time.UnixMicro(d.Made)) >= lifetime {
		s.lose(why)
		return true, s.cfg.Store.GivenUp(ctx, d, why)
	}
	if w.Failures == 0 {
		s.cfg.Log.Warn("a webhook does not take what it is told", "webhook", w.ID, "err", why)
	}
	pause := pauses[min(w.Failures, len(pauses)-1)]
	return false, s.cfg.Store.NotTaken(ctx, d, why, o.refused, now.Add(pause))
}

// Try tells a webhook of an event that only shows whether it works, and returns why it did not.
func (s *Sender) Try(ctx context.Context, w store.Webhook) error {
	now := s.cfg.Clock.Now()
	d := store.Delivery{ID: "msg_" + rand.Text(), Body: body(Test, now, data{Service: s.cfg.Service, Node: s.cfg.Node, By: audit.Actor(ctx)})}
	return s.post.post(ctx, w, d, now).err
}

// Hook makes a webhook of an address and patterns, with an id and a secret of its own. It refuses
// what checkURL and checkPatterns refuse.
func Hook(url string, patterns []string) (store.Webhook, error) {
	if err := errors.Join(checkURL(url), checkPatterns(patterns)); err != nil {
		return store.Webhook{}, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	patterns = slices.Compact(slices.Sorted(slices.Values(patterns)))
	return store.Webhook{
		ID: "wh_" + rand.Text()[:12], URL: url, Events: patterns,
		Secret: secretPrefix + base64.StdEncoding.EncodeToString(secret),
	}, nil
}

// lose counts an event that nobody will be told of.
func (s *Sender) lose(why string) {
	s.Counts.Lost.Add(1)
	s.cfg.Log.Error("a webhook will not be told of an event", "err", why)
}

// trouble logs when the sender begins to wait for the database, and when it goes on.
func (s *Sender) trouble(ctx context.Context, err error) {
	switch waits := err != nil; {
	case waits == s.waiting || ctx.Err() != nil:
	case waits:
		s.waiting = true
		s.cfg.Log.Warn("webhooks wait for the database", "err", err)
	default:
		s.waiting = false
		s.cfg.Log.Info("webhooks are told again")
	}
}
