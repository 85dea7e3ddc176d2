package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// This test is inside the package because nobody outside sees when memory is given back.
func TestMemoryIsGivenBackWhenItIsQuiet(t *testing.T) {
	const mib = 1 << 20
	for _, tc := range []struct {
		name        string
		before, now heapUse
		want        bool
	}{
		{"nothing is held for nothing", heapUse{}, heapUse{live: 100 * mib, held: 105 * mib}, false},
		{"after a wave", heapUse{allocated: 900 * mib}, heapUse{live: 100 * mib, held: 200 * mib, allocated: 901 * mib}, true},
		{"in a wave", heapUse{allocated: 800 * mib}, heapUse{live: 100 * mib, held: 200 * mib, allocated: 900 * mib}, false},
		{"a little in a small server", heapUse{}, heapUse{live: mib, held: 4 * mib}, false},
		{"a little in a large server", heapUse{}, heapUse{live: 1000 * mib, held: 1050 * mib}, false},
		{"what cannot be given back", heapUse{spread: 90 * mib}, heapUse{live: 100 * mib, held: 191 * mib}, false},
		{"more than that", heapUse{spread: 90 * mib}, heapUse{live: 100 * mib, held: 250 * mib}, true},
		{"everybody has left", heapUse{live: 100 * mib, held: 120 * mib, spread: 20 * mib}, heapUse{live: mib, held: 120 * mib}, true},
		{"before the first collection", heapUse{}, heapUse{held: 100 * mib}, false},
		{"collections are switched off", heapUse{}, heapUse{live: 100 * mib, held: 200 * mib, off: true}, false},
		{"a collection has just begun to count", heapUse{}, heapUse{live: 10 * mib, held: 9 * mib}, false},
	} {
		if got := tc.before.then(tc.now).wasteful(tc.before); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}

func TestTheHeapIsRead(t *testing.T) {
	large := make([]byte, 64<<20)
	full := readHeap()
	runtime.KeepAlive(large)
	debug.FreeOSMemory()
	free := readHeap()
	if full.held < 64<<20 || free.held > full.held-(48<<20) || free.live > free.held || free.allocated < full.allocated {
		t.Errorf("with 64 MiB %+v, without %+v", full, free)
	}
	percent := debug.SetGCPercent(-1)
	off := readHeap().off
	debug.SetGCPercent(percent)
	if on := readHeap(); !off || on.off != (percent < 0) {
		t.Errorf("switched off: %t, with GOGC=%d: %t", off, percent, on.off)
	}
}
