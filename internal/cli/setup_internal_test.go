//go:build unix

package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The data directory is the service's. Whoever broke into that must not get more by a link that he puts
// there while root gives files away.
func TestNothingBeyondTheDirectoryIsGivenAway(t *testing.T) {
	dir, beyond := t.TempDir(), t.TempDir()
	to := owner{name: "service", uid: os.Getuid(), gid: os.Getgid()}
	if to.uid == 0 {
		to.uid, to.gid = 4242, 4343
	}
	secret := filepath.Join(beyond, "shadow")
	if err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Symlink(beyond, filepath.Join(dir, "sub"))); err != nil {
		t.Fatal(err)
	}
	if err := to.giveBelow(dir, map[string]bool{filepath.Join(dir, "sub", "shadow"): true}); err == nil {
		t.Error("it is given away")
	}
	info, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	if is := info.Sys().(*syscall.Stat_t); int(is.Uid) != os.Getuid() {
		t.Errorf("it is of %d", is.Uid)
	}
}

// Root makes a service for another user: the files are his, and those with a secret are nobody else's.
func TestWhatIsMadeBelongsToTheService(t *testing.T) {
	dir := t.TempDir()
	to := owner{name: "service", uid: os.Getuid(), gid: os.Getgid()}
	if to.uid == 0 {
		to.uid, to.gid = 4242, 4343 // only root gives files away
	}
	s := &setup{app: &app{stderr: io.Discard, config: filepath.Join(dir, "etc", "monarch.toml")}, before: []byte("[service]\n")}
	s.answers.Config = suggestion()
	s.answers.Data.Dir = filepath.Join(dir, "data")
	s.answers.SMTP.Password = "sesame"
	if err := os.MkdirAll(filepath.Dir(s.config), 0o755); err != nil {
		t.Fatal(err)
	}
	kept, err := s.write(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.fill(to, func() error {
		if err := os.Mkdir(filepath.Join(s.answers.Data.Dir, "sub"), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(s.answers.Data.Dir, "sub", "monarch.db"), nil, 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{
		s.config: 0o640, kept: 0o600, s.answers.Data.Dir: 0o700, filepath.Join(s.answers.Data.Dir, "sub", "monarch.db"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		is := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm() != mode || int(is.Uid) != to.uid || int(is.Gid) != to.gid {
			t.Errorf("%s is of %d:%d, mode %04o", path, is.Uid, is.Gid, info.Mode().Perm())
		}
	}
	old := filepath.Join(s.answers.Data.Dir, "old")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.fill(to, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(old); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
		t.Errorf("a file that was there was given away: %v", err)
	}
}
