//go:build !linux

package fleet

import (
	"errors"
	"os"
	"os/exec"
)

var errLinux = errors.New("machines in a network of their own are for Linux only")

// confine is for Linux.
func confine(cmd *exec.Cmd) { cmd.Err = errLinux }

// hold is for Linux.
func hold(*os.File) error { return errLinux }
