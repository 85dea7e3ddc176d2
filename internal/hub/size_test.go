package hub

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/msnp"
)

// These tests are inside the package because they count the bytes of what nobody outside
// sees. There is one of each for everybody who is signed in.

func TestSizes(t *testing.T) {
	for _, tc := range []struct {
		what       string
		is, atMost uintptr
	}{
		{"an entry", unsafe.Sizeof(Entry{}), 200},
		{"what watchers were told", unsafe.Sizeof(told{}), 80},
		{"a place in the directory", unsafe.Sizeof(page{}) / pageSize, 8},
	} {
		if tc.is > tc.atMost {
			t.Errorf("%s takes %d bytes, more than %d", tc.what, tc.is, tc.atMost)
		}
	}
}

type mute struct{}

func (mute) Deliver(Event) bool { return true }

// All that the hub keeps of a sign-in, its strings and its share of the tables included.
func TestASignInIsSmall(t *testing.T) {
	const people, atMost = 10_000, 280
	clk := clock.New()
	defer clk.Close()
	h := New(clk, time.Second)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range people {
		h.SignIn(Login{
			Person: im.Person{ID: im.UserID(i + 1), Handle: fmt.Sprintf("user%05d@example.com", i), Name: "User"},
			Since:  time.Now(), Addr: netip.MustParseAddrPort("192.0.2.7:1029"), Client: "MSNMSGR 6.0.0602", Version: msnp.MSNP9,
		}, mute{})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / people
	if each > atMost {
		t.Errorf("a sign-in takes %d bytes, more than %d", each, atMost)
	}
	t.Logf("%d bytes", each)
	if h.Count() != people {
		t.Errorf("%d people are signed in", h.Count())
	}
	for _, id := range []im.UserID{1, people / 2, people} {
		l, ok := h.ByID(id)
		if byHandle, ok2 := h.ByHandle(l.Person.Handle); !ok || !ok2 || byHandle != l {
			t.Errorf("%d: by id %+v, by handle %+v", id, l, byHandle)
		}
	}
}

// All that the hub keeps of somebody at another node, his texts and his share of the tables included.
func TestAFarPersonIsSmall(t *testing.T) {
	const people, atMost = 150_000, 60
	clk := clock.New()
	defer clk.Close()
	h := New(clk, time.Second)
	p := newPeers(h)
	h.peers = p
	n := p.node("other/abcdefghijklm")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range people {
		p.signedIn(n, &signedIn{
			User: im.UserID(i + 1), Number: uint64(i + 1), Handle: fmt.Sprintf("person-%06d@example.com", i), Name: "Somebody else"[:12],
			Version: msnp.MSNP9, Presence: im.Presence{Status: msnp.Online, Flags: 4},
		})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / people
	if each > atMost {
		t.Errorf("somebody at another node takes %.0f bytes, more than %d", each, atMost)
	}
	t.Logf("%.1f bytes, %.3f objects", each, float64(after.HeapObjects-before.HeapObjects)/people)
	if h.CountAll() != people {
		t.Errorf("%d people are signed in", h.CountAll())
	}
	for _, id := range []im.UserID{1, people / 2, people} {
		l, ok := h.ByID(id)
		if byHandle, ok2 := h.ByHandle(l.Person.Handle); !ok || !ok2 || byHandle != l {
			t.Errorf("%d: by id %+v, by handle %+v", id, l, byHandle)
		}
	}
}
