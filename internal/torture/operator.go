package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"monarch/internal/admin"
)

// operator manages accounts: the passwords of people who are signed in, and accounts that he
// makes, names, locks and removes himself. He remembers what he was told, too.
type operator struct {
	run     *run
	random  *rand.Rand
	serial  int
	account map[string]*account // that he has made, by address
}

// account is one of his own.
type account struct {
	told  *state   // what was acknowledged; nil: there is no such account
	maybe []*state // what a command without an answer may have led to
	doubt []*state // what the latest change would have led to, if it was refused
}

// state is what an account is like. nil stands for none.
type state struct {
	nick     string
	disabled bool
}

func newOperator(r *run) *operator {
	return &operator{run: r, random: rand.New(rand.NewPCG(r.Seed, 1<<32)), account: make(map[string]*account)}
}

// mostOwn is how many accounts of his own he uses.
const mostOwn = 6

// work manages until ctx ends.
func (o *operator) work(ctx context.Context, s *server, w *world) {
	c, err := admin.Dial(ctx, s.dir)
	if err != nil {
		return // it was killed at once
	}
	defer c.Close()
	for ctx.Err() == nil {
		if o.random.IntN(3) == 0 {
			o.setPassword(ctx, c, w)
		} else {
			o.manage(ctx, c, w)
		}
		if !wait(ctx, time.Duration(o.random.IntN(30))*time.Millisecond) {
			return
		}
	}
}

// setPassword changes somebody's.
func (o *operator) setPassword(ctx context.Context, c *admin.Client, w *world) {
	p := w.people[o.random.IntN(len(w.people))]
	o.serial++
	next := fmt.Sprintf("secret %d,&%%", o.serial)
	p.secret.mu.Lock()
	busy := p.secret.next != ""
	if !busy {
		p.secret.next, p.secret.asking = next, true
	}
	p.secret.mu.Unlock()
	if busy {
		return // what became of the last one is not known yet
	}
	err := c.SetPassword(ctx, p.handle, next)
	var refusal *admin.Problem
	p.secret.mu.Lock()
	defer p.secret.mu.Unlock()
	p.secret.asking, p.secret.doubt = false, ""
	switch {
	case err == nil:
		if p.secret.now != next { // nobody has signed in with it yet
			p.secret.old, p.secret.now = p.secret.now, next
		}
		p.secret.next = ""
		o.run.count(passwords, 1)
	case errors.As(err, &refusal):
		o.refused(w, err, "set password of %s", p.handle)
		p.secret.next, p.secret.doubt = "", next
	}
}

// refused is a fault unless there is trouble with the disk.
func (o *operator) refused(w *world, err error, what string, args ...any) {
	if w.tolerated(err) {
		o.run.count(refused, 1)
		return
	}
	o.run.fault("operator: %s: %v", fmt.Sprintf(what, args...), err)
}

// manage makes, changes or removes an account of his own.
func (o *operator) manage(ctx context.Context, c *admin.Client, w *world) {
	email := fmt.Sprintf("own%d@example.com", o.random.IntN(mostOwn))
	a := o.account[email]
	if a == nil {
		a = new(account)
		o.account[email] = a
	}
	if a.maybe != nil {
		return // until somebody has looked
	}
	o.serial++
	nick := number("own", o.serial)
	var next *state
	var err error
	switch k := o.random.IntN(4); {
	case a.told == nil:
		next = &state{nick: nick}
		_, err = c.AddAccount(ctx, admin.NewAccount{Email: email, Password: "secret", Nick: nick})
	case k == 0:
		err = c.DeleteAccount(ctx, email)
	case k == 1:
		next = &state{nick: a.told.nick, disabled: !a.told.disabled}
		err = c.SetDisabled(ctx, email, next.disabled)
	default:
		next = &state{nick: nick, disabled: a.told.disabled}
		err = c.Rename(ctx, email, nick)
	}
	var refusal *admin.Problem
	switch {
	case err == nil:
		a.told, a.doubt = next, nil
		o.run.count(managed, 1)
	case errors.As(err, &refusal):
		o.refused(w, err, "manage %s", email)
		a.doubt = []*state{next}
	default:
		a.maybe = []*state{next}
	}
}

// mayHaveBeenDone is that of [person], of his own accounts.
func (o *operator) mayHaveBeenDone() {
	for _, a := range o.account {
		if a.maybe == nil {
			a.maybe = a.doubt
		}
	}
}

// compare looks whether his accounts are as he was told.
func (o *operator) compare(ctx context.Context, s *server) {
	c, err := admin.Dial(ctx, s.dir)
	if err != nil {
		return
	}
	defer c.Close()
	for email, a := range o.account {
		found, ok := look(ctx, c, email)
		if !ok {
			return
		}
		switch {
		case found.same(a.told):
		case len(a.maybe) > 0 && found.same(a.maybe[0]):
		default:
			o.run.fault("operator: %s was %s and is %s", email, a.told, found)
		}
		a.told, a.maybe, a.doubt = found, nil, nil
	}
}

// look returns what an account is like, unless the server is gone.
func look(ctx context.Context, c *admin.Client, email string) (*state, bool) {
	d, err := c.Account(ctx, email)
	var refusal *admin.Problem
	switch {
	case err == nil:
		return &state{d.Nick, d.Disabled}, true
	case errors.As(err, &refusal) && refusal.Code == admin.CodeNoAccount:
		return nil, true
	}
	return nil, false
}

func (s *state) same(t *state) bool {
	if s == nil || t == nil {
		return s == t
	}
	return *s == *t
}

// String describes the account.
func (s *state) String() string {
	if s == nil {
		return "no account"
	}
	return fmt.Sprintf("%q, locked: %v", s.nick, s.disabled)
}

// What the operator counts.
const (
	passwords = "passwords changed"
	managed   = "accounts made, named, locked or removed"
)
