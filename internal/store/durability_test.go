package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"monarch/internal/im"
)

// These name a database file, and how many change something at a time, to a process of these
// tests that is there to be killed.
const (
	workerEnv  = "STORE_TEST_WORKER"
	writersEnv = "STORE_TEST_WRITERS"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(workerEnv); path != "" {
		fmt.Fprintln(os.Stdout, "stopped:", changeForEver(path, os.Getenv(writersEnv)))
		os.Exit(1)
	}
	code := m.Run()
	if err := endPostgres(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// changeForEver says whose change is made, and his version after it, once the store has said
// so.
func changeForEver(path, writers string) error {
	n, err := strconv.Atoi(writers)
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), "sqlite://"+path)
	if err != nil {
		return err
	}
	stopped := make(chan error)
	for i := range n {
		go func() { stopped <- renameForEver(s, fmt.Sprintf("user%d@example.com", i)) }()
	}
	return <-stopped
}

func renameForEver(s *Store, handle string) error {
	ctx := context.Background()
	u, err := s.CreateUser(ctx, handle, "", "")
	if err != nil {
		return err
	}
	for {
		version, err := s.Rename(ctx, u.ID, fmt.Sprint("version ", u.Version+1))
		if err != nil {
			return err
		}
		u.Version = version
		fmt.Fprintln(os.Stdout, u.ID, version)
	}
}

func TestAcknowledgedChangesSurviveAKillOnSQLite(t *testing.T) {
	for _, writers := range []int{1, 16} {
		t.Run(fmt.Sprint(writers, " at a time"), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "monarch.db")
			acknowledged := killedAfter(t, path, writers, 50*writers)
			s := openAt(t, path)
			for id, version := range acknowledged {
				u, err := s.UserByID(context.Background(), id)
				if err != nil {
					t.Fatal(err)
				}
				// One change of each may have been made and not been told any more.
				if u.Version < version || u.Version > version+1 {
					t.Errorf("version %d of %d after %d was acknowledged", u.Version, id, version)
				}
				if want := fmt.Sprint("version ", u.Version); u.Name != want {
					t.Errorf("name %q, want %q", u.Name, want)
				}
			}
		})
	}
}

// killedAfter lets a process change a database, kills it after so many changes, and returns
// the last version of each account that it had acknowledged.
func killedAfter(t *testing.T, path string, writers, changes int) map[im.UserID]uint32 {
	t.Helper()
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), workerEnv+"="+path, writersEnv+"="+strconv.Itoa(writers))
	out, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(map[im.UserID]uint32)
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id im.UserID
		var version uint32
		if _, err := fmt.Sscan(lines.Text(), &id, &version); err != nil {
			t.Fatal(lines.Text())
		}
		acknowledged[id] = version
		if n++; n == changes {
			// The worker goes on meanwhile; what it still says is acknowledged too.
			if err := worker.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := worker.Wait(); err == nil || n < changes {
		t.Fatalf("worker ended after %d changes: %v", n, err)
	}
	return acknowledged
}

func TestTheWriterOfSQLiteWaitsForTheDisk(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "monarch.db"))
	for pragma, want := range map[string]string{
		"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": busyTimeout, "query_only": "0",
	} {
		var got string
		if err := s.writer.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if _, err := s.reader.Exec(`DELETE FROM account`); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a reader may write: %v", err)
	}
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	return open(t, "sqlite://"+path)
}
