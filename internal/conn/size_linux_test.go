package conn

import (
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
