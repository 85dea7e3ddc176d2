package clock

import (
	"sync"
	"time"
)

// Recent keeps something for each of many keys until nobody has asked for it for a while. It
// has two generations, so that forgetting costs nothing: what was not asked for during one
// goes with the next.
type Recent[K comparable, V any] struct {
	clock *Clock // immutable

	mu         sync.Mutex // leaf but for the clock's heap
	life       time.Duration
	next       Timer
	young, old map[K]*V
}

// NewRecent returns one that keeps what it has for at least life, and at most twice as long.
func NewRecent[K comparable, V any](c *Clock, life time.Duration) *Recent[K, V] {
	return &Recent[K, V]{clock: c, life: life}
}

// Use calls fn with what there is for a key; if there is nothing, with a new one. Nobody else
// uses any of it meanwhile, so fn must be quick.
func (r *Recent[K, V]) Use(k K, fn func(*V)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.young[k]
	if v == nil {
		v = r.revive(k)
	}
	fn(v)
}

// Peek calls fn with what there is for a key, if there is anything. It does not count as asking for it.
func (r *Recent[K, V]) Peek(k K, fn func(*V)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.young[k]
	if v == nil {
		v = r.old[k]
	}
	if v != nil {
		fn(v)
	}
}

// revive brings what there is for a key into the young generation. r.mu is held.
func (r *Recent[K, V]) revive(k K) *V {
	if r.young == nil {
		r.young = make(map[K]*V)
		if r.old == nil {
			r.clock.Set(&r.next, r.life, r.age)
		}
	}
	v := r.old[k]
	if v == nil {
		v = new(V)
	}
	r.young[k] = v
	return v
}

// age begins the next generation. While there is nothing to forget, none does.
func (r *Recent[K, V]) age() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.old, r.young = r.young, nil
	if r.old != nil {
		r.clock.Set(&r.next, r.life, r.age)
	}
}

// Reset forgets everything and changes how long what comes is kept.
func (r *Recent[K, V]) Reset(life time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock.Stop(&r.next)
	r.life, r.young, r.old = life, nil, nil
}
