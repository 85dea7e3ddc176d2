package msnclient

import (
	"context"
	"math/rand/v2"
	"time"
)

// jitter spreads a pause over half of it and one and a half, so that the clients of a server
// that was away do not come back all at once.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// sleep waits, and reports whether it was not disturbed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
