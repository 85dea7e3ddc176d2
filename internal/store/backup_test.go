package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// names returns what is in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// A backup is called off as soon as it has begun. Whether that comes in time or not, there is a
// whole backup or none, and nothing else.
func TestASQLiteBackupIsWholeOrNotThere(t *testing.T) {
	p, _ := busyWorld(t)
	s := openAt(t, p.path)
	if _, err := s.writer.Exec(`CREATE TABLE ballast AS SELECT zeroblob(8000000) AS text`); err != nil {
		t.Fatal(err)
	}
	const most = 50
	for i, calledOff := 0, false; i < most && !calledOff; i++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "backup.db")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Backup(ctx, path) }()
		for begun := false; !begun; begun = len(names(t, dir)) > 0 {
			<-time.After(time.Millisecond)
		}
		cancel()
		err := <-done
		calledOff = errors.Is(err, context.Canceled)
		if err != nil && !calledOff {
			t.Fatal(err)
		}
		var want []string
		if err == nil {
			want = []string{"backup.db"}
			if h, err := Check(t.Context(), "sqlite:"+path); err != nil || h.Users != 2 || len(h.Faults) > 0 {
				t.Errorf("the backup: %+v, %v", h, err)
			}
		}
		if got := names(t, dir); !slices.Equal(got, want) {
			t.Errorf("after %v there is %q, want %q", err, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Errorf("the next backup: %v", err)
	}
}

// Nobody sees a part of a backup under its name, also not while it is being written.
func TestASQLiteBackupHasItsNameFromTheMomentItIsWhole(t *testing.T) {
	p, _ := busyWorld(t)
	s := openAt(t, p.path)
	if _, err := s.writer.Exec(`CREATE TABLE ballast AS SELECT zeroblob(8000000) AS text`); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	done := make(chan error, 1)
	go func() { done <- s.Backup(t.Context(), path) }()
	for {
		info, err := os.Stat(path)
		if err == nil {
			if info.Size() < 8000000 {
				t.Errorf("it has %d bytes", info.Size())
			}
			break
		}
		select {
		case err := <-done:
			if _, missing := os.Stat(path); err != nil || missing != nil {
				t.Fatal(err, missing)
			}
			return // which was too quick to be seen
		case <-time.After(100 * time.Microsecond):
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestASQLiteBackupThatCannotBeWrittenNamesNoTemporaryFile(t *testing.T) {
	s := openAt(t, newPlace(t).path)
	path := filepath.Join(t.TempDir(), "absent", "backup.db")
	err := s.Backup(t.Context(), path)
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "writing") {
		t.Error(err)
	}
}

// The second is what is done where a file cannot have two names.
func TestNamesOfSQLiteFilesAreTakenFromNobody(t *testing.T) {
	for name, take := range map[string]func(temporary, path string) error{"publish": publish, "takeName": takeName} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			temporary, path := filepath.Join(dir, "temporary"), filepath.Join(dir, "path")
			for _, text := range []string{"first", "second"} {
				if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := take(temporary, path); errors.Is(err, fs.ErrExist) != (text == "second") {
					t.Errorf("%s: %v", text, err)
				}
				if err := removeDatabase(temporary); err != nil {
					t.Fatal(err)
				}
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != "first" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// What restores left behind that were killed goes with the next one; what is called otherwise
// stays.
func TestASQLiteRestoreRemovesWhatKilledOnesLeft(t *testing.T) {
	p, backup := busyWorld(t)
	others := []string{p.path + ".before-2026", filepath.Join(filepath.Dir(p.path), "other.db.restoring-1")}
	for _, path := range append([]string{p.path + ".restoring-1", p.path + ".restoring-1-wal"}, others...) {
		if err := os.WriteFile(path, []byte("half of it"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Restore(t.Context(), backup, p.url())
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range append([]string{p.path, r.Kept}, others...) {
		want = append(want, filepath.Base(path))
	}
	slices.Sort(want)
	if got := p.files(); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestASQLiteRestoreThatIsCalledOffChangesNothing(t *testing.T) {
	p, backup := busyWorld(t)
	before := dump(t, p.path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Restore(ctx, backup, p.url()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if files := p.files(); len(files) != 1 {
		t.Errorf("files %q", files)
	}
	if after := dump(t, p.path); len(after) != len(before) || !slices.Equal(after["account"], before["account"]) {
		t.Error("the database is another")
	}
}
