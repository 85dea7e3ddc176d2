package server_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// last returns the newest point of a series that is known, NaN without any.
func last(h admin.History, series string) float64 {
	for _, v := range slices.Backward(h.Series[series]) {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}

// highest returns the highest point of a series that is known, 0 without any.
func highest(h admin.History, series string) (top float64) {
	for _, v := range h.Series[series] {
		if v > top { // which NaN is not
			top = v
		}
	}
	return top
}

// TestTheServiceTellsHowItIs has somebody sign in at each of two nodes and talk at one, and asks the other about both, about an
// hour and about what was logged; then one is gone.
func TestTheServiceTellsHowItIs(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, map[string]string{"service.name": "Our Place", "cluster.capacity": "4"}, nil)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.ns")
	p.Play("mutual alice bob\nsignin9 A")
	agree(t, nodes...)
	p.Play("signin9 B, loud\nB.ns< ILN 6 NLN alice@example.com Alice 268435492\nA.ns< NLN NLN bob@example.com Bob 268435492")
	agree(t, nodes...)
	p.Play("chat A B\nA.sb> MSG 30 A {n} + P-HELLO\nA.sb< ACK 30\nB.sb< MSG alice@example.com Alice {n} + P-HELLO")
	p.Play("login A password \"wrong\" refused")
	service := nodes[1].Server.Admin()
	o := service.Overview(t.Context())
	if o.People != 2 || o.Sessions != 2 || o.Switchboards != 1 || o.Connections != 4 || len(o.Nodes) != 2 || o.Since.IsZero() {
		t.Errorf("%+v", o)
	}
	if n := o.Nodes[0]; n.Name != "node-1" || n.State != "alive" || n.Sessions != 1 || n.Load != 0.25 || n.Memory < 1<<20 || n.Since.IsZero() || n.Unheard {
		t.Errorf("node 1: %+v", n)
	}
	if n := o.Nodes[1]; n.Name != "node-2" || n.State != "here" || n.Sessions != 1 || len(n.Roles) != 5 {
		t.Errorf("node 2: %+v", n)
	}
	if first := nodes[0].Server.Admin().Overview(t.Context()); first.Service != "Our Place" {
		t.Errorf("%+v", first)
	}

	for _, f := range nodes {
		f.Clock.Advance(16 * time.Second) // the first point is of five seconds at least
	}
	for span, points := range map[string]int{admin.SpanHour: 360, admin.SpanDay: 288} {
		h, err := service.History(t.Context(), "", span)
		if err != nil || len(h.Series["sessions"]) != points || len(h.Unheard) > 0 {
			t.Fatalf("%s: %d points, %v", span, len(h.Series["sessions"]), err)
		}
		for series, atLeast := range map[string]float64{"sessions": 2, "connections": 4, "switchboards": 1, "memory": 1 << 20} {
			if got := last(h, series); got < atLeast && span == admin.SpanHour || math.IsNaN(got) {
				t.Errorf("%s of %s: %v", series, span, got)
			}
		}
	}
	h, err := service.History(t.Context(), "node-1", admin.SpanHour)
	if err != nil || last(h, "sessions") != 1 {
		t.Errorf("node 1 has %v sessions, %v", last(h, "sessions"), err)
	}
	for _, series := range []string{"sign_ins", "messages", "refused"} { // at any time: a busy machine takes a while
		if highest(h, series) == 0 {
			t.Errorf("node 1 has no %s", series)
		}
	}
	if o = service.Overview(t.Context()); o.SignInsMinute <= 0 || o.MessagesMinute <= 0 || o.RefusedMinute <= 0 {
		t.Errorf("%+v", o)
	}

	troubleIsTold(t, nodes)
}

// troubleIsTold logs something at both of two nodes and asks the second, before and after the first has gone.
func troubleIsTold(t *testing.T, nodes []*msntest.Fixture) {
	t.Helper()
	service := nodes[1].Server.Admin()
	nodes[0].Server.Log().Warn("something odd", "err", "there")
	nodes[1].Server.Log().Error("something bad", "err", "here")
	lines, err := service.Errors(t.Context(), 0)
	if err != nil || len(lines) < 2 || !slices.IsSortedFunc(lines, func(a, b admin.LogLine) int { return b.Time.Compare(a.Time) }) {
		t.Fatalf("%+v, %v", lines, err)
	}
	for _, want := range []admin.LogLine{
		{Level: "WARN", Node: "node-1", Text: "something odd", Attributes: map[string]string{"err": "there"}},
		{Level: "ERROR", Node: "node-2", Text: "something bad", Attributes: map[string]string{"err": "here"}},
	} {
		if !slices.ContainsFunc(lines, func(l admin.LogLine) bool {
			return l.Level == want.Level && l.Node == want.Node && l.Text == want.Text && l.Attributes["err"] == want.Attributes["err"]
		}) {
			t.Errorf("%+v is not among %+v", want, lines)
		}
	}
	if o := service.Overview(t.Context()); o.ErrorsHour < 1 || o.WarningsHour < 1 || o.Nodes[0].WarningsHour < 1 || o.Nodes[1].ErrorsHour < 1 {
		t.Errorf("%+v", o)
	}
	nodes[0].Stop(t)
	await(t, "who has left is not seen to have", func() bool {
		o := service.Overview(t.Context())
		return len(o.Nodes) == 1 || o.Nodes[0].Unheard && o.Nodes[0].State == "left"
	})
	if lines, err := service.Errors(t.Context(), 1); err != nil || len(lines) != 1 {
		t.Errorf("one node alone: %v, %v", lines, err)
	}
}
