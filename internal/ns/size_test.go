package ns

import (
	"testing"
	"unsafe"
)

// This test is inside the package because it counts the bytes of what nobody outside sees.
// There is one session for everybody who is signed in; the parts that it rarely has are apart.
func TestSessionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(session{}); n > 240 {
		t.Errorf("a session takes %d bytes, more than 240", n)
	}
}
