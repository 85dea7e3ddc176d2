package pgtest

import (
	"os/exec"
	"syscall"
)

// confine has a command run as another user, unless that is nil, and end when the tests do,
// however they do.
func confine(cmd *exec.Cmd, as *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
}
