package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
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

// owner is whom files are given that root makes.
type owner struct {
	name     string // "" is whoever runs this
	uid, gid int
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
	return owner{u.Username, uid, gid}
}

// give makes a file the owner's.
func (o owner) give(path string) error {
	if o.name == "" {
		return nil
	}
	return os.Lchown(path, o.uid, o.gid)
}

// giveBelow makes files below a directory the owner's. The directory may be his already, who could put a
// link to any other place where one of them was: nothing beyond it is given away.
func (o owner) giveBelow(dir string, paths map[string]bool) error {
	if o.name == "" {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	for path := range paths {
		name, err := filepath.Rel(dir, path)
		if err == nil {
			err = root.Lchown(name, o.uid, o.gid)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("give a file to %s: %w", o.name, err)
		}
	}
	return nil
}

// write puts the configuration in its place, which has either the former or the whole new one. The
// former is kept beside it. kept is its name, if there was one that differs.
func (s *setup) write(to owner) (kept string, err error) {
	if string(s.before) == s.text() {
		return "", nil
	}
	mode := fs.FileMode(0o644)
	if s.answers.Secret() {
		mode = 0o600
		if to.name != "" {
			mode = 0o640
		}
	}
	if err := os.MkdirAll(filepath.Dir(s.config), 0o755); err != nil { //nolint:gosec // whose files others may read, unless they hold a secret
		return "", fmt.Errorf("make the configuration's directory: %w", err)
	}
	if s.before != nil {
		kept = s.config + ".before-" + time.Now().Format("20060102-150405")
		if err := writeWhole(kept, s.before, 0o600, to); err != nil {
			return "", fmt.Errorf("keep the former configuration: %w", err)
		}
	}
	if err := writeWhole(s.config, []byte(s.text()), mode, to); err != nil {
		return kept, fmt.Errorf("write the configuration: %w", err)
	}
	return kept, nil
}

// writeWhole puts a file in its place at once.
func writeWhole(path string, text []byte, mode fs.FileMode, to owner) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once renamed
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(mode), to.give(f.Name()), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// fill makes the data directory and lets do work in it. What was made is the owner's.
func (s *setup) fill(to owner, do func() error) error {
	dir := s.answers.Data.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	known, err := entries(dir)
	if err != nil {
		return err
	}
	if len(known) == 1 { // itself
		if err := to.give(dir); err != nil {
			return fmt.Errorf("give the data directory to %s: %w", to.name, err)
		}
	}
	if err := do(); err != nil {
		return err
	}
	now, err := entries(dir)
	if err != nil {
		return err
	}
	maps.DeleteFunc(now, func(path string, _ bool) bool { return known[path] })
	return to.giveBelow(dir, now)
}

// entries returns everything below a directory.
func entries(dir string) (map[string]bool, error) {
	all := make(map[string]bool)
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a server has removed it
		}
		all[path] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look into the data directory: %w", err)
	}
	return all, nil
}
