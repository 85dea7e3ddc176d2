package metrics_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

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

// counting is something that may happen, and the line that tells of it.
type counting struct {
	name string
	do   func(*metrics.Metrics)
	want string
}

func TestWhatHappensIsCounted(t *testing.T) {
	count(t, []counting{
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
	})
}

func TestTimesLinesAndQueuesAreCounted(t *testing.T) {
	count(t, []counting{
		{"a time", func(m *metrics.Metrics) { m.SignIn.Took(time.Second) }, `monarch_sign_in_seconds_bucket{le="1"} 1`},
		{"a step of signing in", func(m *metrics.Metrics) { m.Step(metrics.RosterStep, time.Second) }, `monarch_sign_in_step_seconds_sum{step="roster"} 1`},
		{"a call that rings", func(m *metrics.Metrics) { m.Ringing.Took(time.Second) }, `monarch_switchboard_call_seconds_count{until="ringing"} 1`},
		{"presence", func(m *metrics.Metrics) { m.Fanout.Took(time.Millisecond) }, `monarch_presence_fanout_seconds_sum 0.001`},
		{
			"work for the database", func(m *metrics.Metrics) { m.Stored(metrics.View, time.Second, false) },
			`monarch_store_errors_total{operation="view"} 0`,
		},
		{
			"work that the database did not do", func(m *metrics.Metrics) { m.Stored(metrics.Change, time.Second, true) },
			`monarch_store_errors_total{operation="change"} 1`,
		},
		{"a line of the log", func(m *metrics.Metrics) { m.Logged(slog.LevelWarn) }, `monarch_log_lines_total{level="warn"} 1`},
		{"a line between two levels", func(m *metrics.Metrics) { m.Logged(slog.LevelWarn + 1) }, `monarch_log_lines_total{level="warn"} 1`},
		{"a line below all levels", func(m *metrics.Metrics) { m.Logged(-100) }, `monarch_log_lines_total{level="debug"} 1`},
		{"a line above all levels", func(m *metrics.Metrics) { m.Logged(100) }, `monarch_log_lines_total{level="error"} 1`},
		{
			"a reason that nobody had", func(m *metrics.Metrics) { m.Expect("dispatch", []string{"slow"}) },
			`monarch_connections_closed_total{reason="slow",role="dispatch"} 0`,
		},
		{
			"a cause that nobody was refused for", func(m *metrics.Metrics) { m.ExpectRefusals("web", []string{"memory"}) },
			`monarch_connections_refused_total{cause="memory",listener="web"} 0`,
		},
		{"a queue", func(m *metrics.Metrics) { m.Queue(queue("mail")) }, `monarch_queue_wait_seconds_total{queue="mail"} 3`},
	})
}

func count(t *testing.T, all []counting) {
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			m := metrics.New()
			c.do(m)
			if got := scrape(t, m); !strings.Contains(got, "\n"+c.want+"\n") {
				t.Errorf("no line %q in\n%s", c.want, got)
			}
		})
	}
}

// queue returns one in which two wait.
func queue(name string) metrics.Queue {
	return metrics.Queue{
		Name: name, Length: func() int { return 2 }, Limit: func() int { return 5 },
		Waits: func() (uint64, time.Duration) { return 4, 3 * time.Second }, Refused: func() uint64 { return 1 },
	}
}

func TestQueuesAreToldApart(t *testing.T) {
	m := metrics.New()
	m.Queue(queue("mail"))
	m.Queue(metrics.Queue{Name: "store", Length: func() int { return 9 }})
	text := scrape(t, m)
	for _, want := range []string{
		`monarch_queue_length{queue="mail"} 2`, `monarch_queue_length{queue="store"} 9`, `monarch_queue_limit{queue="mail"} 5`,
		`monarch_queue_waits_total{queue="mail"} 4`, `monarch_queue_refused_total{queue="mail"} 1`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	if strings.Contains(text, `monarch_queue_limit{queue="store"}`) {
		t.Error("a queue without a limit has one")
	}
}

// What is measured on the way of messages, presence and sign-ins makes no garbage.
func TestMeasuringAllocatesNothing(t *testing.T) {
	m := metrics.New()
	for what, do := range map[string]func(){
		"a message":             func() { m.Message('A', metrics.Delivered, 100) },
		"a limit":               func() { m.Limited(metrics.Messages) },
		"presence":              func() { m.Fanout.Took(time.Microsecond) },
		"a step":                func() { m.Step(metrics.RosterStep, time.Millisecond) },
		"work for the database": func() { m.Stored(metrics.Change, time.Millisecond, true) },
		"a line":                func() { m.Logged(slog.LevelInfo) },
	} {
		if n := testing.AllocsPerRun(1000, do); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

func BenchmarkFanout(b *testing.B) {
	m := metrics.New()
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		m.Fanout.Took(time.Since(began))
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
		if !regexp.MustCompile(`^monarch_[a-z_]+_(total|seconds)$`).MatchString(f[2]) {
			t.Errorf("the name %s", f[2])
		}
		if !strings.HasSuffix(line, ".") {
			t.Errorf("the help text of %s", f[2])
		}
	}
	if ours != 20 {
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
