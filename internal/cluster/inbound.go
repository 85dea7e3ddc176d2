package cluster

import "sync"

// inbound is how far this node has read what another one says.
type inbound struct {
	mu     sync.Mutex // leaf; only whoever has the cluster's turn changes anything but told
	run    uint64     // the latest it has heard of
	next   uint64     // sequence number
	told   uint64     // what of next the other one knows
	missed bool       // the rest of the run is of no use
	whole  bool       // the snapshot with which a run began has been read
}

// eager is how many batches of a snapshot are read before the other node is told.
const eager = 4

// verdict is what is to be done with a batch.
type verdict int

const (
	read verdict = iota
	skip         // it is of a run that is over or useless
	gap          // it shows that others were lost
)

// batch notes that one came.
func (in *inbound) batch(run, seq uint64) verdict {
	in.mu.Lock()
	defer in.mu.Unlock()
	if run > in.run {
		in.run, in.next, in.told, in.missed, in.whole = run, 0, 0, false, false
	}
	switch {
	case run < in.run, in.missed, seq < in.next:
		return skip
	case seq > in.next:
		in.missed = true
		return gap
	}
	in.next++
	return read
}

// sent notes how much the other node says that it sent.
func (in *inbound) sent(run, batches uint64) verdict {
	in.mu.Lock()
	defer in.mu.Unlock()
	if run > in.run && batches > 0 {
		in.run, in.next, in.told, in.missed, in.whole = run, 0, 0, false, false
	}
	if run != in.run || batches <= in.next || in.missed {
		return skip
	}
	in.missed = true
	return gap
}

// miss makes what is still to come of the run useless.
func (in *inbound) miss() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.missed = true
}

// complete notes that a snapshot has been read.
func (in *inbound) complete() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.whole = true
	in.told = 0 // and the other node is to hear of it
}

func (in *inbound) isWhole() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.whole && !in.missed
}

// due reports whether it is time to tell the other node how far this one has read: it waits for that
// while it sends a snapshot.
func (in *inbound) due() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.told == 0 || !in.whole && in.next >= in.told+eager
}

// standing adds what is to be told.
func (in *inbound) standing(s *standing) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.told = in.next
	s.read, s.next = in.run, in.next
	if in.missed {
		s.flags |= missed
	}
}
