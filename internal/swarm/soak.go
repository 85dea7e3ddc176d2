package swarm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"monarch/internal/figures"
)

const workSoak = "soak"

// SoakCase says how many people live with the server, and for how long.
type SoakCase struct {
	People   int           `json:"people"`
	Contacts int           `json:"contacts"` // of each
	Length   time.Duration `json:"length"`
	Pace     time.Duration `json:"pace"` // how long somebody does nothing between two things, on average
	Nodes    int           `json:"nodes"`
	Roll     time.Duration `json:"roll"` // how often one of several nodes is restarted; 0: never
}

func (c SoakCase) String() string {
	if c.Nodes > 1 && c.Roll > 0 {
		return fmt.Sprintf("%d people, %s, a node restarted every %s", c.People, c.Length, c.Roll)
	}
	return fmt.Sprintf("%d people, %s", c.People, c.Length)
}

// Names of what a soak tells beside losses.
const (
	extraFailures = "failures"
	extraOnline   = "on line at the end"
	extraCutShort = "conversations that ended with their node"
	extraRestarts = "restarts of a node"
)

const (
	sampleEvery = 5 * time.Second  // how often the memory is read
	tellEvery   = 30 * time.Second // how often the person who waits is told
)

// flatGoal is how much more memory a server may have in the last third of a soak than in the
// second.
const flatGoal = 1.1

// Soak has people do everything at once, and looks whether anything gets lost and the memory
// stays what it is; or, with several nodes, they are restarted one after the other.
func Soak(ctx context.Context, c Config, s SoakCase) (figures.Report, error) {
	return measure(ctx, c, c.Engines, func(r *run, ctx context.Context, engine string) error {
		if s.Nodes > 1 {
			return r.soakNodes(ctx, s, engine)
		}
		return r.soak(ctx, s, engine)
	})
}

func (r *run) soak(ctx context.Context, c SoakCase, engine string) (err error) {
	dir, crowd, err := r.accounts(ctx, plan{Shape: ring, People: c.People, Contacts: c.Contacts})
	if err != nil {
		return err
	}
	data := filepath.Join(r.dir, "server-"+engine)
	if err := copyAccounts(dir, data); err != nil {
		return err
	}
	s, err := r.startServer(ctx, engine, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	r.say("soak: signing %d people in to %s", c.People, engine)
	d, err := r.drive(ctx, s, job{Work: workSoak, Crowd: crowd, Soak: c, Turn: min(sampleEvery, c.Length/12)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	before, err := s.use.CPU()
	if err != nil {
		return err
	}
	began, o := time.Now(), outcome{}
	for told := began; time.Since(began) < c.Length; {
		if o, err = d.step(ctx, stepTurn); err != nil {
			break
		}
		if err = r.sample(s, since(began), o); err != nil {
			break
		}
		if time.Since(told) >= tellEvery {
			told = time.Now()
			r.tellSoak(told.Sub(began), o)
		}
	}
	if err == nil {
		r.say("soak: everybody comes to rest")
		o, err = d.step(ctx, stepEnd)
	}
	after, cpuErr := s.use.CPU()
	r.concludeSoak(c, engine, o, after-before, since(began))
	return errors.Join(err, cpuErr)
}

// sample reads the server's memory.
func (r *run) sample(s *subject, seconds float64, o outcome) error {
	rss, err := s.use.RSS()
	r.samples = append(r.samples, figures.Sample{
		Subject: s.kind, Seconds: seconds, RSS: rss, People: int64(o.Extra[extraOnline]),
	})
	return err
}

func (r *run) tellSoak(after time.Duration, o outcome) {
	r.say("soak: %s: %.0f on line, %.0f messages in %.0f conversations, %.0f sign-ins, %.0f lines of status, "+
		"%d lost, %d duplicated, %d out of order, %.0f failures; %d MiB",
		after.Round(time.Second), o.Extra[extraOnline], o.Extra["messages"], o.Extra["conversations"], o.Extra["sign-ins"],
		o.Extra["status lines"], o.Lost, o.Duplicated, o.Reordered, o.Extra[extraFailures], r.samples[len(r.samples)-1].RSS>>20)
}

// concludeSoak makes the results: what was said and lost, and how the memory went.
func (r *run) concludeSoak(c SoakCase, engine string, o outcome, cpu time.Duration, seconds float64) {
	t := figures.Turn{Work: o.Work, Seconds: seconds, CPUSeconds: cpu.Seconds(), Value: 100 * cpu.Seconds() / seconds}
	r.results = append(r.results, figures.Result{
		Work: workSoak, Case: c.String(), Subject: engine, Unit: "% of a processor",
		Turns: []figures.Turn{t}, Value: t.Value, Extra: o.Extra,
		Lost: o.Lost, Duplicated: o.Duplicated, Reordered: o.Reordered,
	})
	if second, last := thirds(r.samples, engine); second > 0 {
		r.results = append(r.results, figures.Result{
			Work: workSoak, Case: "memory, last third to the second", Subject: engine, Unit: "times",
			Value: float64(last) / float64(second), Goal: flatGoal,
			Extra: map[string]float64{"MiB in the second third": float64(second) / (1 << 20), "MiB in the last": float64(last) / (1 << 20)},
		})
	}
}

// thirds returns the median memory of a subject in the second third of the samples and in the
// last.
func thirds(samples []figures.Sample, subject string) (second, last int64) {
	var rss []int64
	for _, s := range samples {
		if s.Subject == subject {
			rss = append(rss, s.RSS)
		}
	}
	third := len(rss) / 3
	return figures.Median(rss[third : 2*third]), figures.Median(rss[2*third:])
}
