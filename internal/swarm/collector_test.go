package swarm

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

func TestCollectorTime(t *testing.T) {
	stack := func(names ...string) []*profile.Location {
		var all []*profile.Location
		for i, name := range names {
			f := &profile.Function{ID: uint64(len(name)), Name: name}
			all = append(all, &profile.Location{ID: uint64(100*len(name) + i), Line: []profile.Line{{Function: f}}})
		}
		return all
	}
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	for _, s := range []struct {
		locations []*profile.Location
		ms        int64
	}{
		{stack("runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"), 30},
		{stack("runtime.sweepone", "runtime.GC"), 5},
		{stack("runtime.gosched", "runtime.GC"), 700}, // whoever waits for the cycle
		{stack("main.work"), 9000},
	} {
		p.Sample = append(p.Sample, &profile.Sample{Location: s.locations, Value: []int64{1, s.ms * 1e6}})
		for _, l := range s.locations {
			p.Location, p.Function = append(p.Location, l), append(p.Function, l.Line[0].Function)
		}
	}
	for i, l := range p.Location {
		l.ID, l.Line[0].Function.ID = uint64(i+1), uint64(i+1)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got, err := collectorTime(b.Bytes()); err != nil || got != 35*time.Millisecond {
		t.Errorf("%v, %v", got, err)
	}
	p.Sample = p.Sample[2:] // without the collector
	b.Reset()
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{b.Bytes(), []byte("no profile")} {
		if got, err := collectorTime(bad); err == nil {
			t.Errorf("%v and no error for %.10q", got, bad)
		}
	}
}
