package swarm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// leaveTime is how long a child may take to end when it is told to.
const leaveTime = 20 * time.Second

// process is a child and what it says.
type process struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string   // of its standard output
	over  chan struct{} // closed when nobody reads them any more
	once  sync.Once

	ended chan struct{}
	err   error // why it ended; set before ended is closed
}

// spawn starts a child, which is told to end when ctx does.
func spawn(ctx context.Context, name string, env []string, stderr io.Writer, argv ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Stderr = env, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaveTime
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	p := &process{
		name: name, cmd: cmd, in: in,
		lines: make(chan string), over: make(chan struct{}), ended: make(chan struct{}),
	}
	go p.listen(out)
	return p, nil
}

// listen passes on what the child says until it ends.
func (p *process) listen(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		select {
		case p.lines <- lines.Text():
		case <-p.over:
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// line returns the next line the child says.
func (p *process) line(ctx context.Context) (string, error) {
	select {
	case line := <-p.lines:
		return line, nil
	case <-p.ended:
		return "", p.gone()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// gone says that the child has ended when it should not have.
func (p *process) gone() error {
	return errors.Join(fmt.Errorf("the %s has ended", p.name), p.err)
}

// hush says that nobody will read its lines any more.
func (p *process) hush() { p.once.Do(func() { close(p.over) }) }

// stop ends the child: one that listens by the end of its input, any by a signal, and in the
// end by force.
func (p *process) stop() error {
	p.hush()
	p.in.Close()
	select {
	case <-p.ended:
		return nil // whoever waited for something from it has told why
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // or it ends just now
	force := time.AfterFunc(leaveTime, func() { _ = p.cmd.Process.Kill() })
	defer force.Stop()
	<-p.ended
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signal() == syscall.SIGTERM {
			return nil
		}
	}
	if p.err == nil || errors.Is(p.err, context.Canceled) { // the latter: the person has had enough
		return nil
	}
	return fmt.Errorf("end the %s: %w", p.name, p.err)
}

// tail keeps the end of what is written to it, for errors.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

// explain adds the text to an error.
func (t *tail) explain(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 || err == nil {
		return err
	}
	return fmt.Errorf("%w\nits last words:\n%s", err, strings.TrimRight(string(t.text), "\n"))
}
