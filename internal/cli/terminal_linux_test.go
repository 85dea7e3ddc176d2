package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"unsafe"
)

// pseudoTerminal opens a terminal and the end from which it is worked.
func pseudoTerminal(t *testing.T) (hand, terminal *os.File) {
	t.Helper()
	hand, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hand.Close() })
	var number, unlocked int32
	for _, call := range []struct {
		request uintptr
		value   *int32
	}{{syscall.TIOCSPTLCK, &unlocked}, {syscall.TIOCGPTN, &number}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, hand.Fd(), call.request, uintptr(unsafe.Pointer(call.value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return hand, terminal
}

// A server that was started in a terminal reads its configuration again at SIGHUP, and stops in
// order when the terminal is closed.
func TestTheTerminalIsClosed(t *testing.T) {
	freePorts(t)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or the server ignores it where the tests do
	defer signal.Reset(syscall.SIGHUP)
	p := newPlace(t)
	hand, terminal := pseudoTerminal(t)
	cmd := exec.Command(os.Args[0], "--data", p.dir, "serve")
	cmd.Stdin, cmd.Stdout = terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	server := start(t, cmd)
	terminal.Close()
	server.logs("msg=serving")
	server.signal(syscall.SIGHUP)
	server.logs("needs_restart")
	hand.Close()
	server.logs("the terminal was closed")
	server.ended()
}
