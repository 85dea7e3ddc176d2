package torture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// disk stands between a server and its disk: the kernel asks it about every read, write and
// flush of the database's files, and it lets them pass or answers with an error of its own.
// That is what seccomp is for, and needs no rights.
type disk struct {
	fault    atomic.Pointer[diskFault] // nil: all is well
	injected atomic.Int64
	answers  sync.WaitGroup // one for each server
}

// diskFault is something that a disk does.
type diskFault struct {
	name  string
	calls []uintptr // that fail
	errno syscall.Errno
	of    int // one of so many calls fails
	limit bool
}

var (
	diskWrites  = []uintptr{syscall.SYS_PWRITE64, syscall.SYS_FTRUNCATE}
	diskFlushes = []uintptr{syscall.SYS_FSYNC, syscall.SYS_FDATASYNC}
	diskReads   = []uintptr{syscall.SYS_PREAD64}
	diskCalls   = append(append(append([]uintptr{}, diskWrites...), diskFlushes...), diskReads...)

	diskFaults = []*diskFault{
		{name: "full disk", calls: diskWrites, errno: syscall.ENOSPC, of: 1},
		{name: "disk that is full now and then", calls: diskWrites, errno: syscall.ENOSPC, of: 5},
		{name: "read-only disk", calls: append(append([]uintptr{}, diskWrites...), diskFlushes...), errno: syscall.EROFS, of: 1},
		{name: "writes that fail", calls: diskWrites, errno: syscall.EIO, of: 1},
		{name: "flushes that fail", calls: diskFlushes, errno: syscall.EIO, of: 1},
		{name: "reads that fail", calls: diskReads, errno: syscall.EIO, of: 1},
		{name: "anything that fails now and then", calls: diskCalls, errno: syscall.EIO, of: 10},
		{name: "limit of the size of files", limit: true},
	}
)

// confine makes a command that has not started run under this disk. self is the program that
// calls [Confined] for the argument "confined".
func (d *disk) confine(cmd *exec.Cmd, self string) (started func() error, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("confine the server: %w", err)
	}
	child := os.NewFile(uintptr(pair[1]), "confined")
	cmd.Args = append([]string{self, "confined", cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.ExtraFiles = self, []*os.File{child}
	return func() error {
		child.Close()
		defer func() { _ = syscall.Close(pair[0]) }()
		listener, err := receiveFile(pair[0])
		if err != nil {
			return fmt.Errorf("confine the server: %w", err)
		}
		d.answers.Go(func() { d.answer(listener) })
		return nil
	}, nil
}

// Confined makes the kernel ask whoever holds the other end of descriptor 3 about this process's
// disk, and becomes another program.
func Confined(argv []string) error {
	runtime.LockOSThread() // the filter is this thread's, and goes with it into the program
	const noNewPrivileges = 38
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up privileges: %w", errno)
	}
	fd, err := install()
	if err != nil {
		return err
	}
	syscall.CloseOnExec(3)
	if err := syscall.Sendmsg(3, []byte{0}, syscall.UnixRights(fd), nil, 0); err != nil {
		return fmt.Errorf("pass on the filter: %w", err)
	}
	return fmt.Errorf("become %s: %w", argv[0], syscall.Exec(argv[0], argv, os.Environ()))
}

// Numbers of seccomp that the standard library does not have.
var seccompOf = map[string]struct{ call, arch uint32 }{
	"amd64": {317, 0xC000003E},
	"arm64": {277, 0xC00000B7},
}

// instruction is one of the kernel's packet filter.
type instruction struct {
	code     uint16
	yes, no  uint8
	constant uint32
}

// install makes the filter and returns the descriptor on which the kernel asks.
func install() (int, error) {
	const (
		load, equal, give = 0x20, 0x15, 0x06
		allow, ask        = 0x7fff0000, 0x7fc00000
	)
	machine, ok := seccompOf[runtime.GOARCH]
	if !ok {
		return 0, fmt.Errorf("failing disks are not made for %s", runtime.GOARCH)
	}
	n := uint8(len(diskCalls))
	filter := []instruction{{load, 0, 0, 4}, {equal, 0, n + 1, machine.arch}, {load, 0, 0, 0}}
	for i, call := range diskCalls {
		filter = append(filter, instruction{equal, n - uint8(i), 0, uint32(call)})
	}
	filter = append(filter, instruction{give, 0, 0, allow}, instruction{give, 0, 0, ask})
	program := struct {
		length uint16
		filter *instruction
	}{uint16(len(filter)), &filter[0]}
	const setFilter, newListener = 1, 8
	fd, _, errno := syscall.RawSyscall(uintptr(machine.call), setFilter, newListener, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, fmt.Errorf("filter system calls, which needs Linux 5.5 and seccomp: %w", errno)
	}
	return int(fd), nil
}

// receiveFile reads a descriptor that was sent.
func receiveFile(from int) (int, error) {
	control := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := syscall.Recvmsg(from, make([]byte, 1), control, syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	messages, err := syscall.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return 0, errors.Join(errors.New("the confined process sent no filter"), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, errors.Join(errors.New("the confined process sent no filter"), err)
	}
	return fds[0], nil
}

// question and reply are seccomp_notif and seccomp_notif_resp.
type question struct {
	id          uint64
	pid, flags  uint32
	call        int32
	arch        uint32
	instruction uint64
	args        [6]uint64
}

type reply struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// answer answers the kernel, which asks on listener, until the process is gone.
func (d *disk) answer(listener int) {
	const (
		receive, send = 0xc0502100, 0xc0182101
		readable      = 1
		proceed       = 1
	)
	defer func() { _ = syscall.Close(listener) }()
	for {
		poll := struct {
			fd               int32
			events, happened int16
		}{int32(listener), readable, 0}
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, 0, 0, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 || poll.happened&readable == 0 { // the process is gone
			return
		}
		var q question
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(listener), receive, uintptr(unsafe.Pointer(&q))); errno != 0 {
			continue // it was killed while it waited
		}
		r := reply{id: q.id, flags: proceed}
		if errno := d.judge(q); errno != 0 {
			r.flags, r.errno = 0, -int32(errno)
			d.injected.Add(1)
		}
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, uintptr(listener), send, uintptr(unsafe.Pointer(&r))) // as above
	}
}

// judge says with which error a call fails, or 0.
func (d *disk) judge(q question) syscall.Errno {
	f := d.fault.Load()
	if f == nil || f.limit || rand.IntN(f.of) != 0 {
		return 0
	}
	for _, call := range f.calls {
		if call != uintptr(q.call) {
			continue
		}
		file, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", q.pid, q.args[0]))
		if err == nil && (strings.HasSuffix(file, ".db") || strings.HasSuffix(file, ".db-wal")) {
			return f.errno
		}
	}
	return 0
}

// fail makes the disk of a server fail, or with nil work again.
func (d *disk) fail(s *server, f *diskFault) error {
	d.fault.Store(f)
	limit := syscall.Rlimit{Cur: ^uint64(0), Max: ^uint64(0)}
	if f != nil && f.limit {
		limit.Cur = 4096
	}
	if s == nil {
		return nil
	}
	const fileSize = 1
	_, _, errno := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(s.PID()), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 && s.Running() {
		return fmt.Errorf("limit the size of files: %w", errno)
	}
	return nil
}
