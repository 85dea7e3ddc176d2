package conn

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// An idle connection costs its memory and nothing else: no buffer, goroutine, timer or channel.
func TestAnIdleConnectionIsSmall(t *testing.T) {
	const most = 192 // bytes; a size class of the allocator
	if size := unsafe.Sizeof(socket{}); size > most {
		t.Errorf("a connection takes %d bytes, want at most %d", size, most)
	} else {
		t.Logf("%d bytes", size)
	}
}

// What is left of a large read does not keep the large buffer.
func TestKeptInputIsSmall(t *testing.T) {
	s := new(socket)
	s.standing = SignedIn
	s.in = borrow(largestBuffer)
	s.in.b = append(s.in.b, "CAL 1\r\nCA"...)
	s.keep(s.in.b[7:])
	if string(s.in.rest()) != "CA" || cap(s.in.b) > smallestBuffer {
		t.Errorf("%q in %d bytes", s.in.rest(), cap(s.in.b))
	}
	s.keep(nil)
	if s.in != nil {
		t.Error("a buffer for nothing")
	}
}

// When a poller has ended, others have its descriptors' numbers.
func TestLateMailIsWrittenNowhere(t *testing.T) {
	p, err := newPoller(new(Engine), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	number := p.alarm[1]
	p.close()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if int(f.Fd()) != number {
		if err := syscall.Dup3(int(f.Fd()), number, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Close(number) }() // it is not needed any more
	}
	p.post(new(socket), severed)
	if b, err := os.ReadFile(f.Name()); err != nil || len(b) > 0 {
		t.Errorf("%q, %v", b, err)
	}
}
