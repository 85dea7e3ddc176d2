package admin

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"sync"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/history"
)

const (
	pathHistory  = Root + "/history"
	topicHistory = "history" // a span; the answer is a History
)

// The spans of which there is a history.
const (
	SpanHour = "hour"
	SpanDay  = "day"
)

// Seconds is a duration.
type Seconds int

// History is how figures were: a series for each, of which the first point is of Start and each
// further one of Step later. What is counted is in numbers per minute, cpu in cores, memory in bytes.
type History struct {
	Start   time.Time
	Step    Seconds
	Series  map[string][]float64 // NaN, in JSON null: nothing is known
	Unheard []string             // nodes that do not answer, of which nothing is in it
}

// figures are a History in JSON, which has no NaN.
type figures struct {
	Start   time.Time             `json:"start" doc:"When the first points are of." example:"2026-03-01T12:00:00Z"`
	Step    Seconds               `json:"step" doc:"How many seconds later each further one is." example:"10"`
	Series  map[string][]*float64 `json:"series" doc:"The points of each figure: numbers now, or per minute; cpu in cores, memory in bytes. null: nothing is known." example:"{\"sessions\":[118,119,null,120]}"`
	Unheard []string              `json:"unheard,omitempty" doc:"Nodes that do not answer, of which nothing is in it." example:"[\"node-2\"]"`
}

// MarshalJSON implements json.Marshaler.
func (h History) MarshalJSON() ([]byte, error) {
	w := figures{Start: h.Start, Step: h.Step, Series: make(map[string][]*float64, len(h.Series)), Unheard: h.Unheard}
	for name, series := range h.Series {
		points := make([]*float64, len(series))
		for i, v := range series {
			if !math.IsNaN(v) {
				points[i] = &series[i]
			}
		}
		w.Series[name] = points
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *History) UnmarshalJSON(text []byte) error {
	var w figures
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*h = History{Start: w.Start, Step: w.Step, Series: make(map[string][]float64, len(w.Series)), Unheard: w.Unheard}
	for name, points := range w.Series {
		series := make([]float64, len(points))
		for i, p := range points {
			if series[i] = math.NaN(); p != nil {
				series[i] = *p
			}
		}
		h.Series[name] = series
	}
	return nil
}

// short leaves the digits that somebody may want to see.
func short(v float64) float64 {
	switch {
	case v == 0 || math.IsNaN(v) || math.IsInf(v, 0):
		return v
	case math.Abs(v) >= 1000:
		return math.Round(v)
	}
	return math.Round(v*1000) / 1000
}

// History returns the last hour or day of a node, or with "" of all together.
func (s *Service) History(ctx context.Context, node, span string) (History, error) {
	if span != SpanHour && span != SpanDay {
		return History{}, wrong("span", "there is a history of the last %s and of the last %s, and none of %q", SpanHour, SpanDay, span)
	}
	if node == "" {
		return s.allHistory(ctx, span), nil
	}
	n, err := s.node(node)
	if err != nil {
		return History{}, err
	}
	h, ok := s.historyOf(ctx, n, span)
	if !ok {
		return History{}, problem(http.StatusBadGateway, CodeNodeSilent, "%s does not answer; `monarch nodes` shows when it was last heard of", node)
	}
	return h, nil
}

func (s *Service) historyOf(ctx context.Context, n cluster.Node, span string) (h History, ok bool) {
	if n.State == cluster.Here {
		return s.history(span), true
	}
	err := s.askFigures(ctx, n, topicHistory, span, &h)
	return h, err == nil
}

// history is that of this node.
func (s *Service) history(span string) History {
	if s.Past == nil {
		return History{Series: map[string][]float64{}}
	}
	of := history.Hour
	if span == SpanDay {
		of = history.Day
	}
	kept := s.Past.Span(of)
	h := History{Start: kept.Start, Step: Seconds(kept.Step / time.Second), Series: make(map[string][]float64, len(kept.Points))}
	for f, points := range kept.Points {
		for i, v := range points {
			points[i] = short(v)
		}
		h.Series[history.Figure(f).String()] = points
	}
	return h
}

// allHistory is that of all nodes together.
func (s *Service) allHistory(ctx context.Context, span string) History {
	sum := s.history(span)
	if s.isAlone(ctx) {
		return sum
	}
	var (
		mu   sync.Mutex
		wait sync.WaitGroup
		all  = []History{sum}
	)
	for _, n := range s.nodes.Alive() {
		if n.State == cluster.Here {
			continue
		}
		wait.Go(func() {
			h, ok := s.historyOf(ctx, n, span)
			mu.Lock()
			defer mu.Unlock()
			if ok && h.Step == sum.Step {
				all = append(all, h)
			} else {
				sum.Unheard = append(sum.Unheard, n.Name)
			}
		})
	}
	wait.Wait()
	together := add(all)
	together.Unheard = sum.Unheard
	return together
}

// add adds histories up, by the times of their points, over the time of the first. The newest point is left
// out while one of them has not measured it, for it would be too small.
func add(all []History) History {
	h := all[0]
	h.Series = make(map[string][]float64, len(all[0].Series))
	step := time.Duration(h.Step) * time.Second
	for name, first := range all[0].Series {
		sum := make([]float64, len(first))
		for i := range sum {
			sum[i] = math.NaN()
		}
		late := false
		for _, each := range all {
			offset := int(each.Start.Sub(h.Start) / step)
			at := func(i int) float64 {
				if i -= offset; i >= 0 && i < len(each.Series[name]) {
					return each.Series[name][i]
				}
				return math.NaN()
			}
			for i := range sum {
				sum[i] = plus(sum[i], at(i))
			}
			last := len(sum) - 1
			late = late || last > 0 && math.IsNaN(at(last)) && !math.IsNaN(at(last-1))
		}
		if late {
			sum[len(sum)-1] = math.NaN()
		}
		h.Series[name] = sum
	}
	return h
}

// plus adds what is known.
func plus(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return a + b
}

// tellHistory answers other nodes.
func (s *Service) tellHistory(_ context.Context, body []byte) ([]byte, error) {
	var span string
	if err := json.Unmarshal(body, &span); err != nil {
		return nil, err
	}
	return json.Marshal(s.history(span))
}

func (s *Service) showHistory(r *http.Request) (any, error) {
	q := r.URL.Query()
	span := q.Get("span")
	if span == "" {
		span = SpanHour
	}
	return s.History(r.Context(), q.Get("node"), span)
}

// History is [Service.History].
func (c *Client) History(ctx context.Context, node, span string) (History, error) {
	q := url.Values{"node": {node}, "span": {span}}
	return ask[History](ctx, c, http.MethodGet, pathHistory+"?"+q.Encode(), nil)
}
