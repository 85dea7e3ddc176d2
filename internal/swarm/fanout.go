package swarm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/figures"
	"monarch/msnp"
)

const workFanout = "fanout"

// Fanout measures what it costs to tell somebody that a contact's status has changed, for
// several numbers of people who are to hear of it.
func Fanout(ctx context.Context, c Config, watchers []int) (figures.Report, error) {
	return measure(ctx, c, watchers, func(r *run, ctx context.Context, n int) error {
		return r.bench(ctx, bench{
			result: figures.Result{
				Work: workFanout, Case: fmt.Sprintf("%d watchers", n), Unit: "µs CPU/line",
				Scale: map[string]float64{"watchers": float64(n)}, Goal: 1.2,
			},
			plan:  plan{Shape: star, People: n + 1},
			job:   job{Work: workFanout},
			scale: 1e6,
			bare:  true,
		})
	})
}

// fanout is the load of one person whose changes of status many hear of. The next change
// comes when all have heard of the last.
type fanout struct {
	job
	star     *link
	watchers []*link
	changes  uint64

	reading sync.WaitGroup
	broken  chan error   // why a reader gave up; has room for one
	left    atomic.Int64 // lines of this change that have not arrived
	heard   chan struct{}
	wrong   atomic.Int64 // lines that came twice or in the wrong order
}

func newFanout(ctx context.Context, j job) (load, error) {
	n := j.Crowd.Plan.People - 1
	l := &fanout{job: j, watchers: make([]*link, n), broken: make(chan error, 1), heard: make(chan struct{}, 1)}
	err := each(ctx, n, signInsAtATime, func(ctx context.Context, i int) (err error) {
		l.watchers[i], err = l.connect(ctx, i+1)
		return err
	})
	if err == nil {
		l.star, err = l.connect(ctx, 0)
	}
	if err == nil {
		err = l.settle()
	}
	if err != nil {
		l.close()
		return nil, err
	}
	for _, w := range l.watchers {
		l.reading.Go(func() {
			select {
			case l.broken <- l.watch(w):
			default: // somebody gave up earlier
			}
		})
	}
	return l, nil
}

// connect brings somebody on line.
func (l *fanout) connect(ctx context.Context, i int) (*link, error) {
	if !l.Bare {
		return signIn(ctx, l.Addr, l.Crowd, i)
	}
	c, err := dial(ctx, l.Addr, msnp.ServerGrammar)
	if err != nil || i == 0 {
		return c, err
	}
	if _, err = c.ask("WATCH"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// settle waits until everybody knows that the star is there. He is the last to come, so it is
// all that anybody has heard of him.
func (l *fanout) settle() error {
	if l.Bare {
		return nil
	}
	for _, w := range l.watchers {
		w.SetDeadline(time.Now().Add(patience))
		if _, err := w.await(msnp.NLN); err != nil {
			return err
		}
		w.SetDeadline(time.Time{})
	}
	return nil
}

// step changes the status for a while, and at least once.
func (l *fanout) step(ctx context.Context, _ string) (outcome, error) {
	began := time.Now()
	o := outcome{}
	for o.Work == 0 || time.Since(began) < l.Turn {
		l.left.Store(int64(len(l.watchers)))
		if err := l.change(); err != nil {
			return o, err
		}
		select {
		case <-l.heard:
		case err := <-l.broken:
			return o, err
		case <-time.After(drainTime):
			o.Lost = l.left.Load()
		case <-ctx.Done():
			return o, ctx.Err()
		}
		o.Work += int64(len(l.watchers)) - o.Lost
		if o.Lost > 0 {
			break
		}
	}
	o.Seconds, o.Reordered = since(began), l.wrong.Swap(0)
	return o, nil
}

// change makes the star go away or come back. The number of the change is in the flags, as
// its last digit: a line is not longer for it than the baseline's.
func (l *fanout) change() error {
	l.changes++
	_, err := l.star.ask(msnp.CHG, "9", string(l.status()), strconv.FormatUint(l.changes%10, 10))
	return err
}

func (l *fanout) status() msnp.Status {
	if l.changes%2 == 1 {
		return msnp.Away
	}
	return msnp.Online
}

// watch reads what one of the watchers is told, which must be every change once.
func (l *fanout) watch(w *link) error {
	var last byte = '0'
	for {
		f, err := w.next()
		if err != nil {
			return fmt.Errorf("read as watcher: %w", err)
		}
		if f.Verb != msnp.NLN || len(f.Args) < 4 || len(f.Args[3]) != 1 {
			return fmt.Errorf("a watcher got %s", f.Verb)
		}
		if n := f.Args[3][0]; !l.Bare && n != '0'+(last-'0'+1)%10 {
			l.wrong.Add(1)
		}
		last = f.Args[3][0]
		switch left := l.left.Add(-1); {
		case left == 0:
			l.heard <- struct{}{}
		case left < 0:
			return errors.New("a watcher got more lines than there were changes")
		}
	}
}

func (l *fanout) close() {
	closeAll(append(l.watchers, l.star))
	l.reading.Wait()
}
