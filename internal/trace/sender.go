package trace

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// How spans are sent.
const (
	maxWaiting = 4096 // spans; one more is dropped, and counted
	batchSize  = 512
	batchTime  = time.Second      // how long a span waits for others
	sendTime   = 10 * time.Second // how long a collector may take
)

// sender sends spans that have ended, in batches, from one goroutine. Nobody waits for it: what the collector does not
// take is lost.
type sender struct {
	exporter   sdk.SpanExporter
	log        *slog.Logger
	queue      chan sdk.ReadOnlySpan
	sent, lost atomic.Uint64

	stop    chan struct{}
	running sync.WaitGroup
	ctx     context.Context // of what is sent; a field because it is the sender's owner who ends it
	cancel  context.CancelFunc

	failing bool // the last batch was lost; touched only by run
}

func newSender(exporter sdk.SpanExporter, log *slog.Logger) *sender {
	s := &sender{exporter: exporter, log: log, queue: make(chan sdk.ReadOnlySpan, maxWaiting), stop: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.run)
	return s
}

// OnStart implements sdk.SpanProcessor.
func (s *sender) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd queues a span. It never waits.
func (s *sender) OnEnd(span sdk.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	select {
	case s.queue <- span:
	default:
		s.lost.Add(1)
	}
}

// ForceFlush implements sdk.SpanProcessor. Batches are never old.
func (s *sender) ForceFlush(context.Context) error { return nil }

// Shutdown implements sdk.SpanProcessor. It is closed by then: the SDK would not do so once a context has ended.
func (s *sender) Shutdown(context.Context) error { return nil }

// close sends what waits, or gives up when ctx ends.
func (s *sender) close(ctx context.Context) error {
	close(s.stop)
	defer s.cancel()
	defer context.AfterFunc(ctx, s.cancel)()
	s.running.Wait()
	return s.exporter.Shutdown(ctx)
}

// run sends batches until it is told to stop, and then what is left.
func (s *sender) run() {
	var batch []sdk.ReadOnlySpan
	due := time.NewTimer(batchTime)
	defer due.Stop()
	for {
		select {
		case span := <-s.queue:
			if batch = append(batch, span); len(batch) == 1 {
				due.Reset(batchTime)
			}
			if len(batch) < batchSize {
				continue
			}
		case <-due.C:
		case <-s.stop:
			for len(s.queue) > 0 {
				batch = append(batch, <-s.queue)
			}
			s.send(batch)
			return
		}
		s.send(batch)
		clear(batch)
		batch = batch[:0]
	}
}

// send sends a batch. That it cannot be is told once, until it can be again.
func (s *sender) send(batch []sdk.ReadOnlySpan) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, sendTime)
	defer cancel()
	err := s.exporter.ExportSpans(ctx, batch)
	switch {
	case err != nil:
		s.lost.Add(uint64(len(batch)))
		if !s.failing {
			s.log.Warn("traces cannot be sent to ops.trace_endpoint; they are lost until that is mended", "err", err)
		}
	default:
		s.sent.Add(uint64(len(batch)))
		if s.failing {
			s.log.Info("traces are sent again")
		}
	}
	s.failing = err != nil
}
