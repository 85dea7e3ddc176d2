package cluster

import (
	"encoding/binary"
	"sync"
	"time"
)

// stream is what this node says to another: runs, each of which begins with a snapshot, of batches
// with sequence numbers. When something was lost a new run begins.
type stream struct {
	head []byte // of its packets

	mu    sync.Mutex // leaf
	run   uint64     // numbers grow, over all streams of this node
	open  bool       // the run is under way; else nothing is taken
	began time.Duration
	why   string   // what the next run is for
	queue [][]byte // batches to be sent, as packets; the last one may take more messages
	size  int      // bytes in queue
	spare []byte

	// Batches of this run. A batch that is not full counts as begun.
	begun, sent, acked uint64
	end                uint64 // so many with the whole snapshot, once it is
	asked              mark   // the other node was asked last whether it has read so far
	askedAt            time.Duration
	moved              sync.Cond // acked or the run changed
}

// window is how many batches of a snapshot may be on their way.
const window = 16

// pause is the least time between the beginnings of two runs, so that a node that misses
// everything is not sent snapshots only.
const pause = time.Second

func newStream(self NodeID) *stream {
	s := &stream{head: header(batchPacket, self), began: -pause, why: "the node is new here"}
	s.moved.L = &s.mu
	return s
}

// begin begins a run if one is needed and it is not too early, and says why it is needed.
func (s *stream) begin(run uint64, now time.Duration) (why string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open || now-s.began < pause {
		return "", false
	}
	s.run, s.open, s.began = run, true, now
	s.begun, s.sent, s.acked, s.end = 0, 0, 0, 0
	s.put(message{kind: beginMessage})
	s.moved.Broadcast()
	return s.why, true
}

// close ends the run and forgets what was to be sent. why is what the next one will be for.
func (s *stream) close(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut(why)
}

// fail does the same if this run is under way.
func (s *stream) fail(run uint64, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == run {
		s.shut(why)
	}
}

func (s *stream) shut(why string) {
	if !s.open {
		return
	}
	s.open, s.why = false, why
	s.queue, s.size, s.spare = nil, 0, nil
	s.moved.Broadcast()
}

// add queues a message of whichever run is under way, and reports whether it is now time to
// send, since a batch is full, and whether it was taken.
func (s *stream) add(m message) (full, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(m), s.open
}

// addTo does the same with a message of the snapshot of one run.
func (s *stream) addTo(run uint64, m message) (full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != run {
		return false
	}
	full = s.put(m)
	if m.kind == endMessage {
		s.end = s.begun
	}
	return full
}

// put does it. s.mu is held.
func (s *stream) put(m message) (full bool) {
	if !s.open {
		return false
	}
	last := len(s.queue) - 1
	if last < 0 || len(s.queue[last]) >= fullBatch {
		b := append(s.spare[:0], s.head...)
		b = binary.AppendUvarint(b, s.run)
		b = binary.AppendUvarint(b, s.begun)
		s.queue, s.spare = append(s.queue, b), nil
		s.size += len(b)
		s.begun++
		last++
	}
	before := len(s.queue[last])
	s.queue[last] = appendMessage(s.queue[last], m)
	s.size += len(s.queue[last]) - before
	if s.size > maxWaiting {
		s.shut("the node could not be sent anything for too long")
		return false
	}
	return len(s.queue[last]) >= fullBatch
}

// waiting returns how many bytes are to be sent.
func (s *stream) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// take returns the next batch to be sent, which takes no more messages, or nil.
func (s *stream) take() (batch []byte, run uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, 0
	}
	batch = s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	s.size -= len(batch)
	return batch, s.run
}

// took tells whether the bus took a batch. If not, it is the next again.
func (s *stream) took(batch []byte, run uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.run != run || !s.open:
	case ok:
		s.sent++
		s.spare = batch
	default:
		s.queue = append([][]byte{batch}, s.queue...)
		s.size += len(batch)
	}
}

// ack notes that the other node has read so many batches of a run.
func (s *stream) ack(run, read uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == run && read > s.acked {
		s.acked = read
		s.moved.Broadcast()
	}
}

// room waits until a snapshot may go on. It reports false when its run is over.
func (s *stream) room(run uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open && s.run == run && s.begun-s.acked >= window {
		s.moved.Wait()
	}
	return s.open && s.run == run
}

// standing returns what is to be told of the run.
func (s *stream) standing() (run, sent uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return 0, 0
	}
	return s.run, s.sent
}

// mark is a place in a stream.
type mark struct{ run, batches uint64 }

// mark returns the place after everything that was added.
func (s *stream) mark() mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mark{s.run, s.begun}
}

// answerTime is how long the answer to a question may take.
const answerTime = 100 * time.Millisecond

// curious reports whether it is time to ask the other node how far it has read, for somebody who
// waits until it has read everything up to a mark: once that was sent, and unless an answer is
// under way already, since many may wait at the same time.
func (s *stream) curious(m mark, now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	upTo := s.sent // of another run it is the snapshot that is waited for
	if s.run == m.run {
		upTo = m.batches
	}
	if s.sent < upTo || s.asked.run == s.run && s.asked.batches >= upTo && now-s.askedAt < answerTime {
		return false
	}
	s.asked, s.askedAt = mark{s.run, s.sent}, now
	return true
}

// passed reports whether the other node has read everything up to a mark, or a later snapshot.
func (s *stream) passed(m mark) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == 0 || s.acked < s.end || !s.open {
		return false
	}
	return s.run > m.run || s.acked >= m.batches
}
