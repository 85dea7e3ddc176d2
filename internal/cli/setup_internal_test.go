//go:build unix

package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// setupDirEnv makes a process of these tests one that sets a service up in that directory, for another
// user if it is root, whom it cannot become again.
const setupDirEnv = "CLI_TEST_SETUP_DIR"

// The user of the service: another one, where root runs the tests.
const (
	serviceUID = 4242
	serviceGID = 4343
)

// serviceUser is whose files are to be, and whom they are made for.
func serviceUser() (uid, gid int, to owner) {
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid(), owner{}
	}
	return serviceUID, serviceGID, owner{name: "service", uid: serviceUID, gid: serviceGID}
}

// openDir is a directory that others may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the service's user has to get there
		t.Fatal(err)
	}
	return dir
}

// setUpAt is the service that is set up in a directory.
func setUpAt(dir string, out io.Writer) *setup {
	s := &setup{app: &app{stdout: out, stderr: out, config: filepath.Join(dir, "etc", "monarch.toml")}, flags: &setupCmd{}}
	s.answers.Config = suggestion()
	s.answers.Service.Host = "127.0.0.1"
	s.answers.Data.Dir = filepath.Join(dir, "var", "data")
	s.answers.SMTP.Password = "sesame"
	return s
}

// setUpFor sets a service up in a process of its own, and returns what it says.
func setUpFor(t *testing.T, dir string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSetUpInAnotherProcess$")
	cmd.Env = append(os.Environ(), setupDirEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestSetUpInAnotherProcess(t *testing.T) {
	dir := os.Getenv(setupDirEnv)
	if dir == "" {
		return // it is only for setUpFor
	}
	_, _, to := serviceUser()
	s := setUpAt(dir, os.Stdout)
	if err := s.make(t.Context(), to, administratorOf{email: "you@example.com", password: "open sesame"}); err != nil {
		t.Error(err)
	}
	if to.name != "" && (syscall.Setuid(0) == nil || syscall.Setgid(0) == nil) {
		t.Error("it may be root again")
	}
	if groups, err := os.Getgroups(); to.name != "" && (err != nil || len(groups) > 0) {
		t.Errorf("it still has the groups %v, %v", groups, err)
	}
}

// isOf checks whose a file is.
func isOf(t *testing.T, path string, uid, gid int, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Error(err)
		return
	}
	is := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm() != mode || int(is.Uid) != uid || int(is.Gid) != gid {
		t.Errorf("%s is of %d:%d, mode %04o; want %d:%d, %04o", path, is.Uid, is.Gid, info.Mode().Perm(), uid, gid, mode)
	}
}

// Root makes a service for another user: the data is his, and the configuration is for him to read.
func TestWhatIsMadeBelongsToTheService(t *testing.T) {
	dir := openDir(t)
	uid, gid, to := serviceUser()
	out, err := setUpFor(t, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config, mode := filepath.Join(dir, "etc", "monarch.toml"), fs.FileMode(0o600)
	if to.name != "" {
		mode = 0o640
	}
	isOf(t, config, os.Getuid(), gid, mode)
	if want := "  sudo " + setUpAt(dir, io.Discard).command("patch msnmsgr.exe"); to.name != "" && !strings.Contains(out, want) {
		t.Errorf("it does not say %q, which may read the configuration:\n%s", want, out)
	}
	data := filepath.Join(dir, "var", "data")
	isOf(t, data, uid, gid, 0o700)
	made, err := os.ReadDir(data)
	if err != nil || len(made) < 3 {
		t.Errorf("made %v, %v", made, err)
	}
	for _, file := range made {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		isOf(t, filepath.Join(data, file.Name()), uid, gid, info.Mode().Perm())
	}
	// Again, as it is then: with a former configuration, which is nobody else's.
	s := setUpAt(dir, io.Discard)
	s.before = []byte("[service]\n")
	kept, err := s.write(to)
	if err != nil {
		t.Fatal(err)
	}
	isOf(t, kept, os.Getuid(), os.Getgid(), 0o600)
	if out, err := setUpFor(t, dir); err != nil {
		t.Errorf("the second time: %v\n%s", err, out)
	}
}

// The data directory is the service's. Whoever broke into that must not get more by a link that he puts
// there while root sets the service up.
func TestALinkInTheDataDirectoryLeadsNowhere(t *testing.T) {
	for _, name := range []string{"monarch.db", "server.pem", "ca-key.pem", "audit.log"} { // it stops at the first
		t.Run(name, func(t *testing.T) {
			dir, beyond := openDir(t), t.TempDir()
			uid, gid, to := serviceUser()
			data := filepath.Join(dir, "var", "data")
			if err := errors.Join(os.Mkdir(filepath.Dir(data), 0o755), os.Mkdir(data, 0o700), os.Symlink(filepath.Join(beyond, "cron"), filepath.Join(data, name)),
				os.Lchown(data, uid, gid), os.Lchown(filepath.Join(data, name), uid, gid)); err != nil {
				t.Fatal(err)
			}
			out, err := setUpFor(t, dir)
			if to.name == "" {
				return // he may write there himself
			}
			if want := "sudo chown -hR service: " + data; name == "monarch.db" && (err == nil || !strings.Contains(out, want)) {
				t.Errorf("%v; it does not say %q:\n%s", err, want, out)
			}
			if made, err := os.ReadDir(beyond); err != nil || len(made) > 0 {
				t.Errorf("beyond the directory there are %v, %v", made, err)
			}
		})
	}
}

// A data directory below one of somebody else's is not made, nor given away, by root.
func TestRootMakesNothingWhereOthersDecide(t *testing.T) {
	dir, beyond := openDir(t), openDir(t)
	uid, gid, to := serviceUser()
	theirs := filepath.Join(dir, "var")
	prey := filepath.Join(beyond, "prey")
	if err := errors.Join(os.Mkdir(theirs, 0o755), os.Mkdir(prey, 0o755), os.Symlink(prey, filepath.Join(theirs, "data")),
		os.Lchown(theirs, uid, gid)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(theirs, "data"), filepath.Join(theirs, "other"), filepath.Join(theirs, "data", "more")} {
		if err := to.house(path); to.name != "" && err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	isOf(t, prey, os.Getuid(), os.Getgid(), 0o755)
	if made, err := os.ReadDir(prey); err != nil || len(made) > 0 {
		t.Errorf("behind the link there are %v, %v", made, err)
	}
	if made, err := os.ReadDir(theirs); err != nil || len(made) != 1 {
		t.Errorf("in the directory of somebody else there are %v, %v", made, err)
	}
}
