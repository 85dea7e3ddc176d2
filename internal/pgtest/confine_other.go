//go:build !linux

package pgtest

import (
	"errors"
	"os/exec"
)

// confine is for Linux.
func confine(cmd *exec.Cmd, as *account) {
	if as != nil {
		cmd.Err = errors.New("root cannot run PostgreSQL: run the tests as somebody else")
	}
}
