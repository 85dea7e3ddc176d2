package torture

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnclient"
	"monarch/msnp"
)

// person has an account, changes his lists, and remembers what he was told.
type person struct {
	chooser
	run     *run
	version msnp.Version // of the protocol that he speaks

	progress atomic.Int64 // changes acknowledged

	// Touched by one goroutine at a time: that which signs him in, then that which has him
	// change things.
	client *msnclient.Client
	drain  sync.WaitGroup    // reads the client's events
	told   *book             // what was acknowledged
	maybe  []*book           // what commands without an answer may have led to; told is not among them
	doubt  []*book           // what the latest change would have led to, if it was refused
	lists  uint32            // the latest version that he was told
	kept   *msnclient.Roster // what his last client knew; nil: it is new

	secret secret
}

// secret is the password, which an operator changes while the person signs in.
type secret struct {
	mu   sync.Mutex // leaf
	now  string     // what was acknowledged
	next string     // what was asked for without an answer; "": nothing
	old  string     // that must not work any more; "": none

	asking bool   // whether the answer to next may still come
	doubt  string // what the latest change would have made it, if it was refused; "": it was not
}

// candidates are the passwords of which one must work, the likelier first.
func (s *secret) candidates() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != "" {
		return []string{s.next, s.now}
	}
	return []string{s.now}
}

// settle notes which password has worked when the server was asked about all.
func (s *secret) settle(works string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubt = ""
	switch {
	case s.next != "" && works == s.next:
		s.old, s.now, s.next = s.now, works, ""
	case !s.asking:
		s.next = ""
	}
}

// newPerson describes a person whose account is made by the caller.
func (r *run) newPerson(n int, others []string) *person {
	handle := handleOf(n)
	p := &person{
		chooser: chooser{random: rand.New(rand.NewPCG(r.Seed, uint64(n)+1)), handle: handle, others: others},
		run:     r, version: msnp.MSNP9, told: newBook(nickOf(n)),
	}
	if n%2 == 1 {
		p.version = msnp.MSNP8
	}
	p.secret.now = fmt.Sprintf("secret-%d", n)
	return p
}

func handleOf(n int) string { return fmt.Sprintf("p%02d@example.com", n) }
func nickOf(n int) string   { return fmt.Sprint("person ", n) }

// patience is how long anything may take that one client asks for.
const patience = 60 * time.Second

// dial signs in with a password. cached is a copy of the lists to offer, or nil.
func (p *person) dial(ctx context.Context, s *server, password string, cached *msnclient.Roster) (*msnclient.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return msnclient.Dial(ctx, s.client(p.handle, password, func(cfg *msnclient.Config) {
		cfg.Version, cfg.Cached = p.version, cached
	}))
}

// client is the configuration of a client of this server.
func (s *server) client(handle, password string, change func(*msnclient.Config)) msnclient.Config {
	cfg := msnclient.Config{
		Handle: handle, Password: password,
		Server: s.addrs["notification"], Login: "https://" + s.addrs["https"] + "/login2.srf",
		TLS: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // it is our own, on this machine
	}
	change(&cfg)
	return cfg
}

// signIn signs in with whichever password works, and compares what the server says with what it
// said before. An error is a sign-in that did not come about.
func (p *person) signIn(ctx context.Context, s *server, cached bool) error {
	var copied *msnclient.Roster
	if cached {
		copied = p.kept
	}
	var c *msnclient.Client
	var err error
	for _, password := range p.secret.candidates() {
		if c, err = p.dial(ctx, s, password, copied); err == nil {
			p.secret.settle(password)
			break
		}
		if !errors.Is(err, msnclient.ErrPassword) {
			return err
		}
	}
	if err != nil {
		return err
	}
	p.client = c
	p.drain.Go(func() {
		for range c.Events() {
		}
	})
	p.run.count(signIns, 1)
	p.compare(c)
	return nil
}

// compare looks whether the lists are what the person was told, or what commands that he got no
// answer to may have made of it.
func (p *person) compare(c *msnclient.Client) {
	roster := c.Roster()
	found := bookOf(c.Self().Name, roster)
	if roster.Version < p.lists {
		p.run.fault("%s: the version of the lists was %d and is %d", p.handle, p.lists, roster.Version)
	}
	p.lists = roster.Version
	switch {
	case found.same(p.told):
		if len(p.maybe) > 0 {
			p.run.count(undone, 1)
		}
	case p.among(found):
		p.run.count(doneUntold, 1)
	default:
		p.run.fault("%s: %s (%d commands without an answer)", p.handle, strings.Join(p.told.differences(found), "; "), len(p.maybe))
	}
	p.told, p.maybe, p.doubt = found, nil, nil
}

// mayHaveBeenDone notes that the server was killed while its disk failed. SQLite rolls back what
// it could not flush, but that is still in the log until the next change takes its place, and
// whoever opens the database next finds it there.
func (p *person) mayHaveBeenDone() {
	p.maybe = append(p.maybe, p.doubt...)
	p.secret.mu.Lock()
	defer p.secret.mu.Unlock()
	if p.secret.next == "" {
		p.secret.next = p.secret.doubt
	}
}

// among reports whether a book is one of those that may be.
func (p *person) among(b *book) bool {
	for _, m := range p.maybe {
		if m.same(b) {
			return true
		}
	}
	return false
}

// live changes lists until there is no connection any more, and reports whether there may be
// another. A refusal that the books do not explain is a fault, unless tolerated.
func (p *person) live(ctx context.Context, tolerated func(error) bool) {
	for ctx.Err() == nil {
		made := p.next(p.told)
		states := made.states(p.told)
		asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		err := made.do(asked, p.client)
		cancel()
		switch {
		case err == nil:
			p.told, p.doubt = states[len(states)-1], nil
			p.lists = max(p.lists, p.client.Roster().Version)
			p.progress.Add(1)
			p.run.count(acknowledged, 1)
			p.run.count("  of them: "+kindOf(made.what), 1)
			continue
		case tolerated(err):
			// Of several commands the first may have been carried out, which the client knows.
			p.told, p.doubt = p.known(states), states[1:]
			p.run.count(refused, 1)
			if !wait(ctx, 20*time.Millisecond) {
				return
			}
			continue
		case gone(err):
		default:
			p.run.fault("%s: %s: %v", p.handle, made.what, err)
		}
		p.maybe = states[1:]
		p.run.count(unanswered, 1)
		return
	}
}

// gone reports whether there is no connection any more: the server was killed, or the password
// changed.
func gone(err error) bool {
	for _, why := range []error{msnclient.ErrNotConnected, msnclient.ErrClosed, msnclient.ErrShutdown, context.Canceled} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// known returns the state that the client was told of.
func (p *person) known(states []*book) *book {
	now := bookOf(p.client.Self().Name, p.client.Roster())
	for _, s := range states {
		if s.same(now) {
			return s
		}
	}
	p.run.fault("%s: after a refusal his client has %s", p.handle, strings.Join(states[0].differences(now), "; "))
	return states[0]
}

// kindOf is the first word or two of a change.
func kindOf(what string) string {
	verb, rest, _ := strings.Cut(what, " ")
	if word, _, ok := strings.Cut(rest, " "); ok && (word == "group" || word == "himself") {
		return verb + " " + word
	}
	if verb == "set" {
		word, _, _ := strings.Cut(rest, " ")
		return verb + " " + word
	}
	return verb
}

// leave ends the client and keeps what it knew.
func (p *person) leave() {
	if p.client == nil {
		return
	}
	r := p.client.Roster()
	p.client.Close()
	p.drain.Wait()
	p.kept, p.lists, p.client = &r, max(p.lists, r.Version), nil
}

// What is counted.
const (
	signIns      = "sign-ins"
	acknowledged = "changes acknowledged"
	unanswered   = "changes without an answer"
	doneUntold   = "  of them found done"
	undone       = "  of them found not done"
	refused      = "changes refused for trouble with the disk"
)
