package torture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	startTime = 60 * time.Second // a server may take to start
	leaveTime = 30 * time.Second // and to stop when it is told to
)

// server is a running server.
type server struct {
	cmd   *exec.Cmd
	dir   string            // its data directory
	addrs map[string]string // by name of the listener
	log   *tail             // what it wrote to standard error
	dead  atomic.Bool       // it was told to end
	ended chan struct{}     // closed when the process is gone
	err   error             // why; set before ended is closed
}

// listenerLine is how the server tells of a listener.
var listenerLine = regexp.MustCompile(`^  ([a-z]+)  +(\S+:\d+) `)

// await reads what a started server says until it has told all its listeners.
func (s *server) await(ctx context.Context, out io.Reader) error {
	lines := make(chan string)
	over := make(chan struct{})
	defer close(over)
	go func() { // ends with the process
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-over:
			}
		}
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for s.addrs["ops"] == "" { // the last that it tells
		select {
		case line := <-lines:
			if m := listenerLine.FindStringSubmatch(line); m != nil {
				s.addrs[m[1]] = m[2]
			}
		case <-s.ended:
			return s.log.explain(errors.Join(errors.New("the server ended while it started"), s.err))
		case <-ctx.Done():
			return s.log.explain(fmt.Errorf("the server does not start: %w", context.Cause(ctx)))
		}
	}
	return nil
}

// start starts a server, on a disk of ours unless that is nil, and waits until it serves. If it does not, or ctx ends before, there is none any more and the error says what it
// said.
func (r *run) start(ctx context.Context, settings map[string]string, d *disk) (*server, error) {
	s := &server{cmd: exec.Command(r.Monarch, "serve"), dir: r.dir, addrs: make(map[string]string), log: new(tail), ended: make(chan struct{})}
	s.cmd.Env, s.cmd.Stderr = environment(r.dir, settings), s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	confined := func() error { return nil }
	if d != nil {
		if confined, err = d.confine(s.cmd, r.Self); err != nil {
			return nil, err
		}
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := confined(); err != nil {
		_ = s.cmd.Process.Kill()
		return nil, s.log.explain(errors.Join(err, s.cmd.Wait()))
	}
	if err := s.await(ctx, out); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// kill ends the server as nothing else does: in the middle of whatever it does.
func (s *server) kill() {
	s.shoot()
	<-s.ended
}

// shoot is kill without waiting.
func (s *server) shoot() {
	s.dead.Store(true)
	_ = s.cmd.Process.Kill() // or it has ended
}

// fell reports whether the server ended without being told to.
func (s *server) fell() bool {
	select {
	case <-s.ended:
		return !s.dead.Load()
	default:
		return false
	}
}

// running reports whether the process is there and to stay.
func (s *server) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return !s.dead.Load()
	}
}

// stop ends the server as operators do.
func (s *server) stop() error {
	s.dead.Store(true)
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // or it has ended
	force := time.AfterFunc(leaveTime, func() { _ = s.cmd.Process.Kill() })
	defer force.Stop()
	<-s.ended
	if s.err != nil {
		return s.log.explain(fmt.Errorf("stop the server: %w", s.err))
	}
	return nil
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

// environment is the configuration of a tortured server, which nothing outside changes: free
// ports, and no limits of how often things may be done unless settings say so.
func environment(dir string, settings map[string]string) []string {
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
	env = append(env, "MONARCH_DATA_DIR="+dir, "MONARCH_LIMITS_RATES=off")
	for key, value := range settings {
		env = append(env, "MONARCH_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return env
}

// tail keeps the end of what is written to it, for errors.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// explain adds the text to an error.
func (t *tail) explain(err error) error {
	text := strings.TrimRight(t.String(), "\n")
	if text == "" || err == nil {
		return err
	}
	return fmt.Errorf("%w\nits last words:\n%s", err, text)
}
