package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/metrics"
)

// scrape returns what an operator's collector gets.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestWhatHappensIsCounted(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(*metrics.Metrics)
		want string // a line
	}{
		{"a panic", func(m *metrics.Metrics) { m.Panics.Inc() }, `monarch_panics_total 1`},
		{"a sign-in", func(m *metrics.Metrics) { m.SignIns.Inc() }, `monarch_sign_ins_total 1`},
		{"a conversation", func(m *metrics.Metrics) { m.Rooms.Inc() }, `monarch_switchboard_sessions_created_total 1`},
		{"an idle conversation", func(m *metrics.Metrics) { m.RoomsIdle.Inc() }, `monarch_switchboard_sessions_idle_total 1`},
		{"a bad cookie", func(m *metrics.Metrics) { m.CookieFailures.Inc() }, `monarch_switchboard_cookie_failures_total 1`},
		{
			"a connection", func(m *metrics.Metrics) { m.Opened("switchboard") },
			`monarch_connections_opened_total{role="switchboard"} 1`,
		},
		{
			"its end", func(m *metrics.Metrics) { m.Closed("switchboard", "slow") },
			`monarch_connections_closed_total{reason="slow",role="switchboard"} 1`,
		},
		{"a refusal", func(m *metrics.Metrics) { m.Refused("notification", "911") }, `monarch_refusals_total{code="911",role="notification"} 1`},
		{
			"a message", func(m *metrics.Metrics) { m.Message('A', metrics.Delivered, 100) },
			`monarch_switchboard_messages_total{ack="A",outcome="delivered"} 1`,
		},
		{
			"a message that nobody got", func(m *metrics.Metrics) { m.Message('N', metrics.Undelivered, 0) },
			`monarch_switchboard_messages_total{ack="N",outcome="undelivered"} 1`,
		},
		{
			"a message of no kind", func(m *metrics.Metrics) { m.Message('?', metrics.Refused, 0) },
			`monarch_switchboard_messages_total{ack="A",outcome="refused"} 0`,
		},
		{"the bytes of messages", func(m *metrics.Metrics) {
			m.Message('A', metrics.Delivered, 100)
			m.Message('U', metrics.Delivered, 20)
		}, `monarch_switchboard_relayed_bytes_total 120`},
		{"a call", func(m *metrics.Metrics) { m.Call("217") }, `monarch_switchboard_calls_total{answer="217"} 1`},
		{"a limit", func(m *metrics.Metrics) { m.Limited(metrics.FailedCalls) }, `monarch_limited_total{what="failed_calls"} 1`},
		{"a limit that nobody met", func(*metrics.Metrics) {}, `monarch_limited_total{what="invitations"} 0`},
		{"a gauge", func(m *metrics.Metrics) { m.Gauge("monarch_people", "People.", func() float64 { return 2.5 }) }, `monarch_people 2.5`},
		{
			"a total counted elsewhere", func(m *metrics.Metrics) { m.Total("monarch_things_total", "Things.", func() uint64 { return 7 }) },
			`monarch_things_total 7`,
		},
		{
			"what does not change", func(m *metrics.Metrics) { m.Info("monarch_info", "This.", map[string]string{"node": "node-1"}) },
			`monarch_info{node="node-1"} 1`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := metrics.New()
			tc.do(m)
			if got := scrape(t, m); !strings.Contains(got, "\n"+tc.want+"\n") {
				t.Errorf("no line %q in\n%s", tc.want, got)
			}
		})
	}
}

func TestServersDoNotShareMetrics(t *testing.T) {
	a, b := metrics.New(), metrics.New()
	a.SignIns.Inc()
	if !strings.Contains(scrape(t, b), "\nmonarch_sign_ins_total 0\n") {
		t.Error("one server counts for another")
	}
}

// Names end in a unit or _total, and each says what it means.
func TestNamesFollowTheConventions(t *testing.T) {
	m := metrics.New()
	m.Opened("a")
	m.Closed("a", "b")
	m.Refused("a", "b")
	m.Message('A', metrics.Refused, 1)
	m.Call("a")
	text, ours := scrape(t, m), 0
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "#" || f[1] != "HELP" || !strings.HasPrefix(f[2], "monarch_") {
			continue
		}
		ours++
		if !regexp.MustCompile(`^monarch_[a-z_]+_total$`).MatchString(f[2]) {
			t.Errorf("the name %s", f[2])
		}
		if !strings.HasSuffix(line, ".") {
			t.Errorf("the help text of %s", f[2])
		}
	}
	if ours != 13 {
		t.Errorf("%d metrics of ours", ours)
	}
	for _, want := range []string{
		"go_goroutines ", "process_start_time_seconds ", "go_gc_cycles_total_gc_cycles_total ",
		"go_cpu_classes_gc_total_cpu_seconds_total ", "go_memory_classes_heap_objects_bytes ", "go_sched_latencies_seconds_count ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	m := metrics.New()
	b.ReportAllocs()
	for b.Loop() {
		m.Message('D', metrics.Delivered, 300)
	}
}
