package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// patience is how long a server may take to start or to stop.
const patience = 30 * time.Second

var programs msntest.Programs

func TestMain(m *testing.M) { os.Exit(programs.Main(m, ".")) }

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	addrs  map[string]string // by name of the listener
	said   chan string       // everything on standard output, once it has ended
	errout *strings.Builder  // standard error; complete once it has ended
	ended  bool
}

// listenerKeys are the settings of all listeners.
var listenerKeys = []string{
	"DISPATCH_LISTEN", "NOTIFICATION_LISTEN", "SWITCHBOARD_LISTEN", "PASSPORT_HTTPS_LISTEN", "PASSPORT_HTTP_LISTEN",
	"WEB_LISTEN", "OPS_LISTEN",
}

// environment lets every listener take any free port.
func environment() []string {
	env := os.Environ()
	for _, key := range listenerKeys {
		env = append(env, "MONARCH_"+key+"=127.0.0.1:0")
	}
	return env
}

// serve starts a server in dir and waits until it is ready.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{
		cmd:    exec.Command(programs.Path("monarch"), append([]string{"serve"}, args...)...),
		addrs:  make(map[string]string),
		said:   make(chan string, 1),
		errout: new(strings.Builder),
	}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, environment(), p.errout
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.ended {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", p.errout)
		}
	})
	listeners := make(chan string)
	go p.listen(out, listeners)
	deadline := time.After(patience)
	for len(p.addrs) < len(listenerKeys) {
		select {
		case line, ok := <-listeners:
			if !ok {
				t.Fatal("the server ended while it started")
			}
			f := strings.Fields(line)
			p.addrs[f[0]] = f[1]
		case <-deadline:
			t.Fatalf("the server has not told its listeners, only %v", p.addrs)
		}
	}
	p.awaitReady(t)
	return p
}

// listen reads standard output and passes on the lines about listeners.
func (p *process) listen(out io.Reader, listeners chan<- string) {
	var all strings.Builder
	listener := regexp.MustCompile(`^  [a-z]+  +\S+:\d+ `)
	told := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		if told < len(listenerKeys) && listener.MatchString(lines.Text()) {
			told++
			listeners <- lines.Text()
		}
	}
	close(listeners)
	p.said <- all.String()
}

// awaitReady polls /readyz.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addrs["ops"]+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the server is not ready: %v", err)
		}
	}
}

// stop sends SIGTERM, waits for the end, and returns what the server said.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var said string
	select {
	case said = <-p.said:
	case <-time.After(patience):
		t.Fatal("the server runs on after SIGTERM")
	}
	p.ended = true
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("the server ended with %v", err)
	}
	return said
}

// run runs another command in dir.
func run(t *testing.T, dir, stdin string, args ...string) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, programs.Path("monarch"), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, environment(), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// ok runs a command that must succeed and say something.
func ok(t *testing.T, dir, stdin, want string, args ...string) {
	t.Helper()
	if out, code := run(t, dir, stdin, args...); code != 0 || !strings.Contains(out, want) {
		t.Errorf("%q: exit code %d, want %q in:\n%s", args, code, want, out)
	}
}

func TestServeAndManage(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	ok(t, dir, "secret\n", "Added alice@example.com", "user", "add", "alice@example.com", "--nick", "Alice", "--password-stdin")
	ok(t, dir, "", "alice@example.com  Alice  -", "user", "list")
	ok(t, dir, "", "Nobody is signed in.", "session", "list")
	ok(t, dir, "", "Told 0 people", "notice", "--shutdown-in", "5m")
	ok(t, dir, "", "Wrote copy.db", "backup", "copy.db")
	if out, code := run(t, dir, "", "serve"); code != 1 || !strings.Contains(out, "already") {
		t.Errorf("second server: exit code %d\n%s", code, out)
	}
	silent, err := net.Dial("tcp", p.addrs["notification"])
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	said := p.stop(t)
	if !strings.Contains(said, "user add alice@example.com") || !strings.HasSuffix(said, "Stopped.\n") {
		t.Errorf("the server said:\n%s", said)
	}
	if strings.Contains(said+p.errout.String(), "secret") {
		t.Error("the server told a password")
	}
	ok(t, dir, "", "alice@example.com", "user", "list")
	ok(t, dir, "", "the server does not run", "session", "list")
}

func TestServeComesBackAfterAKill(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	ok(t, dir, "secret\n", "Added", "user", "add", "alice@example.com", "--password-stdin")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.said
	p.ended = true
	_ = p.cmd.Wait() // killed, as it tells
	ok(t, dir, "", "alice@example.com", "user", "list")
	p = serve(t, dir)
	ok(t, dir, "", "Nobody is signed in.", "session", "list")
	p.stop(t)
}

func TestDemo(t *testing.T) {
	dir := t.TempDir()
	password := regexp.MustCompile(`(?m)^  (\w+@example\.com) +password (\w+)$`)
	demo := func() [][]string {
		p := serve(t, dir, "--demo")
		ok(t, dir, "", "bob@example.com        Bob        FL AL RL  Friends", "--data", "monarch-demo", "contacts", "alice@example.com")
		ok(t, dir, "", "alice@example.com", "--data", "monarch-demo", "user", "list")
		awaitButterfly(t, dir)
		said := p.stop(t)
		if !strings.Contains(p.errout.String(), "msg=stopping sessions=0") {
			t.Error("the bot was still signed in when the server stopped")
		}
		if !strings.HasSuffix(said, "chat alice@example.com\nStopped.\n") {
			t.Errorf("the demonstration does not end with what to do:\n%s", said)
		}
		return password.FindAllStringSubmatch(said, -1)
	}
	first := demo()
	if len(first) != 4 {
		t.Fatalf("people with passwords: %q", first)
	}
	if second := demo(); fmt.Sprint(second) != fmt.Sprint(first) {
		t.Errorf("the second start said %q, the first %q", second, first)
	}
	ok(t, dir, "other\n", "changed", "--data", "monarch-demo", "user", "passwd", "dave@example.com", "--password-stdin")
	if third := demo(); len(third) != 3 {
		t.Errorf("after a change of dave's password: %q", third)
	}
}

// awaitButterfly asks who is signed in until the bot is.
func awaitButterfly(t *testing.T, dir string) {
	t.Helper()
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		out, _ := run(t, dir, "", "--data", "monarch-demo", "session", "list")
		if strings.Contains(out, "butterfly@example.com") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the bot does not sign in:\n%s", out)
		}
	}
}

func TestServeSaysWhyItCannotStart(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	busy := "[ops]\nlisten = \"" + p.addrs["dispatch"] + "\"\n"
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "busy.toml"), []byte(busy), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(programs.Path("monarch"), "serve", "--config", "busy.toml")
	cmd.Dir = other
	for _, v := range environment() {
		if !strings.HasPrefix(v, "MONARCH_OPS_LISTEN=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Another program uses this port") {
		t.Errorf("on a port that is taken: %v\n%s", err, out)
	}
	p.stop(t)
}
