package swarm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"monarch/internal/figures"
	"monarch/msnp"
)

const workIdle = "idle"

// IdleCase says how many people are there who do nothing.
type IdleCase struct {
	Sessions int
	Contacts int           // of each; all of them are there, too
	Settle   time.Duration // how long a server may take until it has given back what sign-ins took
}

// What a large service would have; figures for it are extrapolated.
const million = 1_000_000

// Goals for people who do nothing.
const (
	idleMemoryGoal     = 2.5 // KiB for each
	idleGCGoal         = 300 // milliseconds of all processors for a cycle, with a million of them
	idleGoroutinesGoal = 99
)

// Idle measures how much memory people take who are signed in and do nothing, and what they
// cost the garbage collector.
func Idle(ctx context.Context, c Config, i IdleCase) (figures.Report, error) {
	return measure(ctx, c, append([]string{baseline}, c.Engines...), func(r *run, ctx context.Context, kind string) error {
		return r.idle(ctx, i, kind)
	})
}

// idle measures one subject. It is the only one there is, for memory's sake.
func (r *run) idle(ctx context.Context, i IdleCase, kind string) (err error) {
	dir, crowd, err := r.accounts(ctx, plan{Shape: ring, People: i.Sessions, Contacts: i.Contacts})
	if err != nil {
		return err
	}
	s, err := r.idleSubject(ctx, dir, kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	cold, err := s.use.RSS()
	if err != nil {
		return err
	}
	var empty time.Duration // a cycle of the collector with nobody there
	if kind != baseline {
		if empty, err = r.warm(ctx, s, crowd, i.Settle); err != nil {
			return err
		}
	}
	before, err := s.use.RSS()
	if err != nil {
		return err
	}
	r.say("idle: %s has %d KiB; signing %d people in", kind, before>>10, i.Sessions)
	d, err := r.drive(ctx, s, job{Work: workIdle, Crowd: crowd})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	wait := i.Settle
	if kind == baseline {
		wait = min(wait, 5*time.Second) // it never takes more than it needs
	}
	r.say("idle: waiting %s until the memory of %s has settled", wait, kind)
	if err := pause(ctx, wait); err != nil {
		return err
	}
	memory, err := r.idleMemory(ctx, s, before, i)
	if err != nil {
		return err
	}
	memory.Extra["KiB/session with what the server takes once"] = memory.Value + float64(before-cold)/1024/float64(i.Sessions)
	r.results = append(r.results, memory)
	if kind == baseline {
		return nil
	}
	return r.idleRuntime(ctx, s, i, empty)
}

// warm lets a few people come and go: the pages of the program and the database's memory that
// this brings in are not the sessions'. It returns what a cycle of the collector costs then.
func (r *run) warm(ctx context.Context, s *subject, c crowd, settle time.Duration) (time.Duration, error) {
	c.Plan.People = min(c.Plan.People, 300)
	r.say("idle: %d people come to %s and go again", c.Plan.People, s.kind)
	d, err := r.drive(ctx, s, job{Work: workIdle, Crowd: c})
	if err != nil {
		return 0, err
	}
	if err := d.Stop(); err != nil {
		return 0, err
	}
	cycle, err := s.gcCycle(ctx, r.Turns)
	return cycle, errors.Join(err, pause(ctx, settle))
}

func (r *run) idleSubject(ctx context.Context, dir, kind string) (*subject, error) {
	if kind == baseline {
		return r.startBare(ctx)
	}
	data := filepath.Join(r.dir, "server-"+kind)
	if err := copyAccounts(dir, data); err != nil {
		return nil, err
	}
	return r.startServer(ctx, kind, data)
}

// idleMemory works out what a session takes of what came on top.
func (r *run) idleMemory(ctx context.Context, s *subject, before int64, i IdleCase) (figures.Result, error) {
	res := figures.Result{
		Work: workIdle, Case: fmt.Sprintf("%d sessions, %d contacts each", i.Sessions, i.Contacts),
		Subject: s.kind, Unit: "KiB/session",
		Scale: map[string]float64{"sessions": float64(i.Sessions), "contacts": float64(i.Contacts)},
	}
	for range r.Turns {
		if err := pause(ctx, time.Second); err != nil {
			return res, err
		}
		now, err := s.use.RSS()
		if err != nil {
			return res, err
		}
		res.Turns = append(res.Turns, figures.Turn{
			Work: int64(i.Sessions), Seconds: 1, Value: float64(now-before) / 1024 / float64(i.Sessions),
		})
	}
	res.Sum()
	res.Extra = map[string]float64{"GiB for 1,000,000, extrapolated": res.Value * million / (1 << 20)}
	if s.kind != baseline {
		res.Goal = idleMemoryGoal
	}
	return res, nil
}

const metricGoroutines = "go_goroutines"

// idleRuntime asks the server what its sessions cost the Go runtime. What a cycle costs
// with nobody there does not grow with people.
func (r *run) idleRuntime(ctx context.Context, s *subject, i IdleCase, empty time.Duration) error {
	goroutines, err := s.metric(ctx, metricGoroutines)
	if err != nil {
		return err
	}
	full, err := s.gcCycle(ctx, r.Turns)
	if err != nil {
		return err
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	more := max(full-empty, 0) // with few sessions it is lost among the rest
	large := ms(empty) + ms(more)*million/float64(i.Sessions)
	r.results = append(r.results,
		figures.Result{
			Work: workIdle, Case: fmt.Sprintf("%d sessions", i.Sessions), Subject: s.kind,
			Unit: "goroutines", Value: goroutines, Goal: idleGoroutinesGoal,
		},
		figures.Result{
			Work: workIdle, Case: "1,000,000 sessions, extrapolated", Subject: s.kind,
			Unit: "ms CPU/GC cycle", Value: large, Goal: idleGCGoal,
			Extra: map[string]float64{"ms/cycle with nobody": ms(empty), fmt.Sprintf("ms/cycle with %d", i.Sessions): ms(full)},
		})
	return nil
}

// metric reads one of the server's metrics.
func (s *subject) metric(ctx context.Context, name string) (float64, error) {
	text, err := get(ctx, "http://"+s.ops+"/metrics")
	if err != nil {
		return 0, fmt.Errorf("ask the server for %s: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			return strconv.ParseFloat(f[1], 64)
		}
	}
	return 0, fmt.Errorf("the server does not tell %s", name)
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// idlers is the load of people who do nothing once they are there.
type idlers struct {
	job
	links   []*link
	reading sync.WaitGroup
}

func newIdlers(ctx context.Context, j job) (load, error) {
	l := &idlers{job: j, links: make([]*link, j.Crowd.Plan.People)}
	err := each(ctx, len(l.links), signInsAtATime, func(ctx context.Context, i int) (err error) {
		if l.Bare {
			l.links[i], err = dial(ctx, l.Addr, msnp.ServerGrammar)
		} else {
			l.links[i], err = signIn(ctx, l.Addr, l.Crowd, i)
		}
		if err == nil {
			l.reading.Go(l.links[i].drain)
		}
		return err
	})
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// step is not called: the server's memory tells all there is.
func (l *idlers) step(context.Context, string) (outcome, error) { return outcome{}, nil }

func (l *idlers) close() {
	closeAll(l.links)
	l.reading.Wait()
}
