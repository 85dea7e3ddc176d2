package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"monarch/internal/audit"
)

// socketName is the file in the data directory on which a running server is managed. Its
// permissions are the only check: who may open it may do everything.
const socketName = "monarch.sock"

// maxSocketPath is what fits in the address of a Unix socket on every system.
const maxSocketPath = 100

var (
	// ErrNotRunning says that no server answers on a data directory.
	ErrNotRunning = errors.New("no server is running")
	// ErrRunning says that a server runs on a data directory already.
	ErrRunning = errors.New("a server is running already")
)

// lockName is the file in the data directory that whoever works on it has locked. It is never
// removed: one who waits for it might then lock a file that is no longer there.
const lockName = "monarch.lock"

// errLocked says that somebody else has the lock.
var errLocked = errors.New("locked")

// Directory is a data directory that nobody else works on until it is released.
type Directory struct {
	path string
	lock *os.File
}

// Claim takes a data directory. A server calls it before it opens the database: if another one
// has it, the error is [ErrRunning].
func Claim(dir string) (*Directory, error) {
	running := fmt.Errorf("%w on the data directory %s; stop it first, or name another directory with --data", ErrRunning, dir)
	f, err := lock(filepath.Join(dir, lockName))
	switch {
	case errors.Is(err, errLocked):
		return nil, running
	case err != nil:
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	d := &Directory{dir, f}
	conn, err := dial(context.Background(), dir) // one that was started before there was a lock
	switch {
	case err == nil:
		return nil, errors.Join(running, conn.Close(), d.Release())
	case !errors.Is(err, ErrNotRunning):
		return nil, errors.Join(err, d.Release())
	}
	return d, nil
}

// Release lets others have the directory.
func (d *Directory) Release() error { return d.lock.Close() }

// Listen opens the management socket, in place of one that a server which was killed left behind.
func (d *Directory) Listen() (net.Listener, error) {
	path := filepath.Join(d.path, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old management socket: %w", err)
	}
	addr, release, err := socketAddr(d.path)
	if err != nil {
		return nil, err
	}
	defer release()
	ln, err := net.ListenUnix("unix", addr)
	if err != nil {
		return nil, fmt.Errorf("open management socket %s: %w", path, err)
	}
	ln.SetUnlinkOnClose(false)
	s := &socket{UnixListener: ln, path: path}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect management socket: %w", err), s.Close())
	}
	return s, nil
}

// Occupy keeps servers and commands away from a data directory until release is called: none
// starts there meanwhile, and commands are told why. If a server runs there, the error is
// [ErrRunning].
func Occupy(dir, why string) (release func() error, err error) {
	d, err := Claim(dir)
	if err != nil {
		return nil, err
	}
	l, err := d.Listen()
	if err != nil {
		return nil, errors.Join(err, d.Release())
	}
	s := &Service{Log: slog.New(slog.DiscardHandler)}
	srv := &http.Server{
		Handler: s.serve(func(*http.Request) (any, error) {
			return nil, problem(http.StatusServiceUnavailable, CodeBusy, "%s; try again when that is done", why)
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(l) // it ends with release
	}()
	return func() error {
		err := srv.Close()
		<-ended
		return errors.Join(err, d.Release())
	}, nil
}

// socket is a listener that removes its file, by the name it has in the file system.
type socket struct {
	*net.UnixListener
	path string

	mu     sync.Mutex // leaf
	closed bool
}

// Close stops listening and removes the file. Called again, it does nothing: there may be the
// file of another by then.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	return errors.Join(os.Remove(s.path), s.UnixListener.Close())
}

// Actor returns the context of requests that come over a connection to the management socket: who
// makes them is recorded as their actor, where the system tells. It is http.Server's ConnContext.
func Actor(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	return audit.WithActor(ctx, audit.UID(peerUID(u)))
}

// dial connects to the socket of a data directory. ErrNotRunning means that there is none,
// or that nobody listens on it any more.
func dial(ctx context.Context, dir string) (net.Conn, error) {
	addr, release, err := socketAddr(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "unix", addr.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w on the data directory %s", ErrNotRunning, dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the management socket %s belongs to somebody else; run this as the user who runs the server: %w",
			filepath.Join(dir, socketName), err)
	case err != nil:
		return nil, fmt.Errorf("reach the running server: %w", err)
	}
	return conn, nil
}

// socketAddr returns an address for the socket of dir, good until release is called. The
// kernel's addresses are short; a long one is replaced by the way through an open
// directory, which Linux offers.
func socketAddr(dir string) (addr *net.UnixAddr, release func(), err error) {
	path := filepath.Join(dir, socketName)
	if len(path) <= maxSocketPath {
		return &net.UnixAddr{Name: path, Net: "unix"}, func() {}, nil
	}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w on the data directory %s", ErrNotRunning, dir)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open data directory: %w", err)
	}
	path = fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName)
	return &net.UnixAddr{Name: path, Net: "unix"}, func() { _ = d.Close() }, nil
}
