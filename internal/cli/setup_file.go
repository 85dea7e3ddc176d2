package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Where a service of the system has its files, and who it is.
const (
	systemFile = "/etc/monarch/monarch.toml"
	systemData = "/var/lib/monarch"
	systemUser = "monarch"
)

// usualFile is the configuration of the system's service for root, and one in this directory for
// everybody else.
func usualFile() string {
	if os.Geteuid() == 0 {
		return systemFile
	}
	return "monarch.toml"
}

// text is what the file is to hold.
func (s *setup) text() string {
	return "# The configuration of Monarch: what is not at its default. `monarch config print` shows every key.\n" + s.answers.EncodeChanges()
}

// mayReplace asks before a configuration is replaced by another one.
func (s *setup) mayReplace(ctx context.Context) error {
	switch {
	case s.before == nil || string(s.before) == s.text() || s.flags.Force:
		return nil
	case s.dialogue == nil:
		return fmt.Errorf("%s exists and would be replaced; nothing was written\nAdd --force to do that, or --dry-run to see what it would be", s.config)
	}
	fmt.Fprintln(s.stderr)
	ok, err := s.yes(ctx, "Replace "+s.config+"?")
	if err == nil && !ok {
		err = errors.New("nothing was written")
	}
	return err
}

// owner is the user that the service runs as, if root sets it up.
type owner struct {
	name     string // "" is whoever runs this
	uid, gid int
	groups   []int // besides gid
}

// serviceOwner returns the user of the system's service, if root acts for him.
func serviceOwner() owner {
	if os.Geteuid() != 0 {
		return owner{}
	}
	u, err := user.Lookup(systemUser)
	if err != nil {
		return owner{}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return owner{}
	}
	to := owner{name: u.Username, uid: uid, gid: gid}
	groups, _ := u.GroupIds() // without them he may do less
	for _, id := range groups {
		if g, err := strconv.Atoi(id); err == nil {
			to.groups = append(to.groups, g)
		}
	}
	return to
}

// house makes the data directory, if it is not there, and gives it to the owner, if nothing is in it:
// where only root decides what is on the way to it. A link that somebody else has put there could lead
// anywhere; what is behind one is left to the owner himself.
func (o owner) house(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	at := "/"
	for _, name := range append([]string{""}, strings.Split(strings.Trim(dir, "/"), "/")...) {
		at = filepath.Join(at, name)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			mode := fs.FileMode(0o755)
			if at == dir {
				mode = 0o700
			}
			if err = os.Mkdir(at, mode); err == nil {
				info, err = os.Lstat(at)
			}
		}
		if err != nil {
			return err
		}
		if !rootsAlone(info) {
			return nil
		}
	}
	if inside, err := os.ReadDir(dir); err != nil || len(inside) > 0 {
		return err
	}
	return os.Lchown(dir, o.uid, o.gid)
}

// write puts the configuration in its place, which has either the former or the whole new one. The
// former is kept beside it. kept is its name, if there was one that differs. The service may read what
// root writes for it, and not change it.
func (s *setup) write(to owner) (kept string, err error) {
	if string(s.before) == s.text() {
		return "", nil
	}
	mode, group := fs.FileMode(0o644), -1
	switch {
	case to.name != "":
		mode, group = 0o640, to.gid
	case s.answers.Secret():
		mode = 0o600
	}
	if err := os.MkdirAll(filepath.Dir(s.config), 0o755); err != nil { //nolint:gosec // whose files others may read, unless they hold a secret
		return "", fmt.Errorf("make the configuration's directory: %w", err)
	}
	if s.before != nil {
		kept = s.config + ".before-" + time.Now().Format("20060102-150405")
		if err := writeWhole(kept, s.before, 0o600, -1); err != nil {
			return "", fmt.Errorf("keep the former configuration: %w", err)
		}
	}
	if err := writeWhole(s.config, []byte(s.text()), mode, group); err != nil {
		return kept, fmt.Errorf("write the configuration: %w", err)
	}
	return kept, nil
}

// writeWhole puts a file in its place at once, for a group to read unless that is -1.
func writeWhole(path string, text []byte, mode fs.FileMode, group int) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once renamed
	_, err = f.Write(text)
	if group >= 0 {
		err = errors.Join(err, f.Chown(-1, group))
	}
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// settle makes the data directory. From then on, and for good, this process is the owner: what it does
// there could otherwise be led elsewhere by a link, with the rights of root.
func (s *setup) settle(to owner) error {
	dir := s.answers.Data.Dir
	if to.name != "" {
		if err := to.house(dir); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
		if err := to.become(); err != nil {
			return fmt.Errorf("go on as the user %s: %w", to.name, err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}
