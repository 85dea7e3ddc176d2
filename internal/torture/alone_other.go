//go:build !linux

package torture

import "os/exec"

// Alone makes a command fail where there are no networks of one's own.
func Alone(cmd *exec.Cmd) { cmd.Err = errLinux }

// Connect is for Linux.
func Connect() error { return errLinux }

func loopback(bool) error { return errLinux }
