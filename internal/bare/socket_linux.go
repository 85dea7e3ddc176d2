package bare

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// Sockets never block here, so the scheduler need not hear of reads and writes.

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

// wait waits for events. A signal is no event.
func wait(epoll int, events []syscall.EpollEvent) (int, error) {
	for {
		n, err := syscall.EpollWait(epoll, events, -1)
		if err != syscall.EINTR {
			return n, os.NewSyscallError("epoll_wait", err)
		}
	}
}
