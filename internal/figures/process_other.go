//go:build !linux

package figures

import (
	"errors"
	"time"
)

var errNotLinux = errors.New("what a process used is read from /proc: run this on Linux")

// CPU is told on Linux only.
func (p Process) CPU() (time.Duration, error) {
	return 0, errNotLinux
}

// RSS is told on Linux only.
func (p Process) RSS() (int64, error) {
	return 0, errNotLinux
}
