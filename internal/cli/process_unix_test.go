//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"monarch/internal/audit"
	"monarch/internal/cli"
)

// commandEnv makes a process of these tests the command that its arguments say.
const commandEnv = "CLI_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is a server in a process of its own, with what it has written to the log.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *bufio.Scanner
}

// startServer runs a server until the test ends.
func startServer(t *testing.T, args ...string) *process {
	t.Helper()
	p := start(t, exec.Command(os.Args[0], args...))
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		p.ended()
	})
	p.logs("msg=serving")
	return p
}

// start runs a command of ours, which is killed when it takes five minutes.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { stuck.Stop() })
	return &process{t, cmd, bufio.NewScanner(pipe)}
}

// ended waits for the end, which must be an orderly one.
func (p *process) ended() {
	p.t.Helper()
	p.logs("msg=stopped")
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the server ended: %v", err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// logs waits for a line that holds a text, and returns it.
func (p *process) logs(text string) string {
	p.t.Helper()
	for p.log.Scan() {
		if line := p.log.Text(); strings.Contains(line, text) {
			return line
		}
	}
	p.t.Fatalf("the log has no line with %q", text)
	return ""
}

func TestReloadOfARunningServer(t *testing.T) {
	freePorts(t)
	p := newPlace(t)
	file := filepath.Join(t.TempDir(), "monarch.toml")
	configure := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := p.run("", "reload"); r.code != 1 || !strings.Contains(r.errout, "no server is running") ||
		!strings.Contains(r.errout, "monarch --data "+p.dir+" serve") {
		t.Errorf("without a server: %+v", r)
	}
	configure("")
	server := startServer(t, "--config", file, "--data", p.dir, "serve")

	configure("[limits]\nmax_contacts = 5\n[service]\nname = \"Other\"\n")
	got := p.ok(t, "", "--config", file, "reload")
	want := "The server has read its configuration again. Nobody was disconnected.\n" +
		"In force now:\n  limits.max_contacts\nIn force after a restart only:\n  service.name\n"
	if got != want {
		t.Errorf("reload said:\n%swant:\n%s", got, want)
	}
	server.logs("applied=limits.max_contacts needs_restart=service.name")

	configure("[limits]\nmax_contacts = 6\n")
	server.signal(syscall.SIGHUP)
	server.logs("applied=limits.max_contacts needs_restart=\"\"")

	configure("[limits]\nmax_contacts = 0\n")
	server.signal(syscall.SIGHUP)
	if line := server.logs("level=ERROR"); !strings.Contains(line, "limits.max_contacts is 0") {
		t.Error(line)
	}
	for _, args := range [][]string{{"reload"}, {"--config", file, "reload"}} { // the server finds it, the command itself
		r := p.run("", args...)
		if r.code != 1 || !strings.Contains(r.errout, "nothing has changed") || !strings.Contains(r.errout, "limits.max_contacts is 0") {
			t.Errorf("%q with a bad file: %+v", args, r)
		}
	}

	configure("[limits]\nmax_contacts = 6\n[log]\nlevel = \"warn\"\n")
	if got := p.ok(t, "", "reload", "--json"); !strings.Contains(got, `"log.level"`) || !strings.Contains(got, `"needs_restart": []`) {
		t.Errorf("reload --json said %s", got)
	}
	configure("[limits]\nmax_contacts = 6\n")
	if got := p.ok(t, "", "reload"); !strings.Contains(got, "  log.level\n") {
		t.Errorf("reload said %s", got)
	}
	if got := p.ok(t, "", "reload"); !strings.Contains(got, "No setting has changed.") {
		t.Errorf("reload said %s", got)
	}
}

func TestBackupAndRestore(t *testing.T) {
	freePorts(t)
	p := newPlace(t)
	p.add(t, "alice@example.com")
	backup := filepath.Join(t.TempDir(), "a backup.db")
	t.Run("while the server runs", func(t *testing.T) {
		startServer(t, "--data", p.dir, "serve")
		got := p.ok(t, "", "backup", backup)
		if !strings.Contains(got, "restore '"+backup+"'") {
			t.Errorf("backup said %s", got)
		}
		p.add(t, "bob@example.com")
		if r := p.run("", "restore", backup); r.code != 1 || !strings.Contains(r.errout, "a server is running already") {
			t.Errorf("restore while the server runs: %+v", r)
		}
		if got := p.ok(t, "", "user", "list"); !strings.Contains(got, "bob@example.com") {
			t.Errorf("a refused restore has changed something:\n%s", got)
		}
	})
	got := p.ok(t, "", "restore", backup)
	for _, want := range []string{"Restored 1 account, of which the youngest was made ", "is now " + p.dir, ".before-"} {
		if !strings.Contains(got, want) {
			t.Errorf("restore did not say %q:\n%s", want, got)
		}
	}
	if got := p.ok(t, "", "user", "list"); !strings.Contains(got, "alice@example.com") || strings.Contains(got, "bob@example.com") {
		t.Errorf("accounts after the restore:\n%s", got)
	}
	if r := p.run("", "restore", filepath.Join(p.dir, "absent.db")); r.code != 1 || !strings.Contains(r.errout, "no such file") {
		t.Errorf("%+v", r)
	}
	by := fmt.Sprintf("backup restored     by %s, a backup.db\n", audit.UID(os.Getuid()))
	if got := p.ok(t, "", "audit"); strings.Count(got, "backup restored") != 1 || !strings.HasSuffix(got, by) {
		t.Errorf("audit, which should end in %q:\n%s", by, got)
	}
	startServer(t, "--data", p.dir, "serve")
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "Disabled          no") {
		t.Errorf("%s", got)
	}
}

// The backup is a pipe that says nothing, so that the restore is in the middle of its work.
func TestAnInterruptedCommandCleansUp(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	before := p.files(t)
	pipe := filepath.Join(t.TempDir(), "pipe.db")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	silent, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	var errout bytes.Buffer
	cmd := exec.Command(os.Args[0], "--data", p.dir, "restore", pipe)
	cmd.Env, cmd.Stderr = append(os.Environ(), commandEnv+"=1"), &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	copying := func(name string) bool { return strings.Contains(name, ".restoring-") }
	for !slices.ContainsFunc(p.files(t), copying) {
		select {
		case err := <-ended:
			t.Fatalf("ended before it was told to: %v\n%s", err, &errout)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("ended as if it were done")
	}
	if code := cmd.ProcessState.ExitCode(); code != 130 || errout.String() != "monarch: interrupted\n" {
		t.Errorf("exit code %d\n%s", code, &errout)
	}
	if after := p.files(t); !slices.Equal(after, before) {
		t.Errorf("files %q, before %q", after, before)
	}
	if got := p.ok(t, "", "user", "list"); !strings.Contains(got, "alice@example.com") {
		t.Errorf("accounts:\n%s", got)
	}
}

// files returns what is in the data directory but for its lock, which stays for the next.
func (p place) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "monarch.lock" {
			names = append(names, e.Name())
		}
	}
	return names
}
