package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestURLsThatNameNoDatabaseAreRefusedWithAdvice(t *testing.T) {
	for _, url := range []string{
		"", "monarch.db", "/var/lib/monarch.db", "sqlite:", "sqlite://", "sqlite://monarch.db", "mysql://u:secret@h/db",
		"postgres://u:secret@host", "postgres://u:sec/ret@host/db", "postgresql://u:secret@host:port/db", "postgres://u:secret@host/db?sslmode=some",
	} {
		s, err := store.Open(context.Background(), url)
		if err == nil {
			t.Errorf("%s: opened: %v", url, s.Close())
			continue
		}
		if !strings.Contains(err.Error(), ": write ") {
			t.Errorf("%s: no advice: %v", url, err)
		}
		if strings.Contains(err.Error(), "sec") {
			t.Errorf("the password shows: %v", err)
		}
	}
}

func TestURLsNameSQLiteFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for url, file := range map[string]string{
		"sqlite:here.db":                      "here.db",
		"sqlite://" + dir + "/there.db":       "there.db",
		"sqlite:" + dir + "/slash.db":         "slash.db",
		"sqlite:./a b%20c?mode=ro#x&y+z'q.db": "a b%20c?mode=ro#x&y+z'q.db",
	} {
		s, err := store.Open(context.Background(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if _, err := s.CreateUser(context.Background(), "alice@example.com", "", ""); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: others may read it: %v", url, info.Mode())
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestASQLiteDatabaseThatCannotBeOpenedSaysWhy(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		garbage:                                store.ErrDamaged,
		filepath.Join(dir, "missing", "db.db"): store.ErrUnavailable,
		dir:                                    store.ErrUnavailable,
	} {
		s, err := store.Open(context.Background(), "sqlite://"+path)
		if err == nil {
			t.Errorf("%s: opened: %v", path, s.Close())
		} else if !errors.Is(err, want) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestWhatWasStoredIsThereAfterReopening(t *testing.T) {
	url := store.NewDatabase(t)
	first := open(t, url)
	alice, err := first.CreateUser(context.Background(), "alice@example.com", "Alice", "hash")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.AddGroup(context.Background(), alice.ID, "Work"); err != nil {
		t.Fatal(err)
	}
	want, err := first.Roster(context.Background(), alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, url).Roster(context.Background(), alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACancelledContextStopsEverything(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	before := w.rosters()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, read := w.s.Roster(ctx, w.ids["alice"])
	_, write := w.s.Add(ctx, w.ids["alice"], store.Addition{List: fl, Handle: handleOf("bob"), Group: none})
	for what, err := range map[string]error{"read": read, "write": write} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if diff := cmp.Diff(before, w.rosters()); diff != "" {
		t.Error(diff)
	}
}

func TestChangesAtOnceAllCount(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	const each = 20
	var wg sync.WaitGroup
	for _, who := range w.people {
		other := without(w.people, who)[0]
		wg.Go(func() {
			for range each {
				if err := errors.Join(add(who, fl, other, none)(w), rem(who, fl, other, none)(w)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range each {
				r, err := w.s.Roster(context.Background(), w.ids[who])
				if err != nil {
					t.Error(err)
				}
				// Both sides of a change show together: with nobody on any list an even number
				// of changes has been made.
				if len(r.Contacts) == 0 && r.User.Version%2 == 0 {
					t.Errorf("no contacts at version %d", r.User.Version)
				}
			}
		})
	}
	wg.Wait()
	for _, who := range w.people {
		if v := w.roster(who).User.Version; v != 1+4*each {
			t.Errorf("%s is at version %d", who, v)
		}
	}
}

func TestTwoProcessesMayUseOneDatabase(t *testing.T) {
	url := store.NewDatabase(t)
	one, two := open(t, url), open(t, url)
	alice, err := one.CreateUser(context.Background(), "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Rename(context.Background(), alice.ID, "Alice"); err != nil {
		t.Fatal(err)
	}
	if u, err := one.UserByID(context.Background(), alice.ID); err != nil || u.Name != "Alice" {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestTheFirstKeyIsMadeOnce(t *testing.T) {
	url := store.NewDatabase(t)
	one, two := open(t, url), open(t, url)
	first, err := one.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 1 || len(first[0].Secret) != 32 || first[0].Created == 0 {
		t.Errorf("%d keys", len(first))
	}
	second, err := two.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(first, second) {
		t.Error("another key the second time")
	}
}

func TestACancelledContextStopsABackupOfSQLite(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := openNew(t).Backup(ctx, filepath.Join(t.TempDir(), "copy.db")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestABackupIsAWholeSQLiteDatabase(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.must(add("alice", fl, "bob", none))
	path := filepath.Join(t.TempDir(), "it's a copy.db")
	if err := w.s.Backup(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	want := w.rosters()
	w.must(rem("alice", fl, "bob", none))

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	if err := w.s.Backup(context.Background(), path); !errors.Is(err, os.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	copied := &world{t: t, s: open(t, "sqlite:"+path), people: w.people, ids: w.ids}
	if diff := cmp.Diff(want, copied.rosters()); diff != "" {
		t.Error(diff)
	}
	if err := add("alice", al, "bob", none)(copied); err != nil {
		t.Errorf("the copy cannot be used: %v", err)
	}
}

func TestABackupOfSQLiteThatFailsLeavesNoFile(t *testing.T) {
	s := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(context.Background(), path); err == nil {
		t.Error("backed up a closed database")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestADatabaseOfANewerReleaseIsLeftAlone(t *testing.T) {
	url := store.NewDatabase(t)
	if err := open(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	store.Exec(t, url, `UPDATE schema_version SET version = 1000`)
	s, err := store.Open(context.Background(), url)
	if err == nil {
		t.Fatalf("opened: %v", s.Close())
	}
	if !strings.Contains(err.Error(), "schema 1000, of a newer release") {
		t.Error(err)
	}
}

func TestUseAfterClosingIsAnError(t *testing.T) {
	s := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(context.Background(), "alice@example.com"); err == nil || errors.Is(err, im.ErrNoUser) {
		t.Errorf("got %v", err)
	}
}
