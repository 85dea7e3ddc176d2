package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"monarch/internal/figures"
)

// bench is one case of a work that is done in turns.
type bench struct {
	result figures.Result // what all subjects have in common; the goal is the servers'
	plan   plan
	job    job
	scale  float64 // a turn's value is this many times the CPU seconds of a unit of work
	bare   bool    // the baseline takes part
	warm   string  // a step that is done before the first turn and not measured
	before string  // the same before each turn
}

// contender is a subject with its driver and what it has reached.
type contender struct {
	*driver
	result figures.Result
}

// bench measures all subjects. What was found before an error is in the results too.
func (r *run) bench(ctx context.Context, b bench) (err error) {
	dir, crowd, err := r.accounts(ctx, b.plan)
	if err != nil {
		return err
	}
	b.job.Crowd, b.job.Turn = crowd, r.Turn
	subjects, err := r.subjects(ctx, dir, b.bare)
	if err != nil {
		return err
	}
	var all []*contender
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.Stop())
		}
		for _, s := range subjects {
			err = errors.Join(err, s.Stop())
		}
	}()
	for _, s := range subjects {
		r.say("%s: connecting to %s", commaList(b.result.Work, b.result.Case), s.kind)
		d, err := r.drive(ctx, s, b.job)
		if err != nil {
			return err
		}
		c := &contender{driver: d, result: b.result}
		c.result.Subject = s.kind
		if s.kind == baseline {
			c.result.Goal = 0
		}
		all = append(all, c)
	}
	err = r.turns(ctx, b, all)
	r.conclude(all)
	return errors.Join(err, r.profiles(ctx, b, all))
}

// turns lets the contenders have their turns, one after another, until all are done or
// something got lost.
func (r *run) turns(ctx context.Context, b bench, all []*contender) error {
	for _, c := range all {
		if err := c.prepare(ctx, b.warm); err != nil {
			return err
		}
	}
	for n := range r.Turns {
		for _, c := range all {
			if err := c.prepare(ctx, b.before); err != nil {
				return err
			}
			if err := c.turn(ctx, b.scale); err != nil {
				return fmt.Errorf("%s, %s, turn %d: %w", b.result.Work, c.result.Subject, n+1, err)
			}
			t := c.result.Turns[n]
			r.say("%s: turn %d of %d, %s: %d in %.1f s, %.4g %s", commaList(b.result.Work, b.result.Case),
				n+1, r.Turns, c.result.Subject, t.Work, t.Seconds, t.Value, c.result.Unit)
			if !c.result.Intact() {
				return nil // what follows would only repeat it
			}
		}
	}
	return nil
}

// prepare does a step that is not measured, if there is one.
func (c *contender) prepare(ctx context.Context, step string) error {
	if step == "" {
		return nil
	}
	if _, err := c.step(ctx, step); err != nil {
		return fmt.Errorf("prepare %s: %w", c.result.Subject, err)
	}
	return nil
}

// turn measures one.
func (c *contender) turn(ctx context.Context, scale float64) error {
	before, err := c.subject.use.CPU()
	if err != nil {
		return err
	}
	o, err := c.step(ctx, stepTurn)
	if err != nil {
		return err
	}
	after, err := c.subject.use.CPU()
	if err != nil {
		return err
	}
	t := figures.Turn{Work: o.Work, Seconds: o.Seconds, CPUSeconds: (after - before).Seconds()}
	if o.Work > 0 {
		t.Value = t.CPUSeconds / float64(o.Work) * scale
	}
	c.result.Turns = append(c.result.Turns, t)
	c.result.Lost += o.Lost
	c.result.Duplicated += o.Duplicated
	c.result.Reordered += o.Reordered
	return nil
}

// conclude works out the results of those who have had a turn.
func (r *run) conclude(all []*contender) {
	for _, c := range all {
		if len(c.result.Turns) == 0 {
			continue
		}
		c.result.Sum()
		if base := all[0].result; base.Subject == baseline && c != all[0] {
			c.result.Against(base)
		}
		r.results = append(r.results, c.result)
	}
}

// profiles has each server do one more turn, which does not count, and saves where its time
// went.
func (r *run) profiles(ctx context.Context, b bench, all []*contender) error {
	if r.Profile == "" {
		return nil
	}
	if err := os.MkdirAll(r.Profile, 0o755); err != nil {
		return err
	}
	for _, c := range all {
		if c.subject.ops == "" || len(c.result.Turns) == 0 {
			continue
		}
		name := filepath.Join(r.Profile, fileName(b.result.Work, b.result.Case, c.result.Subject)+".pprof")
		seconds := max(1, int(c.result.Turns[0].Seconds))
		saved := make(chan error, 1)
		go func() {
			saved <- download(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", c.subject.ops, seconds), name)
		}()
		_, err := c.step(ctx, stepTurn)
		if err = errors.Join(err, <-saved); err != nil {
			return fmt.Errorf("take a profile: %w", err)
		}
		r.say("saved %s", name)
	}
	return nil
}

// fileName makes a name out of words that are for people.
func fileName(words ...string) string {
	var name []rune
	for _, c := range fmt.Sprint(words) {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			name = append(name, c)
		case len(name) > 0 && name[len(name)-1] != '-':
			name = append(name, '-')
		}
	}
	for len(name) > 0 && name[len(name)-1] == '-' {
		name = name[:len(name)-1]
	}
	return string(name)
}

// download saves what is found at an address.
func download(ctx context.Context, url, file string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o644)
}

// get reads a page of a server's listener for operators.
func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // what compresses takes more memory than many sessions
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
