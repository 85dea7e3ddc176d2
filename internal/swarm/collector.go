package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/pprof/profile"

	"monarch/internal/figures"
)

const (
	collectorSeconds = 4 // how long a profile is
	metricCycles     = "go_gc_cycles_total_gc_cycles_total"
)

// collecting is what the collector runs: one of these is on the stack of everything it does.
// What is not here is the waiting of whoever asked for a cycle.
var collecting = []string{
	"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.gcMarkDone",
	"runtime.gcMarkTermination", "runtime.sweepone",
}

// gcCycle returns what a cycle of the collector costs the server, in processor time: what
// profiles say of its functions while one cycle is forced after the other. The runtime's own
// figure is no help, since it counts time in which others had the processor.
func (s *subject) gcCycle(ctx context.Context, turns int) (time.Duration, error) {
	var all []time.Duration
	for range turns {
		one, err := s.collect(ctx)
		if err != nil {
			return 0, err
		}
		all = append(all, one)
	}
	return figures.Median(all), nil
}

// collect does that once.
func (s *subject) collect(ctx context.Context) (time.Duration, error) {
	before, err := s.metric(ctx, metricCycles)
	if err != nil {
		return 0, err
	}
	type answer struct {
		body []byte
		err  error
	}
	taken := make(chan answer, 1)
	go func() {
		body, err := get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.ops, collectorSeconds))
		taken <- answer{body, err}
	}()
	for {
		select {
		case a := <-taken:
			if a.err != nil {
				return 0, fmt.Errorf("take a profile of the collector: %w", a.err)
			}
			after, err := s.metric(ctx, metricCycles)
			if err != nil {
				return 0, err
			}
			all, err := collectorTime(a.body)
			return time.Duration(float64(all) / (after - before)), err
		default:
			if _, err := get(ctx, "http://"+s.ops+"/debug/pprof/heap?gc=1"); err != nil {
				return 0, fmt.Errorf("force a garbage collection: %w", err)
			}
		}
	}
}

// collectorTime returns how much of the processor time in a profile the collector had.
func collectorTime(body []byte) (time.Duration, error) {
	p, err := profile.Parse(bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("read a profile: %w", err)
	}
	which := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "cpu" && v.Unit == "nanoseconds" })
	if which < 0 {
		return 0, errors.New("read a profile: it does not tell processor time")
	}
	var all, others int64
	for _, s := range p.Sample {
		if slices.ContainsFunc(s.Location, ofCollector) {
			all += s.Value[which]
		} else {
			others += s.Value[which]
		}
	}
	if all == 0 && others > int64(time.Second) { // else the server did next to nothing
		return 0, errors.New("a profile has nothing of the garbage collector; its functions may have other names now")
	}
	return time.Duration(all), nil
}

func ofCollector(l *profile.Location) bool {
	return slices.ContainsFunc(l.Line, func(l profile.Line) bool {
		return l.Function != nil && slices.Contains(collecting, l.Function.Name)
	})
}
