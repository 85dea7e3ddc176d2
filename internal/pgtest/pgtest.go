// Package pgtest starts PostgreSQL servers for tests, from the programs of Debian's package, in
// directories of their own and as an unprivileged user, and makes databases in them. What is in
// the databases is left to whoever asked for one.
package pgtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"monarch/internal/loopback"
)

// Superuser is who owns everything in a [Server], and Password what he says over TCP. Through the
// socket of the file system nobody is asked.
const (
	Superuser = "monarch"
	Password  = "secret/of:monarch" // with what is written in another way in a url
)

// patience is how long starting and stopping may take.
const patience = 2 * time.Minute

// Alone is a statement that ends all other uses of a database, and waits for that: of a client that has
// gone, PostgreSQL may still be at work on its last words.
const Alone = `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// Server is a PostgreSQL server with nothing in it.
type Server struct {
	Host string // where it listens
	Port int    // it stays the same when the server is started again

	programs string // where they are
	dir      string
	owner    *account // who runs it; nil: we
	process  *exec.Cmd
	ended    chan struct{}
	made     atomic.Int64 // databases
}

// account is a user of the system.
type account struct{ uid, gid int }

// New makes a server on the loopback and starts it. Close removes it.
func New() (*Server, error) { return NewAt("") }

// NewAt makes one on another address of this machine where nobody else listens, for whoever reaches that and
// says the password.
func NewAt(host string) (*Server, error) {
	s := &Server{Host: host}
	err := s.find()
	if err == nil {
		err = s.choose()
	}
	if err == nil {
		err = s.make()
	}
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("postgresql for tests: %w", err), os.RemoveAll(s.dir))
	}
	return s, nil
}

// Start makes a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// find looks for the programs, of which Debian keeps each release in a directory of its own.
func (s *Server) find() error {
	if dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(dirs) > 0 {
		s.programs = filepath.Dir(slices.MaxFunc(dirs, func(a, b string) int { return release(a) - release(b) }))
		return nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		s.programs = filepath.Dir(path)
		return nil
	}
	return errors.New("there is no PostgreSQL here; run scripts/setup, or install the package postgresql")
}

// release returns the number in /usr/lib/postgresql/15/bin/postgres.
func release(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// choose chooses where to listen: where nobody else does, also while the server is stopped.
func (s *Server) choose() error {
	addr, err := loopback.New()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	s.Host = cmp.Or(s.Host, host)
	s.Port, err = strconv.Atoi(port)
	return err
}

// make makes the server's directory. PostgreSQL refuses to be root.
func (s *Server) make() (err error) {
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil { // short: the path of a socket is in it
		return err
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("root cannot run it, and %w; install the package postgresql, which makes that user", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.owner = &account{uid, gid}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o644); err != nil { //nolint:gosec // nobody else comes into the directory
		return err
	}
	// The locale is none that Monarch would choose, to see that it does not depend on it.
	err = s.run("initdb", "--no-sync", "--pgdata="+s.data(), "--encoding=UTF8", "--locale=C.UTF-8", "--username="+Superuser,
		"--pwfile="+password, "--auth-local=trust", "--auth-host=scram-sha-256")
	if err != nil {
		return err
	}
	return s.open()
}

// open lets people in who are on other machines, of which there are none on the loopback.
func (s *Server) open() error {
	hba, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = hba.WriteString("\nhost all all all scram-sha-256\n")
	return errors.Join(err, hba.Close())
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command is one of PostgreSQL's programs.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, program), args...) //nolint:gosec // only tests say what to run
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGHOST=" + s.dir, "PGUSER=" + Superuser, "PGPORT=" + strconv.Itoa(s.Port)}
	confine(cmd, s.owner)
	return cmd
}

func (s *Server) run(program string, args ...string) error {
	if said, err := s.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	return nil
}

// Start starts a server that was stopped, and waits until it answers.
func (s *Server) Start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", s.dir,
		"-c", "listen_addresses="+s.Host, "-c", "max_connections=400", "-c", "shared_buffers=32MB")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.process, s.ended = cmd, ended
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // its log tells why
	}()
	return s.await()
}

// await waits until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		// Through the socket, whose path has its port: no other program answers there.
		if s.command("pg_isready", "--quiet").Run() == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
			said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("it has ended: %s", bytes.TrimSpace(said))
		case <-ctx.Done():
			return fmt.Errorf("it does not answer within %v", patience)
		}
	}
}

// Stop stops the server as an operator in a hurry does: whoever is connected is thrown out.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill stops the server at once, as a crash does: the next start recovers.
func (s *Server) Kill() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(how os.Signal) error {
	if err := s.process.Process.Signal(how); err != nil {
		return err
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-s.ended:
		return nil
	case <-timeout.C:
		return errors.Join(fmt.Errorf("postgresql still runs after %v", patience), s.process.Process.Kill())
	}
}

// Close ends the server and removes what it had.
func (s *Server) Close() error {
	var err error
	select {
	case <-s.ended:
	default:
		err = s.Kill()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Create makes a database, a copy of a template unless that is "", and returns its name.
func (s *Server) Create(template string) (string, error) {
	if template == "" {
		template = "template0"
	}
	name := fmt.Sprint("test", s.made.Add(1))
	return name, s.Run("postgres", fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s`, name, template))
}

// Run runs statements in a database, one after the other.
func (s *Server) Run(database string, statements ...string) error {
	args := []string{"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=" + database}
	for _, each := range statements {
		args = append(args, "--command="+each)
	}
	return s.run("psql", args...)
}

// Program runs one of PostgreSQL's programs, in the server's directory and with the server in its
// environment.
func (s *Server) Program(name string, args ...string) error { return s.run(name, args...) }

// URL names a database, through the socket in the file system.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", Superuser, database, url.QueryEscape(s.dir), s.Port)
}

// TCP names a database, through the network.
func (s *Server) TCP(username, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(username, password), Path: database,
		Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
	}
	return strings.TrimSuffix(u.String(), "?")
}
