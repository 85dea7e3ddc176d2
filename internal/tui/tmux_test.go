package tui_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take to show.
const patience = 20 * time.Second

// build builds the program under test.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "monarch")
	if out, err := exec.Command("go", "build", "-o", binary, "monarch/cmd/monarch").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// service is a running server on a directory of its own.
type service struct {
	t      *testing.T
	binary string
	dir    string
	args   []string // after serve
	cmd    *exec.Cmd
	addrs  map[string]string // by name of the listener
	log    *strings.Builder  // complete once it has ended
}

func newService(t *testing.T, binary string, args ...string) *service {
	t.Helper()
	s := &service{t: t, binary: binary, dir: t.TempDir(), args: args, addrs: make(map[string]string), log: new(strings.Builder)}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	return s
}

// listenerKeys are the settings of the listeners by the name serve prints.
var listenerKeys = map[string]string{
	"dispatch": "DISPATCH_LISTEN", "notification": "NOTIFICATION_LISTEN", "switchboard": "SWITCHBOARD_LISTEN",
	"https": "PASSPORT_HTTPS_LISTEN", "http": "PASSPORT_HTTP_LISTEN", "web": "WEB_LISTEN", "ops": "OPS_LISTEN",
}

// environment puts every listener on the port it had before, or on any.
func (s *service) environment() []string {
	env := os.Environ()
	for name, key := range listenerKeys {
		addr := s.addrs[name]
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		env = append(env, "MONARCH_"+key+"="+addr)
	}
	return append(env, "LANG=C.UTF-8", "TZ=UTC")
}

// start starts the server, waits until it is ready, and returns what it said.
func (s *service) start() string {
	s.t.Helper()
	s.cmd = exec.Command(s.binary, append([]string{"serve"}, s.args...)...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = s.dir, s.environment(), s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C ") {
			fmt.Fprintln(&all, lines.Text())
		}
		said <- all.String()
		for lines.Scan() {
			continue // what it says when it stops
		}
	}()
	select {
	case text := <-said:
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)  +(\S+:\d+) `).FindAllStringSubmatch(text, -1) {
			if listenerKeys[m[1]] != "" {
				s.addrs[m[1]] = m[2]
			}
		}
		return text
	case <-time.After(patience):
		s.t.Fatal("the server does not start")
		return ""
	}
}

// stop ends the server, if it runs.
func (s *service) stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	killer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v", err)
	}
}

// account makes an account whose password is its name.
func (s *service) account(name string) {
	s.t.Helper()
	email, nick := name+"@example.com", strings.ToUpper(name[:1])+name[1:]
	cmd := exec.Command(s.binary, "user", "add", email, "--nick", nick, "--password-stdin")
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(name+"-secret\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("add %s: %v\n%s", email, err, out)
	}
}

// terminals is a tmux server of our own, a window in it for each person.
type terminals struct {
	t      *testing.T
	socket string
}

func newTerminals(t *testing.T) *terminals {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("tmux is missing; install the Debian package of that name, as scripts/setup does")
	}
	dir, err := os.MkdirTemp("", "tui") // its name is short: a socket's may not be long
	if err != nil {
		t.Fatal(err)
	}
	ts := &terminals{t, filepath.Join(dir, "tmux")}
	t.Cleanup(func() {
		_ = exec.Command("tmux", "-S", ts.socket, "kill-server").Run() // it ends by itself with the last window
		os.RemoveAll(dir)
	})
	return ts
}

// tmux runs a command of tmux's.
func (ts *terminals) tmux(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-f", "/dev/null", "-S", ts.socket}, args...)...).CombinedOutput()
	return string(out), err
}

// window is one person's terminal.
type window struct {
	t    *testing.T
	ts   *terminals
	name string
}

// open runs a program in a window of 80 by 24.
func (ts *terminals) open(name string, s *service, program ...string) *window {
	ts.t.Helper()
	args := []string{"new-session", "-d", "-s", name, "-x", "80", "-y", "24", "-c", s.dir, "-e", "TZ=UTC", "-e", "LANG=C.UTF-8", "-e", "COLORTERM=truecolor"}
	if out, err := ts.tmux(append(args, program...)...); err != nil {
		ts.t.Fatalf("open a window: %v\n%s", err, out)
	}
	return &window{ts.t, ts, name}
}

func (w *window) must(args ...string) string {
	w.t.Helper()
	out, err := w.ts.tmux(args...)
	if err != nil {
		w.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return out
}

// text types a text.
func (w *window) text(text string) {
	w.t.Helper()
	w.must("send-keys", "-t", w.name, "-l", text)
}

// keys presses keys, by tmux's names.
func (w *window) keys(names ...string) {
	w.t.Helper()
	w.must(append([]string{"send-keys", "-t", w.name}, names...)...)
}

// screen returns what is shown now.
func (w *window) screen() string {
	w.t.Helper()
	return w.must("capture-pane", "-p", "-t", w.name)
}

// until looks at the screen until it is as wanted.
func (w *window) until(what string, wanted func(screen string) bool) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		shown := w.screen()
		if wanted(shown) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%s's screen never had %s; at last:\n%s", w.name, what, shown)
		}
	}
}

// sees waits until texts are on the screen, all at once.
func (w *window) sees(texts ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%q", texts), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// sees no longer.
func (w *window) seesNot(text string) {
	w.t.Helper()
	w.until("lost "+text, func(screen string) bool { return !strings.Contains(screen, text) })
}

// gone waits until the program has ended, and its window with it.
func (w *window) gone() {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.ts.tmux("has-session", "-t", "="+w.name); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%s's messenger does not end:\n%s", w.name, w.screen())
		}
	}
}

// clock is a time of day on a screen.
var clock = regexp.MustCompile(`\b\d\d:\d\d\b`)

// shows waits until the screen is the one kept in docs, but for times and the last line,
// where messages come and go.
func (w *window) shows(name string) {
	w.t.Helper()
	path := filepath.Join("..", "..", "docs", "screens", name+".txt")
	if updating() {
		if err := os.WriteFile(path, []byte(still(w.screen())), 0o644); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until("what docs/screens/"+name+".txt has (go test -update writes it anew)\n"+string(want), func(screen string) bool {
		return still(screen) == string(want)
	})
}

// still returns a screen without what moves.
func still(screen string) string {
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	if len(lines) > 23 {
		lines = lines[:23]
	}
	return clock.ReplaceAllString(strings.Join(lines, "\n"), "12:34") + "\n"
}
