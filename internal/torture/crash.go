package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// CrashCase says how often a server is killed, and how many people change things meanwhile.
type CrashCase struct {
	Kills  int
	People int
}

// Moments at which a server is killed.
const (
	killedFirst    = "kills while it started for the first time"
	killedStarting = "kills while it started"
	killedSigning  = "kills while everybody signed in"
	killedBusy     = "kills while everybody changed things"
)

// Crash kills the server again and again, starts it on what is left and compares that with what
// people were told.
func Crash(ctx context.Context, cfg Config, c CrashCase) (Report, error) {
	r, end, err := begin(ctx, cfg, "crash")
	if err != nil {
		return Report{}, err
	}
	err = r.crash(ctx, c)
	r.tell(killedFirst, killedStarting, killedSigning, killedBusy, "starts", signIns, acknowledged)
	r.tellKinds()
	r.tell(unanswered, doneUntold, undone, passwords, oldRefused, managed, keptCopies, examined)
	return end(err)
}

// tellKinds puts the kinds of changes into the report.
func (r *run) tellKinds() {
	const prefix = "  of them: "
	var kinds []string
	r.mu.Lock()
	for what := range r.counts {
		if strings.HasPrefix(what, prefix) {
			kinds = append(kinds, what)
		}
	}
	r.mu.Unlock()
	slices.Sort(kinds)
	r.tell(kinds...)
}

func (r *run) crash(ctx context.Context, c CrashCase) error {
	// A tenth of the kills come while the directory is still empty.
	for range c.Kills / 10 {
		if err := r.killStarting(ctx, killedFirst, 300*time.Millisecond); err != nil {
			return err
		}
		if r.random.IntN(2) == 0 {
			os.RemoveAll(r.dir)
		}
	}
	s, err := r.start(ctx, nil, nil)
	if err != nil {
		return err
	}
	w, err := r.newWorld(ctx, s, c.People)
	if err != nil {
		s.Kill()
		return err
	}
	for n := c.Kills / 10; n < c.Kills && ctx.Err() == nil && !r.hopeless(); n++ {
		if n%20 == 0 {
			r.say("%d of %d kills, %d changes acknowledged, %d faults", n, c.Kills, r.counted(acknowledged), len(r.faults))
		}
		w.round(ctx, s)
		if r.random.IntN(10) == 0 {
			if err := r.killStarting(ctx, killedStarting, 100*time.Millisecond); err != nil {
				return err
			}
			n++
		}
		if s, err = r.start(ctx, nil, nil); err != nil {
			r.fault("after a kill: %v", err)
			return nil
		}
		r.count("starts", 1)
	}
	w.last(ctx, s)
	return context.Cause(ctx)
}

// killStarting starts a server and kills it within some time, or lets it go if it is quicker.
func (r *run) killStarting(ctx context.Context, moment string, within time.Duration) error {
	short, cancel := context.WithTimeout(ctx, time.Duration(r.random.Int64N(int64(within))))
	defer cancel()
	s, err := r.start(short, nil, nil)
	switch {
	case err == nil:
		s.Kill()
	case errors.Is(err, context.DeadlineExceeded):
	default:
		return fmt.Errorf("after a kill: %w", err)
	}
	r.count(moment, 1)
	return nil
}

// round compares, lets everybody change things and kills the server, which may be any time from
// the first sign-in on.
func (w *world) round(ctx context.Context, s *server) {
	if w.random.IntN(10) == 0 {
		kill := time.AfterFunc(time.Duration(w.random.IntN(500))*time.Millisecond, s.Shoot)
		if w.gather(ctx, s, mayKeep) {
			w.leaveAll()
		}
		kill.Stop()
		s.Kill()
		w.leaveAll()
		w.count(killedSigning, 1)
		return
	}
	w.examine(ctx)
	w.operator.compare(ctx, s)
	if !w.gather(ctx, s, mayKeep) {
		w.fault("not everybody can sign in")
		s.Kill()
		w.leaveAll()
		return
	}
	// Short times are as likely as long ones: right after a start more is new.
	most := 20 << w.random.IntN(7)
	kill := time.AfterFunc(time.Duration(1+w.random.IntN(most))*time.Millisecond, s.Shoot)
	defer kill.Stop()
	w.bustle(ctx, s)
	if s.Fell() {
		w.fault("%v", s.Explain(errors.New("the server ended by itself")))
	}
	s.Kill()
	w.count(killedBusy, 1)
}

func (w *world) leaveAll() {
	for _, p := range w.people {
		p.leave()
	}
}

// last compares once more, and stops the server as operators do.
func (w *world) last(ctx context.Context, s *server) {
	w.examine(ctx)
	w.operator.compare(ctx, s)
	if !w.gather(ctx, s, allNew) && ctx.Err() == nil {
		w.fault("not everybody can sign in")
	}
	w.leaveAll()
	if err := s.stop(); err != nil {
		w.fault("%v", err)
	}
	w.examine(ctx)
}
