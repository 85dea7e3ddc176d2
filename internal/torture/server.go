package torture

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"

	"monarch/internal/process"
)

// server is a running server.
type server struct {
	*process.Process
	dir   string            // its data directory
	addrs map[string]string // by name of the listener
}

// start starts a server, on a disk of ours unless that is nil, and waits until it serves. If it
// does not, or ctx ends before, there is none any more and the error says what it said.
func (r *run) start(ctx context.Context, settings map[string]string, d *disk) (*server, error) {
	cmd := exec.Command(r.Monarch, "serve")
	cmd.Env = process.Environment(r.dir, settings)
	confined := func() error { return nil }
	if d != nil {
		var err error
		if confined, err = d.confine(cmd, r.Self); err != nil {
			return nil, err
		}
	}
	p, err := process.Start("server", cmd)
	if err != nil {
		return nil, err
	}
	s := &server{Process: p, dir: r.dir}
	if err = p.Explain(confined()); err == nil {
		s.addrs, err = p.Listeners(ctx)
	}
	if err != nil {
		p.Kill()
		return nil, err
	}
	return s, nil
}

// stop ends the server as operators do.
func (s *server) stop() error {
	if s.Fell() {
		return s.Explain(s.Gone())
	}
	return s.Stop()
}

// metric reads a counter, or the sum of those whose line begins so.
func (s *server) metric(ctx context.Context, prefix string) (float64, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addrs["ops"]+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	sum := 0.0
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			var v float64
			if _, err := fmt.Sscan(rest[strings.LastIndexByte(rest, ' ')+1:], &v); err == nil {
				sum += v
			}
		}
	}
	return sum, lines.Err()
}
