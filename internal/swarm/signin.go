package swarm

import (
	"context"
	"fmt"
	"time"

	"monarch/internal/figures"
	"monarch/msnp"
)

const workSignin = "signin"

// SigninCase says who signs in.
type SigninCase struct {
	Accounts int `json:"accounts"`
	Contacts int `json:"contacts"` // of each, all off line
	AtATime  int `json:"at_a_time"`
}

// Signin measures what a sign-in with a valid ticket costs, from VER to OUT: the first one
// after the lists have changed, and those after it.
func Signin(ctx context.Context, c Config, s SigninCase) (figures.Report, error) {
	b := bench{
		result: figures.Result{Work: workSignin, Unit: "ms CPU/sign-in", Goal: 0.4},
		plan:   plan{Shape: halves, People: 2 * s.Accounts, Contacts: s.Contacts},
		job:    job{Work: workSignin, Signin: s},
		scale:  1e3,
	}
	first, later := b, b
	first.result.Case = fmt.Sprintf("%d contacts, lists just changed", s.Contacts)
	first.before = stepTouch
	later.result.Case = fmt.Sprintf("%d contacts", s.Contacts)
	later.result.Scale = map[string]float64{"contacts": float64(s.Contacts)}
	later.warm = stepTurn
	return measure(ctx, c, []bench{first, later}, (*run).bench)
}

// visitors is the load of people who come and go. Half of the people never do: those who do
// have only them for contacts.
type visitors struct {
	job
	touched int
}

func newVisitors(j job) load { return &visitors{job: j} }

// step has everybody come and go once.
func (l *visitors) step(ctx context.Context, name string) (outcome, error) {
	visit := l.visit
	if name == stepTouch {
		visit, l.touched = l.touch, l.touched+1
	}
	began := time.Now()
	err := each(ctx, l.Signin.Accounts, l.Signin.AtATime, func(ctx context.Context, i int) error { return visit(ctx, 2*i) })
	return outcome{Work: int64(l.Signin.Accounts), Seconds: since(began)}, err
}

// visit is what is measured.
func (l *visitors) visit(ctx context.Context, i int) error {
	c, err := signIn(ctx, l.Addr, l.Crowd, i)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if err := c.say(msnp.OUT); err != nil {
		return err
	}
	return c.untilEnd()
}

// touch changes somebody's lists: he calls a contact by another name.
func (l *visitors) touch(ctx context.Context, i int) error {
	c, err := dial(ctx, l.Addr, msnp.ServerGrammar)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if err := c.greet(l.Crowd, i); err != nil {
		return err
	}
	if _, err := c.ask(msnp.REA, "5", handle(l.Crowd.Plan.contacts(i)[0]), fmt.Sprintf("Friend%d", l.touched)); err != nil {
		return err
	}
	if err := c.say(msnp.OUT); err != nil {
		return err
	}
	return c.untilEnd()
}

func (l *visitors) close() {}
