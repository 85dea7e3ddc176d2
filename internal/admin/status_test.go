package admin_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/history"
)

// past gives a service a history of what read returns, and a log that it keeps the trouble of.
func (b bench) past(t *testing.T, read func() history.Reading) *slog.Logger {
	t.Helper()
	lines := new(history.Lines)
	b.Past = history.New(b.Clock, lines, read)
	b.Past.Start()
	t.Cleanup(b.Past.Stop)
	return slog.New(lines.Beside(slog.DiscardHandler))
}

func TestAHistoryTravels(t *testing.T) {
	nan := math.NaN()
	h := admin.History{Start: time.Unix(1000, 0).UTC(), Step: 10, Series: map[string][]float64{"cpu": {nan, 0.5, 0}}, Unheard: []string{"b"}}
	text, err := json.Marshal(h)
	if want := `{"start":"1970-01-01T00:16:40Z","step":10,"series":{"cpu":[null,0.5,0]},"unheard":["b"]}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var got admin.History
	if err := json.Unmarshal(text, &got); err != nil || !math.IsNaN(got.Series["cpu"][0]) || got.Series["cpu"][1] != 0.5 || got.Unheard[0] != "b" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFiguresOfOneNode asks over the HTTP interface.
func TestFiguresOfOneNode(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.Name = "Our Place"
		log := b.past(t, func() (r history.Reading) {
			r[history.Sessions], r[history.Messages] = 3, 100
			return r
		})
		b.join(t, clustertest.NewNet(), "a")
		b.Clock.Advance(15 * time.Second)
		log.Error("boom", "text", strings.Repeat("x", 10_000))
		o, err := b.client.Overview(t.Context())
		if err != nil || o.Service != "Our Place" || o.Sessions != 3 || o.MessagesMinute <= 0 || o.ErrorsHour != 1 || len(o.Nodes) != 1 || o.Nodes[0].Memory == 0 {
			t.Errorf("%+v, %v", o, err)
		}
		h, err := b.client.History(t.Context(), "a", admin.SpanHour)
		if err != nil || h.Step != 10 || len(h.Series) != int(history.Figures) || !math.IsNaN(h.Series["sessions"][0]) {
			t.Errorf("%+v, %v", h, err)
		}
		var p *admin.Problem
		if _, err := b.client.History(t.Context(), "", "year"); !errors.As(err, &p) || p.Field != "span" {
			t.Errorf("of a year: %+v", err)
		}
		if _, err := b.client.History(t.Context(), "nowhere", admin.SpanDay); err == nil {
			t.Error("there is a history of a node that is not there")
		}
		if lines, err := b.client.Errors(t.Context(), 5); err != nil || len(lines) != 1 || lines[0].Text != "boom" || len(lines[0].Attributes["text"]) > 600 {
			t.Errorf("%v, %v", lines, err)
		}
	})
}

// TestANodeThatIsNotHeard cuts one of two nodes off: what is known of it stays, and what is known of the other is told.
func TestANodeThatIsNotHeard(t *testing.T) {
	here, there, network := newBench(t), newBench(t), clustertest.NewNet()
	of := func(n float64) func() history.Reading {
		return func() (r history.Reading) {
			r[history.Sessions] = n
			return r
		}
	}
	here.past(t, of(1))
	log := there.past(t, of(2))
	self := here.join(t, network, "a")
	there.join(t, network, "b")
	for range 2 * history.MaxLines { // more than one answer takes
		log.Warn("odd", "w", strings.Repeat("w", 490), "a", strings.Repeat("x", 500), "b", strings.Repeat("y", 400))
	}
	eventually(t, "both nodes tell their figures", func() bool {
		o := here.Overview(t.Context())
		return o.Sessions == 3 && len(o.Nodes) == 2
	})
	lines, err := here.Errors(t.Context(), 0)
	if err != nil || len(lines) < 50 || lines[0].Node != "b" {
		t.Errorf("%d lines, %v", len(lines), err)
	}
	network.CutOff(self)
	o := here.Overview(t.Context())
	if o.Sessions != 1 || len(o.Nodes) != 2 || !o.Nodes[1].Unheard || !o.Nodes[1].Since.IsZero() || o.Nodes[0].Sessions != 1 {
		t.Errorf("%+v", o)
	}
	h, err := here.History(t.Context(), "", admin.SpanHour)
	if err != nil || len(h.Series["sessions"]) != 360 {
		t.Errorf("%v, %v", h, err)
	}
}
