package cli_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/loopback"
)

// screen is a command at a terminal, and what it has written there.
type screen struct {
	t    *testing.T
	hand *os.File
	cmd  *exec.Cmd

	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // of one

	whole chan struct{} // closed when the text is
	seen  int           // how much of it was waited for
}

// sit starts a command at a terminal.
func sit(t *testing.T, args ...string) *screen {
	t.Helper()
	hand, terminal := pseudoTerminal(t)
	s := &screen{t: t, hand: hand, cmd: exec.Command(os.Args[0], args...), more: make(chan struct{}, 1), whole: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), commandEnv+"=1", "TERM=dumb")
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = terminal, terminal, terminal
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	stuck := time.AfterFunc(5*time.Minute, func() { _ = s.cmd.Process.Kill() })
	go func() {
		defer close(s.whole)
		_, _ = io.Copy(s, hand) // ends in an error when the command does
		close(s.more)
	}()
	t.Cleanup(func() {
		stuck.Stop()
		_ = s.cmd.Process.Kill()
		<-s.whole
	})
	return s
}

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	s.text.Write(b)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// shows waits until a text is on the screen, below what was waited for before.
func (s *screen) shows(text string) {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		all := s.text.String()
		s.mu.Unlock()
		if i := strings.Index(all[s.seen:], text); i >= 0 {
			s.seen += i + len(text)
			return
		}
		open := false
		select {
		case _, open = <-s.more:
		case <-late:
		}
		if !open {
			s.t.Fatalf("the screen does not show %q:\n%s", text, all)
		}
	}
}

// dialogue waits for a text, types a line, and so on.
func (s *screen) dialogue(lines ...[2]string) {
	s.t.Helper()
	for _, l := range lines {
		s.shows(l[0])
		if _, err := io.WriteString(s.hand, l[1]+"\n"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// secret waits for a text and until what is typed is not shown, and types a line.
func (s *screen) secret(text, line string) {
	s.t.Helper()
	s.shows(text)
	for deadline := time.Now().Add(time.Minute); ; {
		var now syscall.Termios
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, s.hand.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&now))); errno != 0 {
			s.t.Fatal(errno)
		}
		if now.Lflag&syscall.ECHO == 0 {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%q is asked for all to see", text)
		}
		<-time.After(5 * time.Millisecond)
	}
	if _, err := io.WriteString(s.hand, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end and returns the exit code.
func (s *screen) ends() int {
	_ = s.cmd.Wait() // the code says it
	<-s.whole
	return s.cmd.ProcessState.ExitCode()
}

func TestSetupAtATerminal(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "monarch.toml"), filepath.Join(dir, "data")
	https, http, web := loopback.Port(t), loopback.Port(t), loopback.Port(t)
	mailHost, mailPort := split(t, loopback.Address(t))
	if err := os.WriteFile(filepath.Join(dir, "monarch-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := sit(t, "--config", file, "setup", "--name", "Our Place")
	const host, registration, from = "  Host [", "open, invite or closed [", "letters come from"
	s.dialogue([2]string{host, "a b"})
	s.shows("give the host name alone")
	s.dialogue([2]string{host, "127.0.0.1"})
	s.shows("is right for clients on this machine only")
	s.dialogue([2]string{"(443) [", "x"})
	s.shows("is no port")
	s.dialogue([2]string{"(443) [", https}, [2]string{"(80) [", http}, [2]string{"or off [8080]", "70000"})
	s.shows("is no port")
	s.dialogue([2]string{"or off [8080]", web}, [2]string{"acme or files [none]", "some"})
	s.shows("is no such kind")
	s.dialogue([2]string{"acme or files [none]", "acme"}, [2]string{"may write to", ""}, [2]string{"people type: ", "https://im.invalid"})
	s.shows("im.invalid has no address here")
	s.dialogue([2]string{"Keep it all the same?", "https://localhost"})
	s.shows("answer y or n")
	s.dialogue([2]string{"Keep it all the same?", ""}, [2]string{"people type: ", "https://localhost"})
	s.shows("which no authority certifies")
	s.dialogue([2]string{"people type: ", "https://im.invalid"}, [2]string{"Keep it all the same?", "y"})
	s.dialogue([2]string{registration, "some"})
	s.shows("choose \"open\"")
	s.dialogue([2]string{registration, "closed"}, [2]string{"Mail server", mailHost}, [2]string{"Its port [587]", mailPort},
		[2]string{"tls or none [starttls]", "none"}, [2]string{from, ""})
	s.shows("smtp.from is")
	s.dialogue([2]string{from, "robot@example.com"}, [2]string{"Who signs in there", "robot"})
	s.shows("without encryption nobody may sign in")
	s.dialogue([2]string{"Who signs in there", ""}, [2]string{"Data directory [", dir + "/monarch-file/data"})
	s.shows("monarch-file is a file")
	s.dialogue([2]string{"Data directory [", data})
	s.shows("does not take invitations")
	s.dialogue([2]string{"Go on all the same?", "y"}, [2]string{"E-mail", "you"})
	s.shows("is no address an account can have")
	s.dialogue([2]string{"E-mail", "you@example.com"})
	s.secret("Password", "open sesame")
	s.secret("Once more", "open")
	s.shows("not the same")
	s.secret("Password", "open sesame")
	s.secret("Once more", "open sesame")
	s.shows("you@example.com is an administrator.")
	s.shows("Next:")
	if code := s.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.text.String(), "sesame") {
		t.Error("the password is on the screen")
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Service.Name, want.Data.Dir, want.Accounts.Registration = "Our Place", data, config.RegistrationClosed
	want.Passport.HTTPSListen, want.Passport.HTTPListen, want.Web.Listen = ":"+https, ":"+http, ":"+web
	want.Web.ACME, want.Web.URL, want.SMTP = config.ACMEOn, "https://im.invalid", cfg.SMTP
	if diff := cmp.Diff(want, cfg); diff != "" || cfg.SMTP.From != "robot@example.com" || cfg.SMTP.TLS != config.SMTPNoTLS {
		t.Errorf("%s\n%+v", diff, cfg.SMTP)
	}
	if got := role(t, cfg, "you@example.com"); got != im.Administrator {
		t.Errorf("role %q", got)
	}
}

func TestSetupIsLeft(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "monarch.toml")
	s := sit(t, "--config", file, "setup")
	s.shows("Host [")
	if _, err := s.hand.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if code := s.ends(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	s = sit(t, "--config", file, "setup")
	s.shows("Host [")
	if _, err := s.hand.WriteString("\x04"); err != nil {
		t.Fatal(err)
	}
	s.shows("nothing was written")
	if code := s.ends(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
