//go:build unix

package cli

import (
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
