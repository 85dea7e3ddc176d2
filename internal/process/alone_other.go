//go:build !linux

package process

import (
	"errors"
	"os/exec"
)

var errLinux = errors.New("networks of one's own are for Linux only")

// Alone makes a command fail where there are no networks of one's own.
func Alone(cmd *exec.Cmd) { cmd.Err = errLinux }

// Loopback is for Linux.
func Loopback(bool) error { return errLinux }
