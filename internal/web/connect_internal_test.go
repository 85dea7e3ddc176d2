package web

import (
	"context"
	"testing"

	"monarch/internal/clock"
)

// This file is inside the package because only there can a visitor be gone at the right moment.

// Whoever goes away while the name is looked up does not make it unknown to those after him.
func TestAVisitorWhoGoesAwayForgetsNoAddress(t *testing.T) {
	clk := clock.New()
	t.Cleanup(clk.Close)
	s := &Server{cfg: Config{Host: "localhost", Clock: clk}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.address(gone)
	if addr := s.address(t.Context()); !addr.IsLoopback() {
		t.Errorf("localhost is at %v", addr)
	}
}
