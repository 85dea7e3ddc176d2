package conn

import "sync"

// workers bounds how many slow handlers run at a time. Those that must wait do so in order,
// at the cost of their place in the queue.
type workers struct {
	mu      sync.Mutex // leaf
	free    int
	waiting []func()
}

// enter calls start once there is room for one more: at once, or while another leaves. start
// must not block.
func (w *workers) enter(start func()) {
	w.mu.Lock()
	if w.free == 0 {
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
	w.mu.Lock()
	if len(w.waiting) == 0 {
		w.free++
		w.mu.Unlock()
		return
	}
	next := w.waiting[0]
	w.waiting[0] = nil
	w.waiting = w.waiting[1:]
	w.mu.Unlock()
	next()
}
