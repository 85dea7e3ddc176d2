package swarm

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnp"
)

// stepEnd is the last step of a soak: everybody comes to rest, and the books are closed.
const stepEnd = "end"

// town is the load of a soak: people who come and go, change their status, their name and
// their lists, and talk to each other. The driver knows what each of them must see.
type town struct {
	job
	people   []*person
	places   map[string]*place // by their hosts; nil: there is one server, and it stays
	progress io.Writer

	ctx     context.Context // of everything that goes on, until close
	cancel  context.CancelFunc
	over    chan struct{} // closed when nobody is to begin anything any more
	living  sync.WaitGroup
	talking sync.WaitGroup // conversations

	mu    sync.Mutex
	rooms map[string]*room // by session id, while they last
	books books            // of what has ended, and what else went wrong
	told  int              // how much of that the person who waits has read

	done counts
}

// counts are what people did.
type counts struct {
	online, sent, conversations, pictures, signIns, cuts, changes, lines, again, moved, returned, ended, void atomic.Int64
}

func newTown(ctx context.Context, j job, progress io.Writer) (load, error) {
	t := &town{
		job: j, progress: progress, people: make([]*person, j.Crowd.Plan.People),
		over: make(chan struct{}), rooms: make(map[string]*room),
	}
	t.settle()
	t.ctx, t.cancel = context.WithCancel(ctx)
	for i := range t.people {
		t.people[i] = newPerson(t, i)
	}
	err := each(ctx, len(t.people), signInsAtATime, func(ctx context.Context, i int) error { return t.people[i].arrive(ctx) })
	if err != nil {
		t.close()
		return nil, err
	}
	for _, p := range t.people {
		t.living.Go(p.live)
	}
	return t, nil
}

// step lets life go on for a while, or ends it.
func (t *town) step(ctx context.Context, name string) (outcome, error) {
	began := time.Now()
	var err error
	switch {
	case name == stepEnd:
		err = t.end(ctx)
	case !t.upheaval(name):
		err = pause(ctx, t.Turn)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o := outcome{
		Work: t.done.sent.Load(), Seconds: since(began), Tally: t.books.Tally,
		Extra: map[string]float64{
			extraOnline:     float64(t.done.online.Load()),
			extraFailures:   float64(len(t.books.Failures)),
			"messages":      float64(t.done.sent.Load()),
			"conversations": float64(t.done.conversations.Load()),
			"pictures":      float64(t.done.pictures.Load()),
			"sign-ins":      float64(t.done.signIns.Load()),
			"cut off":       float64(t.done.cuts.Load()),
			"changes":       float64(t.done.changes.Load()),
			"status lines":  float64(t.done.lines.Load()),
		},
	}
	if t.places != nil {
		o.Extra["status lines told again"] = float64(t.done.again.Load())
		o.Extra["came for nothing"] = float64(t.done.void.Load())
		o.Extra["acknowledged"] = float64(t.books.Acknowledged)
		o.Extra["not acknowledged in conversations that ended so"] = float64(t.books.Unknown)
		o.Extra["went to another node"] = float64(t.done.moved.Load())
		o.Extra["came back by themselves"] = float64(t.done.returned.Load())
		o.Extra[extraCutShort] = float64(t.done.ended.Load())
	}
	return o, err
}

// end lets everybody finish what he is doing and then looks whether each sees of the others
// what is so.
func (t *town) end(ctx context.Context) error {
	close(t.over)
	ended := make(chan struct{})
	go func() {
		t.living.Wait()
		t.talking.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	// What is said of somebody who was displaced may be held back for ten seconds.
	wrong := t.mistaken()
	for limit := time.Now().Add(patience); len(wrong) > 0 && time.Now().Before(limit); wrong = t.mistaken() {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	for _, text := range wrong {
		t.fail("%s", text)
	}
	t.mu.Lock()
	t.books.Lost += int64(len(wrong))
	t.mu.Unlock()
	return nil
}

// mistaken tells what anybody on line wrongly believes of a contact.
func (t *town) mistaken() []string {
	var all []string
	for _, p := range t.people {
		all = append(all, p.mistaken()...)
	}
	return all
}

// mostTold is how much of what goes wrong is told while it runs; all is counted.
const mostTold = 30

// fail notes what must not happen.
func (t *town) fail(format string, args ...any) {
	t.enter(books{Failures: []string{fmt.Sprintf(format, args...)}})
}

// enter adds the books of a conversation to all.
func (t *town) enter(b books) {
	t.mu.Lock()
	defer t.mu.Unlock()
	texts := slices.Concat(b.Failures, b.Missing)
	if b.Tally != (Tally{}) {
		texts = append(texts, fmt.Sprintf("%d lost, %d duplicated, %d out of order", b.Lost, b.Duplicated, b.Reordered))
	}
	for _, text := range texts {
		if t.told++; t.told <= mostTold {
			fmt.Fprintf(t.progress, "%s  %s\n", time.Now().Format(time.TimeOnly), text)
		}
	}
	t.books.add(b)
}

func (t *town) room(id string) *room {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rooms[id]
}

// ending reports whether nobody is to begin anything any more.
func (t *town) ending() bool {
	select {
	case <-t.over:
		return true
	case <-t.ctx.Done():
		return true
	default:
		return false
	}
}

// soon returns what is told after a random time around d, and what ends that.
func (t *town) soon(d time.Duration) (<-chan time.Time, func() bool) {
	timer := time.NewTimer(d/2 + rand.N(d))
	return timer.C, timer.Stop
}

// idle waits for a random time around d, and reports whether life goes on.
func (t *town) idle(d time.Duration) bool {
	wake, stop := t.soon(d)
	defer stop()
	select {
	case <-wake:
		return true
	case <-t.over:
	case <-t.ctx.Done():
	}
	return false
}

func (t *town) close() {
	t.cancel()
	for _, p := range t.people {
		p.abandon()
	}
	t.living.Wait()
	t.talking.Wait()
}

// statuses are what people are, on line.
var statuses = []msnp.Status{msnp.Online, msnp.Busy, msnp.Idle, msnp.BRB, msnp.Away, msnp.Phone, msnp.Lunch, msnp.Hidden}
