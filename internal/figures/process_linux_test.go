package figures_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"monarch/internal/figures"
)

// burn uses a processor for a while.
func burn(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// own is what the kernel says of this process in another way.
func own(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestCPUIsThatOfAllThreadsEvenEndedOnes(t *testing.T) {
	p := figures.Of(os.Getpid())
	cpu := func() time.Duration {
		d, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const allowed = 20 * time.Millisecond // a tick
	agree := func(when string) {
		t.Helper()
		before, got, after := own(t), cpu(), own(t) // any time may pass between looks
		if got < before-allowed || got > after+allowed {
			t.Errorf("%s: %v, where the kernel's figure is %v to %v", when, got, before, after)
		}
	}
	agree("at first")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked, so the thread ends with the goroutine
		burn(100 * time.Millisecond)
	}()
	<-ended
	agree("after a thread ended")
}

func TestRSSGrowsWithMemory(t *testing.T) {
	p := figures.Of(os.Getpid())
	rss := func() int64 {
		n, err := p.RSS()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := rss()
	const size = 64 << 20
	// The collector has no hand in this memory: no second run gets what a first gave up.
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += 4096 {
		memory[i] = 1
	}
	if grown := rss() - before; grown < size*9/10 || grown > size*3/2 {
		t.Errorf("grew by %d bytes, want about %d", grown, size)
	}
	if err := syscall.Munmap(memory); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatIsNotThere(t *testing.T) {
	p := figures.Of(1 << 30)
	if _, err := p.CPU(); err == nil {
		t.Error("no error from CPU")
	}
	if _, err := p.RSS(); err == nil {
		t.Error("no error from RSS")
	}
}
