package hub

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/im"
	"monarch/internal/metrics"
)

// Another node gives a number that is no time, or one of a clock that is wrong by decades. Sign-ins here
// get greater numbers than all that went before in any case.
func TestNumbersOfOtherNodes(t *testing.T) {
	ahead := uint64(time.Now().AddDate(70, 0, 0).UnixMilli()) << nodeBits
	for _, tc := range []struct {
		name   string
		number uint64
		counts bool
	}{
		{"ahead by decades", ahead, true},
		{"ahead by centuries", uint64(time.Now().AddDate(300, 0, 0).UnixMilli()) << nodeBits, false},
		{"the last that there could be", math.MaxUint64, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clk := clock.New()
			defer clk.Close()
			h := New(clk, time.Second)
			defer h.Close()
			var member cluster.Member
			h.Join(func(m cluster.Member) *cluster.Cluster {
				member = m
				return cluster.New(cluster.Config{
					Name: "a", Bus: clustertest.NewNet().Bus(), Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(), Member: m,
					Status: func() cluster.Status { return cluster.Status{} },
				})
			})
			first := h.SignIn(Login{Person: im.Person{ID: 7, Handle: "seven@example.com"}}, nobody{})
			for _, m := range []message{
				{SignedIn: &signedIn{User: 8, Number: tc.number, Handle: "eight@example.com"}},
				{Changed: &changed{User: 8, Number: tc.number}},
				{CountingDown: &countingDown{Number: tc.number}},
			} {
				member.Receive("b/x", encode(m))
			}
			if _, in := h.ByID(8); in != tc.counts {
				t.Errorf("signed in at the other node: %t", in)
			}
			second := h.SignIn(Login{Person: im.Person{ID: 8, Handle: "eight@example.com"}}, nobody{})
			if second.number <= first.number || tc.counts && second.number <= tc.number {
				t.Errorf("the number %d comes after %d and %d", second.number, first.number, tc.number)
			}
		})
	}
}
