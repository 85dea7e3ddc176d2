package torture

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/admin"
	"monarch/msnclient"
	"monarch/msnp"
)

// DiskCase says how often the disk fails, and how many people change things meanwhile.
type DiskCase struct {
	Failures int
	People   int
}

// How long failing disks may be felt.
const (
	recovery = 10 * time.Second // within which everything works again
	echo     = 5 * time.Second  // within which what was asked before is still answered
)

// Disk lets the server's disk fail in every way there is, while people change things, and looks
// whether they are told the truth, whether all goes on afterwards without anybody's help, and
// whether anything is lost if the server is killed in the middle.
func Disk(ctx context.Context, cfg Config, c DiskCase) (Report, error) {
	r, end, err := begin(ctx, cfg, "disk")
	if err != nil {
		return Report{}, err
	}
	var slowest time.Duration
	err = r.disk(ctx, c, &slowest)
	for _, f := range diskFaults {
		r.tell("failures: " + f.name)
	}
	r.tell(callsFailed, diskKills, startsRefused, startsFine,
		signIns, acknowledged, refused, unanswered, doneUntold, undone, passwords, managed, newcomersIn, newcomersOut, examined)
	r.figure("longest time until everybody could change things again", slowest.Seconds(), "s")
	return end(err)
}

// patient is a disk with what is known of its failures.
type patient struct {
	disk
	run     *run
	failing atomic.Bool
	healed  atomic.Int64 // when it was, in Unix nanoseconds
}

// tolerated reports whether an error is the protocol's word for trouble of the server's own, and
// there is reason for trouble. docs/protocol/errors.md#codes
func (d *patient) tolerated(err error) bool {
	if !d.failing.Load() && time.Since(time.Unix(0, d.healed.Load())) > echo {
		return false
	}
	var code msnp.Code
	if errors.As(err, &code) {
		return code == msnp.CodeInternal
	}
	var refusal *admin.Problem
	if errors.As(err, &refusal) {
		return refusal.Code == admin.CodeInternal || refusal.Code == admin.CodeUnavailable || refusal.Code == admin.CodeBusy
	}
	return errors.Is(err, msnclient.ErrUnavailable)
}

// fall makes the disk fail, and heal makes it work again.
func (d *patient) fall(s *server, f *diskFault) error {
	d.failing.Store(true)
	d.run.count("failures: "+f.name, 1)
	return d.fail(s, f)
}

func (d *patient) heal(s *server) error {
	d.healed.Store(time.Now().UnixNano())
	d.failing.Store(false)
	return d.fail(s, nil)
}

func (r *run) disk(ctx context.Context, c DiskCase, slowest *time.Duration) error {
	d := &patient{run: r}
	defer d.answers.Wait()
	s, err := r.start(ctx, nil, &d.disk)
	if err != nil {
		return err
	}
	w, err := r.newWorld(ctx, s, c.People)
	if err != nil {
		s.Kill()
		return err
	}
	w.tolerated = d.tolerated
	for n := 0; n < c.Failures && ctx.Err() == nil && !r.hopeless(); n++ {
		f := diskFaults[n%len(diskFaults)]
		r.say("%d of %d: %s; so far %d changes acknowledged, %d refused, %d faults", n+1, c.Failures, f.name,
			r.counted(acknowledged), r.counted(refused), len(r.faults))
		if !w.gather(ctx, s, allNew) {
			break
		}
		killed := r.random.IntN(3) == 0
		took, err := w.episode(ctx, s, d, f, killed)
		*slowest = max(*slowest, took)
		if err == nil && (killed || s.Fell() || r.random.IntN(4) == 0) {
			s, err = w.restart(ctx, s, d, f)
		}
		if err != nil {
			s.Kill()
			return err
		}
		w.examine(ctx)
		w.operator.compare(ctx, s)
	}
	r.count(callsFailed, int(d.injected.Load()))
	w.last(ctx, s)
	return context.Cause(ctx)
}

// episode has the disk fail while everybody changes things. If the server is not killed in the
// middle it returns how long it took until everybody could change things again.
func (w *world) episode(ctx context.Context, s *server, d *patient, f *diskFault, killed bool) (time.Duration, error) {
	living, enough := context.WithCancel(ctx)
	var people sync.WaitGroup
	people.Go(func() { w.bustle(living, s) })
	defer people.Wait()
	defer enough()
	wait(ctx, time.Duration(50+w.random.IntN(300))*time.Millisecond)
	if err := d.fall(s, f); err != nil {
		return 0, err
	}
	w.newcomer(ctx, s)
	wait(ctx, time.Duration(100+w.random.IntN(800))*time.Millisecond)
	if killed {
		s.Kill()
		w.count(diskKills, 1)
		people.Wait()
		w.operator.mayHaveBeenDone()
		for _, p := range w.people {
			p.mayHaveBeenDone()
		}
		return 0, d.heal(nil)
	}
	if err := d.heal(s); err != nil {
		return 0, err
	}
	took := w.awaitProgress(ctx, s)
	if s.Fell() {
		w.fault("%s: %v", f.name, s.Explain(errors.New("the server ended by itself")))
	}
	return took, nil
}

// newcomer signs in while the disk fails, which must succeed or be refused for what it is.
func (w *world) newcomer(ctx context.Context, s *server) {
	const handle, password = "newcomer@example.com", "secret"
	if w.counted(newcomersIn)+w.counted(newcomersOut) == 0 {
		c, err := admin.Dial(ctx, s.dir)
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := c.AddAccount(ctx, admin.NewAccount{Email: handle, Password: password}); err != nil {
			return // the disk fails already; another time
		}
	}
	p := &person{chooser: chooser{handle: handle}, run: w.run, version: msnp.MSNP9}
	c, err := p.dial(ctx, s, password, nil)
	switch {
	case err == nil:
		c.Close()
		w.count(newcomersIn, 1)
	case errors.Is(err, msnclient.ErrPassword):
		w.fault("a newcomer is told that his password is wrong: %v", err)
	default:
		w.count(newcomersOut, 1)
	}
}

// awaitProgress waits until everybody has changed something.
func (w *world) awaitProgress(ctx context.Context, s *server) time.Duration {
	began := time.Now()
	for _, p := range w.people {
		for before := p.progress.Load(); p.progress.Load() == before; {
			if time.Since(began) > recovery {
				w.fault("%s cannot change anything %v after the disk works again", p.handle, recovery)
				return recovery
			}
			if !s.Running() || !wait(ctx, 5*time.Millisecond) {
				return 0
			}
		}
	}
	return time.Since(began)
}

// restart ends the server if it has not ended, tries to start one while the disk fails and
// starts one when it works again.
func (w *world) restart(ctx context.Context, s *server, d *patient, f *diskFault) (*server, error) {
	s.Kill()
	d.failing.Store(true)
	if err := d.fail(nil, f); err != nil {
		return s, err
	}
	half, err := w.start(ctx, nil, &d.disk)
	switch {
	case err == nil:
		half.Kill()
		w.count(startsFine, 1)
	case strings.Contains(err.Error(), "goroutine ") || !strings.Contains(err.Error(), "database"):
		w.fault("%s: a start fails without a reason: %v", f.name, err)
	default:
		w.count(startsRefused, 1)
	}
	if err := d.heal(nil); err != nil {
		return s, err
	}
	again, err := w.start(ctx, nil, &d.disk)
	if err != nil {
		return s, err
	}
	return again, nil
}

// What is counted where disks fail.
const (
	callsFailed   = "system calls that failed"
	diskKills     = "kills while the disk failed"
	newcomersIn   = "sign-ins while the disk failed that succeeded"
	newcomersOut  = "sign-ins while the disk failed that were refused as unavailable"
	startsFine    = "starts on a failing disk that succeeded"
	startsRefused = "starts on a failing disk that were refused with a reason"
)
