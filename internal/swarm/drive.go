package swarm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// load is what a driver does: people who are connected, and the steps of their work.
type load interface {
	// step does one step. Its error means that nothing more can be done.
	step(ctx context.Context, name string) (outcome, error)
	// close hangs up and waits until nothing of the load runs any more.
	close()
}

// Drive is a driver process: it reads its job from in, connects everybody, says so on out,
// and then answers each line of in, which names a step, with a line of JSON. It leaves when
// in ends.
func Drive(ctx context.Context, in io.Reader, out, progress io.Writer) error {
	lines := bufio.NewReader(in)
	var j job
	if text, err := lines.ReadBytes('\n'); err != nil {
		return fmt.Errorf("read the job (swarm starts drivers itself): %w", err)
	} else if err := json.Unmarshal(text, &j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	l, err := begins(ctx, j, progress)
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Fprintln(out, wordReady)
	for {
		var name string
		if _, err := fmt.Fscanln(lines, &name); err != nil {
			return nil // the parent has what it wanted
		}
		o, err := l.step(ctx, name)
		if err != nil {
			o.Error = err.Error()
		}
		if err := json.NewEncoder(out).Encode(o); err != nil {
			return err
		}
	}
}

// begins connects everybody for a job.
func begins(ctx context.Context, j job, progress io.Writer) (load, error) {
	switch j.Work {
	case workRelay:
		return newRelay(ctx, j)
	case workFanout:
		return newFanout(ctx, j)
	case workSignin:
		return newVisitors(j), nil
	case workIdle:
		return newIdlers(ctx, j)
	case workCluster:
		return newNeighbours(ctx, j, progress)
	case workSoak:
		return newTown(ctx, j, progress)
	}
	return nil, fmt.Errorf("there is no work %q", j.Work)
}

// signInsAtATime is how many people are connected together: enough to keep both sides busy.
const signInsAtATime = 16

// each calls do for 0 to n-1, some at a time, until all are done or one fails.
func each(ctx context.Context, n, atATime int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, atATime) {
		workers.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// since is the time from a moment in seconds.
func since(t time.Time) float64 { return time.Since(t).Seconds() }
