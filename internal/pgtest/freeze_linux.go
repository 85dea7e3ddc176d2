package pgtest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Freeze has the server stand still, with all its connections: whoever asks it anything hears nothing,
// not even that it is gone. It must be thawed before it is ended.
func (s *Server) Freeze() error {
	if err := s.process.Process.Signal(syscall.SIGSTOP); err != nil { // from now on it makes no more processes
		return err
	}
	return s.signal(syscall.SIGSTOP)
}

// Thaw has it go on.
func (s *Server) Thaw() error {
	return errors.Join(s.signal(syscall.SIGCONT), s.process.Process.Signal(syscall.SIGCONT))
}

// signal signals the processes that the server has made, one for each connection among them.
func (s *Server) signal(sig syscall.Signal) error {
	pid := s.process.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	var errs []error
	for _, text := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(text)
		if err == nil {
			err = syscall.Kill(child, sig)
		}
		if !errors.Is(err, syscall.ESRCH) { // it has ended meanwhile
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
