package swarm

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"monarch/internal/figures"
	"monarch/internal/process"
)

// baseline is the name of the bare baseline among the subjects.
const baseline = "bare"

// startTime is how long the baseline may take until it serves.
const startTime = 30 * time.Second

// subject is a process under test.
type subject struct {
	*process.Process
	kind string // baseline, or the engine of a server
	use  figures.Process
	addr string // where drivers connect
	ops  string // where a server tells about itself; "" for the baseline
}

// startBare starts the baseline.
func (r *run) startBare(ctx context.Context) (*subject, error) {
	p, err := process.Spawn(ctx, "baseline", os.Environ(), nil, r.Self, "bare")
	if err != nil {
		return nil, err
	}
	defer p.Hush()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	addr, err := p.Line(ctx)
	if err == nil {
		_, _, err = net.SplitHostPort(addr)
	}
	if err != nil {
		_ = p.Stop() // the first error tells more
		return nil, p.Explain(fmt.Errorf("start the baseline: %w", err))
	}
	return &subject{Process: p, kind: baseline, use: figures.Of(p.PID()), addr: addr}, nil
}

// startServer starts a server with an engine on a data directory, on which nothing is limited by
// how long it takes either.
func (r *run) startServer(ctx context.Context, engine, data string) (*subject, error) {
	settings := map[string]string{"limits.ticket_life": "24h", "limits.switchboard_idle": "24h"}
	if engine != DefaultEngine {
		settings["conn.engine"] = engine
	}
	p, err := process.Spawn(ctx, "server", process.Environment(data, settings), nil, r.Monarch, "serve")
	if err != nil {
		return nil, err
	}
	addrs, err := p.Listeners(ctx)
	if err != nil {
		_ = p.Stop() // the first error tells more
		return nil, err
	}
	return &subject{Process: p, kind: engine, use: figures.Of(p.PID()), addr: addrs["notification"], ops: addrs["ops"]}, nil
}

// subjects starts the baseline, if it is wanted, and a server with each engine, each on a
// copy of the accounts in dir. On error those that have started are stopped.
func (r *run) subjects(ctx context.Context, dir string, withBare bool) ([]*subject, error) {
	var all []*subject
	if withBare {
		s, err := r.startBare(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for _, engine := range r.Engines {
		data := filepath.Join(r.dir, "server-"+engine)
		err := copyAccounts(dir, data)
		if err == nil {
			var s *subject
			if s, err = r.startServer(ctx, engine, data); err == nil {
				all = append(all, s)
			}
		}
		if err != nil {
			for _, s := range all {
				_ = s.Stop() // the first error tells more
			}
			return nil, err
		}
	}
	return all, nil
}
