//go:build unix

package cli

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

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
