package ns

import (
	"runtime"
	"testing"
	"unsafe"
)

// These tests are inside the package because they count the bytes of what nobody outside
// sees. There is one session for everybody who is signed in.

func TestSessionIsSmall(t *testing.T) {
	for _, tc := range []struct {
		what       string
		is, atMost uintptr
	}{
		{"a session", unsafe.Sizeof(session{}), 240},
		{"what a handler has of its own", unsafe.Sizeof(private{}), 112},
		{"what a session rarely has", unsafe.Sizeof(aside{}), 56},
	} {
		if tc.is > tc.atMost {
			t.Errorf("%s takes %d bytes, more than %d", tc.what, tc.is, tc.atMost)
		}
	}
}

// All that signing in adds to a session and its connection: the lists, 768 bytes for 150
// contacts, what watchers were told, the strings, the timers, and a share of the tables.
func TestIdleSessionsAreSmall(t *testing.T) {
	const people, contacts, atMost = 400, 150, 1150
	c := newCrowd(t, people, contacts)
	c.signIn(0) // after whom everything is there that comes once
	opened := heap()
	for i := 1; i < people; i++ {
		c.signIn(i)
	}
	each := int(heap()-opened) / (people - 1)
	t.Logf("%d bytes", each)
	if each > atMost {
		t.Errorf("an idle session with %d contacts keeps %d bytes besides itself, more than %d", contacts, each, atMost)
	}
	if n := c.hub.Count(); n != people {
		t.Errorf("%d people are signed in", n)
	}
	for i, s := range c.sessions {
		if s.private != nil || s.aside != nil || s.links.Len() != contacts {
			t.Fatalf("session %d keeps what it does not need: %+v, %+v, %d links", i, s.private, s.aside, s.links.Len())
		}
	}
	runtime.KeepAlive(c)
}
