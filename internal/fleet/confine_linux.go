package fleet

import (
	"os"
	"os/exec"
	"syscall"
)

// confine has a command end when we do, however we do.
func confine(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// hold takes a lock that ends when we do.
func hold(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
