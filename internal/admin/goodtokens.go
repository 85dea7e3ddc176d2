package admin

import (
	"context"
	"sync"
	"time"

	"monarch/internal/auth"
)

// hashesLife is for how long the hashes of all tokens are taken for those that there are.
const hashesLife = time.Second

// goodTokens are the hashes of all tokens. A token is looked for among them where too many wrong ones have
// come from: a right one is found whatever others send from there, and all of them together cost the
// database one look in hashesLife. The zero value is ready.
type goodTokens struct {
	mu      sync.Mutex // leaf
	round   uint64     // how often they were made void
	all     map[string]bool
	until   time.Duration // of the clock's Elapsed
	loading chan struct{} // closed when a look is over; nil: none is under way
}

// have reports whether a token is one of those that there are. Who comes while they are loaded waits for
// that. Where they cannot be, they stay as they were.
func (g *goodTokens) have(ctx context.Context, secret string, now func() time.Duration, load func(context.Context) ([]string, error)) bool {
	hash := auth.TokenHash(secret) // comparing it tells nothing of the secret
	for {
		g.mu.Lock()
		if now() < g.until {
			good := g.all[hash]
			g.mu.Unlock()
			return good
		}
		done, round, first := g.loading, g.round, g.loading == nil
		if first {
			done = make(chan struct{})
			g.loading = done
		}
		g.mu.Unlock()
		if first {
			all, err := load(ctx)
			g.loaded(all, err, round, now()+hashesLife)
			close(done)
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return false
		}
	}
}

// loaded takes what was loaded in a round, until a time.
func (g *goodTokens) loaded(all []string, err error, round uint64, until time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loading = nil
	if g.round == round {
		g.until = until
	}
	if err != nil {
		return
	}
	g.all = make(map[string]bool, len(all))
	for _, hash := range all {
		g.all[hash] = true
	}
}

// forget has them loaded again: there are others now.
func (g *goodTokens) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.round++
	g.until = 0
}
