//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// own reports whether a directory belongs to the caller or to root: the messenger gives a
// password to the server that somebody's data directory names, and in a place where all may
// write anybody could leave one.
func own(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

// rootsAlone reports whether something is a directory in which only root can put anything in the place
// of what root has put there.
func rootsAlone(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && stat.Uid == 0 && (info.Mode()&0o022 == 0 || info.Mode()&fs.ModeSticky != 0)
}

// become gives up what root may do, for good: from now on this process is the owner.
func (o owner) become() error {
	if err := syscall.Setgroups(o.groups); err != nil {
		return fmt.Errorf("set groups: %w", err)
	}
	if err := syscall.Setgid(o.gid); err != nil {
		return fmt.Errorf("set group %d: %w", o.gid, err)
	}
	if err := syscall.Setuid(o.uid); err != nil {
		return fmt.Errorf("set user %d: %w", o.uid, err)
	}
	return nil
}
