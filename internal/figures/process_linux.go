package figures

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of /proc/PID/stat, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPU returns the time the process has spent on processors, in user mode and in the kernel.
//
// The threads' own counters have nanoseconds but leave with their threads; the counter of the
// process keeps what ended threads used but has ticks of 10 ms. The larger of the two misses
// less than a tick.
func (p Process) CPU() (time.Duration, error) {
	threads, err := p.threads()
	if err != nil {
		return 0, err
	}
	whole, err := p.ticks()
	if err != nil {
		return 0, err
	}
	return max(threads, whole), nil
}

// RSS returns the resident memory in bytes.
//
// The quick counter in statm is kept per processor and may be off by a megabyte, so the pages
// are counted where the kernel lets us.
func (p Process) RSS() (int64, error) {
	text, err := os.ReadFile(p.file("smaps_rollup"))
	if err != nil {
		return p.statm()
	}
	for line := range bytes.Lines(text) {
		value, ok := bytes.CutPrefix(line, []byte("Rss:"))
		if !ok {
			continue
		}
		if f := bytes.Fields(value); len(f) > 0 {
			kib, err := strconv.ParseInt(string(f[0]), 10, 64)
			return kib << 10, p.explain(err)
		}
	}
	return p.statm()
}

// threads sums the time of the threads there are.
func (p Process) threads() (time.Duration, error) {
	tasks, err := os.ReadDir(p.file("task"))
	if err != nil {
		return 0, p.explain(err)
	}
	var sum time.Duration
	for _, t := range tasks {
		text, err := os.ReadFile(filepath.Join(p.file("task"), t.Name(), "schedstat"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it ended meanwhile, or the kernel keeps no such counters
		}
		if err != nil {
			return 0, p.explain(err)
		}
		ns, err := field(text, 0)
		if err != nil {
			return 0, p.explain(err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// ticks is the time of all threads that ever were, rounded down.
func (p Process) ticks() (time.Duration, error) {
	text, err := os.ReadFile(p.file("stat"))
	if err != nil {
		return 0, p.explain(err)
	}
	// The second field is the program's name in brackets, which may hold spaces and brackets.
	rest := text[bytes.LastIndexByte(text, ')')+1:]
	user, err := field(rest, 11)
	if err != nil {
		return 0, p.explain(err)
	}
	system, err := field(rest, 12)
	return time.Duration(user+system) * tick, p.explain(err)
}

func (p Process) statm() (int64, error) {
	text, err := os.ReadFile(p.file("statm"))
	if err != nil {
		return 0, p.explain(err)
	}
	pages, err := field(text, 1)
	return pages * int64(os.Getpagesize()), p.explain(err)
}

func (p Process) file(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.pid), name)
}

func (p Process) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("look at process %d (has it ended?): %w", p.pid, err)
}

// field reads the nth number of a line, counted from 0.
func field(line []byte, n int) (int64, error) {
	f := bytes.Fields(line)
	if n >= len(f) {
		return 0, fmt.Errorf("%d fields in %q", len(f), line)
	}
	return strconv.ParseInt(string(f[n]), 10, 64)
}
