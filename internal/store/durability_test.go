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
)

// workerEnv names a database file to a process of these tests that is there to be killed.
const workerEnv = "STORE_TEST_WORKER"

func TestMain(m *testing.M) {
	if path := os.Getenv(workerEnv); path != "" {
		fmt.Fprintln(os.Stdout, "stopped:", changeForEver(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// changeForEver says each version after the store has said that the change is made.
func changeForEver(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, "sqlite://"+path)
	if err != nil {
		return err
	}
	u, err := s.CreateUser(ctx, "alice@example.com", "", "")
	if err != nil {
		return err
	}
	for {
		version, err := s.Rename(ctx, u.ID, fmt.Sprint("version ", u.Version+1))
		if err != nil {
			return err
		}
		u.Version = version
		fmt.Fprintln(os.Stdout, version)
	}
}

func TestAcknowledgedChangesSurviveAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "monarch.db")
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), workerEnv+"="+path)
	out, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged uint64
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.ParseUint(lines.Text(), 10, 32)
		if err != nil {
			t.Fatal(lines.Text())
		}
		acknowledged = n
		if acknowledged == 50 {
			// The worker goes on meanwhile; what it still says is acknowledged too.
			if err := worker.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := worker.Wait(); err == nil || acknowledged < 50 {
		t.Fatalf("worker ended at %d: %v", acknowledged, err)
	}

	s := openAt(t, path)
	u, err := s.User(context.Background(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	// One change may have been made and not been told any more.
	if n := uint64(u.Version); n < acknowledged || n > acknowledged+1 {
		t.Errorf("version %d after %d was acknowledged", n, acknowledged)
	}
	if want := fmt.Sprint("version ", u.Version); u.Name != want {
		t.Errorf("name %q, want %q", u.Name, want)
	}
}

func TestTheWriterWaitsForTheDisk(t *testing.T) {
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
	s, err := Open(context.Background(), "sqlite://"+path)
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
