package ns

import (
	"runtime"
	"testing"
	"unsafe"

	"monarch/internal/conn"
)

// These tests are inside the package because they count the bytes of what nobody outside
// sees. There is one session for everybody who is signed in.

func TestSessionIsSmall(t *testing.T) {
	for _, tc := range []struct {
		what       string
		is, atMost uintptr
	}{
		{"a session", unsafe.Sizeof(session{}), 312},
		{"what a handler has of its own", unsafe.Sizeof(private{}), 48},
		{"what a session rarely has", unsafe.Sizeof(aside{}), 80},
	} {
		if tc.is > tc.atMost {
			t.Errorf("%s takes %d bytes, more than %d", tc.what, tc.is, tc.atMost)
		}
	}
}

// All that an idle session keeps besides its connection: itself, the lists, 768 bytes for 150
// contacts, what watchers were told, the strings, the timers, and a share of the tables. It is
// what more people take, so that what is there once does not count. They share one database: to fill
// it takes most of the time.
func TestIdleSessionsAreSmall(t *testing.T) {
	const few, many, contacts, atMost = 100, 300, 150, 1270
	path := populate(t, many, contacts)
	each := (keep(t, path, many, contacts) - keep(t, path, few, contacts)) / (many - few)
	t.Logf("%d bytes", each)
	if each > atMost {
		t.Errorf("an idle session with %d contacts keeps %d bytes, more than %d", contacts, each, atMost)
	}
}

// keep returns how many bytes a server with so many idle sessions keeps. The database, which
// writes what it has learnt for a while, is closed for that.
func keep(t *testing.T, path string, people, contacts int) int {
	t.Helper()
	c := newCrowdAt(t, path, people)
	conns := make([]*conn.Conn, people)
	for i, s := range c.sessions {
		conns[i] = s.conn
		c.signIn(i)
	}
	if n := c.hub.Count(); n != people {
		t.Errorf("%d people are signed in", n)
	}
	for i, s := range c.sessions {
		if s.private != nil || s.aside != nil || s.links.Len() != contacts {
			t.Fatalf("session %d keeps what it does not need: %+v, %+v, %d links", i, s.private, s.aside, s.links.Len())
		}
	}
	for range 2 { // what they did to sign in is forgotten
		c.srv.Clock.Advance(c.srv.Rates.longest())
	}
	if err := c.store.Close(); err != nil {
		t.Fatal(err)
	}
	c.store, c.srv.Store = nil, nil
	with := heap()
	c.srv.Clock.Close()
	*c = crowd{}
	without := heap()
	runtime.KeepAlive(conns)
	return int(with - without)
}
