// Package process runs programs as processes of their own, above all the server as operators
// run it, hears what they say and ends them. It belongs to the programs that measure and
// torture; what is done to a server that runs is left to them.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// leaveTime is how long a process may take to end when it is told to.
const leaveTime = 30 * time.Second

// Process is a child and what it says.
type Process struct {
	In    io.WriteCloser  // its standard input
	Ended <-chan struct{} // closed when it is gone

	name  string
	cmd   *exec.Cmd
	log   *tail         // what it wrote to standard error, unless somebody else reads that
	lines chan string   // of its standard output
	over  chan struct{} // closed when nobody reads them any more
	hush  func()        // closes over
	shot  atomic.Bool   // it was told to end
	err   error         // why it ended; set before Ended is closed
}

// Spawn starts a child that is told to end when ctx does. The end of what it writes to standard
// error is kept for errors, unless stderr takes it.
func Spawn(ctx context.Context, name string, env []string, stderr io.Writer, argv ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Stderr = env, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaveTime
	return Start(name, cmd)
}

// Start starts a command as a child.
func Start(name string, cmd *exec.Cmd) (*Process, error) {
	log := new(tail)
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
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
	ended := make(chan struct{})
	p := &Process{In: in, Ended: ended, name: name, cmd: cmd, log: log, lines: make(chan string), over: make(chan struct{})}
	p.hush = sync.OnceFunc(func() { close(p.over) })
	go func() {
		p.listen(out)
		p.err = cmd.Wait()
		close(ended)
	}()
	return p, nil
}

// listen passes on what the child says until it ends.
func (p *Process) listen(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		select {
		case p.lines <- lines.Text():
		case <-p.over:
		}
	}
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Name is what errors call it.
func (p *Process) Name() string { return p.name }

// Line returns the next line the child says.
func (p *Process) Line(ctx context.Context) (string, error) {
	select {
	case line := <-p.lines:
		return line, nil
	case <-p.Ended:
		return "", p.Gone()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Hush says that nobody will read its lines any more.
func (p *Process) Hush() { p.hush() }

// Gone says that the child has ended when it should not have. It waits for the end.
func (p *Process) Gone() error {
	<-p.Ended
	return errors.Join(fmt.Errorf("the %s has ended", p.name), p.err)
}

// Running reports whether the process is there and to stay.
func (p *Process) Running() bool { return !p.shot.Load() && !p.hasEnded() }

// Fell reports whether it ended without being told to.
func (p *Process) Fell() bool { return p.hasEnded() && !p.shot.Load() }

func (p *Process) hasEnded() bool {
	select {
	case <-p.Ended:
		return true
	default:
		return false
	}
}

// Shoot ends the child as nothing else does, in the middle of whatever it does, and does not
// wait for that.
func (p *Process) Shoot() {
	p.hush()
	p.shot.Store(true)
	_ = p.cmd.Process.Kill() // or it has ended
}

// Kill is Shoot, and waits for the end.
func (p *Process) Kill() {
	p.Shoot()
	<-p.Ended
}

// Stop ends the child: one that listens by the end of its input, any by a signal, and in the
// end by force. Whether it fell before is for others to say.
func (p *Process) Stop() error {
	p.hush()
	p.In.Close()
	if p.hasEnded() {
		return nil
	}
	p.shot.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // or it ends just now
	force := time.AfterFunc(leaveTime, func() { _ = p.cmd.Process.Kill() })
	defer force.Stop()
	<-p.Ended
	var exit *exec.ExitError
	if errors.As(p.err, &exit) { // the signal may come when it has done with signals
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGTERM {
			return nil
		}
	}
	if p.err == nil || errors.Is(p.err, context.Canceled) { // the latter: the person has had enough
		return nil
	}
	return p.Explain(fmt.Errorf("end the %s: %w", p.name, p.err))
}

// Explain adds to an error what the child said last.
func (p *Process) Explain(err error) error {
	if words := p.log.words(); err != nil && words != "" {
		return fmt.Errorf("%w\nits last words:\n%s", err, words)
	}
	return err
}

// tail keeps the end of what is written to it.
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

func (t *tail) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimRight(string(t.text), "\n")
}
