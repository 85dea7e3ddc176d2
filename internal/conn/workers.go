package conn

import (
	"slices"
	"sync"
)

// maxSpare is how many goroutines stay for the next slow handler: what it calls needs a deep
// stack, and growing one takes longer than most handlers.
const maxSpare = 16

// workers bounds how many slow handlers run at a time. Those that must wait do so in order,
// at the cost of their place in the queue.
type workers struct {
	mu      sync.Mutex // leaf
	free    int        // below zero while there are more than may be since a change
	waiting []func()
	spare   []chan func()
	stopped bool
	all     sync.WaitGroup // the goroutines of run
}

// enter calls start once there is room for one more: at once, or while another leaves. start
// must not block.
func (w *workers) enter(start func()) {
	w.mu.Lock()
	if w.free <= 0 {
		w.waiting = append(w.waiting, start)
		w.mu.Unlock()
		return
	}
	w.free--
	w.mu.Unlock()
	start()
}

// leave makes room for the next.
func (w *workers) leave() {
	w.resize(1)
}

// resize makes room for so many more, or fewer: those who are at it stay.
func (w *workers) resize(more int) {
	w.mu.Lock()
	w.free += more
	n := max(min(w.free, len(w.waiting)), 0)
	w.free -= n
	next := slices.Clone(w.waiting[:n])
	clear(w.waiting[:n])
	w.waiting = w.waiting[n:]
	w.mu.Unlock()
	for _, start := range next {
		start()
	}
}

// backlog returns how many wait.
func (w *workers) backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// running returns how many have been let in, of so many that may be.
func (w *workers) running(most int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return most - w.free
}

// run calls fn on a goroutine other than the caller's.
func (w *workers) run(fn func()) {
	w.mu.Lock()
	last := len(w.spare) - 1
	if last < 0 {
		w.mu.Unlock()
		w.all.Go(func() { w.work(fn) })
		return
	}
	idle := w.spare[last]
	w.spare = w.spare[:last]
	w.mu.Unlock()
	idle <- fn
}

// work calls fn, and what comes after it, until nobody needs the goroutine any more.
func (w *workers) work(fn func()) {
	next := make(chan func(), 1)
	for fn != nil {
		fn()
		w.mu.Lock()
		if w.stopped || len(w.spare) == maxSpare {
			w.mu.Unlock()
			return
		}
		w.spare = append(w.spare, next)
		w.mu.Unlock()
		fn = <-next
	}
}

// stop ends the goroutines that are spare.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	for _, idle := range w.spare {
		idle <- nil
	}
	w.spare = nil
	w.mu.Unlock()
	w.all.Wait()
}
