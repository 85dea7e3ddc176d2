package doctor

import (
	"os"
	"syscall"
)

// owner returns the number of the user that a file belongs to.
func owner(path string) (uid uint32, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return s.Uid, true
}

// freeSpace returns how many bytes this user may still write in a directory.
func freeSpace(dir string) (bytes uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// Of the kernel's clock, see adjtimex(2).
const (
	unsynchronised = 0x40 // STA_UNSYNC
	timeError      = 5    // TIME_ERROR
)

// synchronised reports whether the kernel says that something keeps its clock right.
func synchronised() (yes, ok bool) {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return false, false
	}
	return state != timeError && t.Status&unsynchronised == 0, true
}

// fileLimit returns how many files a process started here may open. The Go runtime uses all
// of the hard limit.
func fileLimit() (n uint64, ok bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return l.Max, true
}
