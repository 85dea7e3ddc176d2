package swarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"monarch/internal/process"
)

// job is what a driver process is told on the first line of its input.
type job struct {
	Work  string        `json:"work"`
	Addr  string        `json:"addr"` // of the notification server, or of the baseline
	Bare  bool          `json:"bare"` // it is the baseline
	Crowd crowd         `json:"crowd"`
	Turn  time.Duration `json:"turn"`

	// Of a cluster: the notification servers of all nodes, for a load that spreads people over
	// them, one after the other.
	Nodes []string `json:"nodes,omitempty"`

	// Of nodes that are restarted: the dispatch servers of all, each of a host of its own.
	Dispatch []string `json:"dispatch,omitempty"`

	Relay  RelayCase  `json:"relay,omitzero"`
	Signin SigninCase `json:"signin,omitzero"`
	Soak   SoakCase   `json:"soak,omitzero"`
	Share  share      `json:"share,omitzero"`
}

// at is where somebody connects.
func (j job) at(i int) string {
	if len(j.Nodes) == 0 {
		return j.Addr
	}
	return j.Nodes[i%len(j.Nodes)]
}

// Words that go to and fro.
const (
	wordReady = "ready" // of a driver: everybody is connected
	stepTurn  = "turn"  // to a driver: do what is measured
	stepTouch = "touch" // change everybody's lists
)

// outcome is a driver's answer to a step.
type outcome struct {
	Work    int64   `json:"work"` // units done
	Seconds float64 `json:"seconds"`
	Tally
	Extra map[string]float64 `json:"extra,omitempty"`
	Error string             `json:"error,omitempty"`
}

// driver is a driver process, from outside.
type driver struct {
	*process.Process
	subject *subject // that it drives; nil: nodes, which come and go
}

// drive starts a driver and waits until it is ready for the first step.
func (r *run) drive(ctx context.Context, s *subject, j job) (*driver, error) {
	p, err := process.Spawn(ctx, "driver", os.Environ(), r.Progress, r.Self, "drive")
	if err != nil {
		return nil, err
	}
	d, name := &driver{Process: p, subject: s}, "nodes"
	if s != nil {
		j.Addr, j.Bare, name = s.addr, s.kind == baseline, s.Name()
	}
	word := ""
	if err = json.NewEncoder(p.In).Encode(j); err == nil {
		word, err = d.hear(ctx)
	}
	if err == nil && word != wordReady {
		err = fmt.Errorf("the driver says %q", word)
	}
	if err != nil {
		_ = d.Stop() // the first error tells more
		return nil, fmt.Errorf("connect everybody to the %s: %w", name, err)
	}
	return d, nil
}

// step has the driver do one step of its work.
func (d *driver) step(ctx context.Context, name string) (outcome, error) {
	var o outcome
	if _, err := fmt.Fprintln(d.In, name); err != nil {
		return o, errors.Join(d.Gone(), err)
	}
	line, err := d.hear(ctx)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal([]byte(line), &o); err != nil {
		return o, fmt.Errorf("the driver says %q: %w", line, err)
	}
	if o.Error != "" && d.subject == nil {
		return o, errors.New(o.Error)
	}
	if o.Error != "" {
		return o, d.subject.Explain(errors.New(o.Error))
	}
	return o, nil
}

// hear waits for the driver, and notices when its subject ends.
func (d *driver) hear(ctx context.Context) (string, error) {
	if d.subject == nil {
		return d.Line(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-d.subject.Ended:
			cancel(d.subject.Explain(d.subject.Gone()))
		case <-ctx.Done():
		}
	}()
	return d.Line(ctx)
}
