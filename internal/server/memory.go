package server

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Signing in takes many times the memory that a session keeps, so a wave of sign-ins leaves a
// heap of which half is garbage, and the runtime would keep that for the next wave.
// docs/adr/0019-memory-after-a-wave.md
const (
	quietCheck = 20 * time.Second // how often it is looked whether a wave is over
	worthwhile = 4 << 20          // bytes; less is not worth a collection
)

// startMemory begins to give memory back to the system whenever the server has become quiet,
// until stopMemory; s.serving waits for its end.
func (s *Server) startMemory() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopMemory = stop
	s.serving.Go(func() {
		tick := time.NewTicker(quietCheck)
		defer tick.Stop()
		for before := readHeap(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := before.then(readHeap())
			if now.wasteful(before) {
				debug.FreeOSMemory()
				now = readHeap()
				now.spread = now.over()
			}
			before = now
		}
	})
}

// heapUse is a look at the heap, in bytes.
type heapUse struct {
	live      uint64 // what the last collection found in use; 0: there was none yet
	held      uint64 // what the heap has of the system's memory
	allocated uint64 // ever
	spread    uint64 // what is held over that, because things in use are spread over it
	off       bool   // the operator wants no collections: GOGC=off
}

func (h heapUse) over() uint64 { return h.held - min(h.live, h.held) }

// then completes a later look: what is spread may have been filled since.
func (h heapUse) then(now heapUse) heapUse {
	now.spread = min(h.spread, now.over())
	return now
}

// wasteful reports whether so much could be given back that it is worth the collection, and
// will not be needed again soon: little was allocated since the look before.
func (h heapUse) wasteful(before heapUse) bool {
	if h.off || h.live == 0 {
		return false
	}
	unused := h.over() - h.spread
	return unused > max(worthwhile, h.live/16) && h.allocated-before.allocated < unused/4
}

func readHeap() heapUse {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/gogc:percent"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	use := heapUse{
		live: samples[0].Value.Uint64(), allocated: samples[1].Value.Uint64(),
		off: samples[2].Value.Uint64() == math.MaxUint64,
	}
	for _, s := range samples[3:] {
		use.held += s.Value.Uint64()
	}
	return use
}
