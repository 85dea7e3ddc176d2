//go:build unix

package history

import "syscall"

// processors is the time that this process has used of processors, in seconds.
func processors() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
