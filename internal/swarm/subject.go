package swarm

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"monarch/internal/figures"
)

// baseline is the name of the bare baseline among the subjects.
const baseline = "bare"

// startTime is how long a subject may take until it serves.
const startTime = 30 * time.Second

// subject is a process under test.
type subject struct {
	*process
	kind string // baseline, or the engine of a server
	use  figures.Process
	addr string // where drivers connect
	ops  string // where a server tells about itself; "" for the baseline
	log  *tail
}

// startBare starts the baseline.
func (r *run) startBare(ctx context.Context) (*subject, error) {
	log := new(tail)
	p, err := spawn(ctx, "baseline", os.Environ(), log, r.Self, "bare")
	if err != nil {
		return nil, err
	}
	s := &subject{process: p, kind: baseline, use: figures.Of(p.cmd.Process.Pid), log: log}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s.addr, err = p.line(ctx)
	return s.started(err)
}

// listenerLine is how the server tells of a listener.
var listenerLine = regexp.MustCompile(`^  ([a-z]+)  +(\S+:\d+) `)

// startServer starts a server with an engine on a data directory.
func (r *run) startServer(ctx context.Context, engine, data string) (*subject, error) {
	log := new(tail)
	p, err := spawn(ctx, "server", serverEnvironment(engine, data), log, r.Monarch, "serve")
	if err != nil {
		return nil, err
	}
	s := &subject{process: p, kind: engine, use: figures.Of(p.cmd.Process.Pid), log: log}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for s.ops == "" && err == nil { // the last listener it tells
		var line string
		line, err = p.line(ctx)
		if m := listenerLine.FindStringSubmatch(line); m != nil {
			switch m[1] {
			case "notification":
				s.addr = m[2]
			case "ops":
				s.ops = m[2]
			}
		}
	}
	return s.started(err)
}

// started returns the subject if it is there, and else ends what there is of it.
func (s *subject) started(err error) (*subject, error) {
	s.hush()
	if err == nil {
		if _, _, err = net.SplitHostPort(s.addr); err == nil {
			return s, nil
		}
	}
	_ = s.stop() // the first error tells more
	return nil, fmt.Errorf("start the %s: %w", s.name, s.log.explain(err))
}

// serverEnvironment is the configuration of a server under load, which nothing outside
// changes: any free ports, and no limits of how often or how long.
func serverEnvironment(engine, data string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MONARCH_") {
			env = append(env, v)
		}
	}
	for _, key := range []string{
		"DISPATCH_LISTEN", "NOTIFICATION_LISTEN", "SWITCHBOARD_LISTEN", "PASSPORT_HTTPS_LISTEN", "PASSPORT_HTTP_LISTEN", "OPS_LISTEN",
	} {
		env = append(env, "MONARCH_"+key+"=127.0.0.1:0")
	}
	env = append(env,
		"MONARCH_DATA_DIR="+data,
		"MONARCH_LIMITS_RATES=off",
		"MONARCH_LIMITS_TICKET_LIFE=24h",
		"MONARCH_LIMITS_SWITCHBOARD_IDLE=24h",
	)
	if engine != DefaultEngine {
		env = append(env, "MONARCH_CONN_ENGINE="+engine)
	}
	return env
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
				_ = s.stop() // the first error tells more
			}
			return nil, err
		}
	}
	return all, nil
}
