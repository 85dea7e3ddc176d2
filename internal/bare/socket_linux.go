package bare

import (
	"io"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// The system calls bypass the Go scheduler. For reads and writes, which never block here, that
// saves a tenth of a message's cost. For waiting, which does block, it saves a sixth: the
// scheduler would take away the processor of a poller that waits, give it back at the next
// event, and keep a thread busy with looking after both.

// read returns 0 if there is nothing yet, and io.EOF at the end.
func read(fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return 0, nil
	case errno != 0:
		return 0, os.NewSyscallError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}

// write returns how much the socket has taken, which may be nothing.
func write(fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return 0, nil
	case errno != 0:
		return 0, os.NewSyscallError("write", errno)
	}
	return int(n), nil
}

// wait waits for events. It may return without any: the scheduler interrupts the wait with a
// signal when it needs the goroutine to stop, as for a collection of garbage, and its turn
// comes here. Collections take long this way, but relaying leaves no garbage.
func wait(epoll int, events []syscall.EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), ^uintptr(0), 0, 0)
	switch {
	case errno == syscall.EINTR:
		runtime.Gosched()
		return 0, nil
	case errno != 0:
		return 0, os.NewSyscallError("epoll_wait", errno)
	}
	return int(n), nil
}

// shut closes a file descriptor. What was ours alone is gone then, whatever the answer.
func shut(fd int) {
	_ = syscall.Close(fd)
}
