package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnp"
)

// share is who of a crowd is a driver's: somebody, whoever is so many places after him, and so on.
type share struct {
	First int     `json:"first"`
	Step  int     `json:"step"`
	Rate  float64 `json:"rate"` // changes of status in a second, of all of them together
}

// neighbours is the load of people who watch each other and, in turns, change their status at an
// even pace, whether those who watch have heard of the last change or not.
type neighbours struct {
	job
	people []*neighbour
	turn   int // whose it is

	reading sync.WaitGroup
	closed  atomic.Bool
	broken  chan error   // why a reader gave up; has room for one
	changed atomic.Int64 // changes that the server has confirmed
	heard   atomic.Int64 // lines about others
}

type neighbour struct {
	*link
	away bool
}

// stepHeard has a driver say how many lines its people have heard since they came.
const stepHeard = "heard"

// neighboursAtATime is how many sign in together: nodes tell each other of several in one packet, for which
// they wait a moment.
const neighboursAtATime = 64

func newNeighbours(ctx context.Context, j job, progress io.Writer) (load, error) {
	n := (j.Crowd.Plan.People - j.Share.First + j.Share.Step - 1) / j.Share.Step
	l := &neighbours{job: j, people: make([]*neighbour, n), broken: make(chan error, 1)}
	err := each(ctx, n, neighboursAtATime, func(ctx context.Context, i int) error {
		c, err := signIn(ctx, l.Addr, l.Crowd, j.Share.First+i*j.Share.Step)
		if err != nil {
			return err
		}
		l.people[i] = &neighbour{link: c}
		if i > 0 && i%1000 == 0 && j.Share.First == 0 { // one of the drivers is enough
			fmt.Fprintf(progress, "%s  cluster: %d of %d people have come to the first node\n", time.Now().Format(time.TimeOnly), i, n)
		}
		l.reading.Go(func() {
			if err := l.listen(c); err != nil && !l.closed.Load() {
				select {
				case l.broken <- err:
				default: // somebody gave up earlier
				}
			}
		})
		return nil
	})
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// listen counts what somebody is told.
func (l *neighbours) listen(c *link) error {
	for {
		f, err := c.next()
		if err != nil {
			return fmt.Errorf("read as neighbour: %w", err)
		}
		switch f.Verb {
		case msnp.NLN:
			l.heard.Add(1)
		case msnp.CHG:
			l.changed.Add(1)
		case msnp.FLN, msnp.OUT:
			return fmt.Errorf("a neighbour got %s %s", f.Verb, bytes.Join(f.Args, []byte(" ")))
		}
	}
}

func (l *neighbours) step(ctx context.Context, name string) (outcome, error) {
	select {
	case err := <-l.broken:
		return outcome{}, err
	default:
	}
	if name == stepHeard {
		return outcome{Work: l.heard.Load()}, nil
	}
	before, began := l.changed.Load(), time.Now()
	made, err := l.change(ctx)
	if err != nil {
		return outcome{}, err
	}
	for end := time.Now().Add(patience); l.changed.Load() < before+made; {
		if time.Now().After(end) {
			return outcome{}, errors.New("the server has not confirmed all changes")
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return outcome{}, err
		}
	}
	return outcome{Work: made, Seconds: since(began)}, nil
}

// change has people change their status for a while, and returns how many did.
func (l *neighbours) change(ctx context.Context) (made int64, err error) {
	began := time.Now()
	for l.Share.Rate > 0 && time.Since(began) < l.Turn {
		for due := int64(since(began) * l.Share.Rate); made < due; made++ {
			p := l.people[l.turn]
			l.turn = (l.turn + 1) % len(l.people)
			status := msnp.Away
			if p.away {
				status = msnp.Online
			}
			p.away = !p.away
			if err := p.say(msnp.CHG, "9", string(status), "0"); err != nil {
				return made, err
			}
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return made, err
		}
	}
	return made, nil
}

func (l *neighbours) close() {
	l.closed.Store(true)
	for _, p := range l.people {
		if p != nil {
			p.Close()
		}
	}
	l.reading.Wait()
}
