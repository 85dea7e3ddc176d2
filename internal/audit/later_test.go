package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"monarch/internal/audit"
	"monarch/internal/clock"
)

// TestWhoeverHears puts events off, in a log without a file, and closes it: whoever listens has heard
// them all then, in order.
func TestWhoeverHears(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	var heard []string
	l, err := audit.Open(audit.Config{
		Clock: clk, Log: slog.New(slog.DiscardHandler),
		Hear: func(_ context.Context, e audit.Heard) {
			if e.Time.IsZero() || e.What != audit.Disconnected {
				t.Errorf("heard %+v", e)
			}
			heard = append(heard, e.User)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprintf("%d@example.com", i))
		l.Later(audit.Event{What: audit.Disconnected, User: want[i]})
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard of %q", heard)
	}
	var none *audit.Log
	none.Later(audit.Event{What: audit.Disconnected})
}
