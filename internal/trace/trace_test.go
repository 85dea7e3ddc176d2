package trace_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"monarch/internal/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is a collector that keeps which spans came, by trace.
type receiver struct {
	mu     sync.Mutex
	traces map[string][]string
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	var batch coltrace.ExportTraceServiceRequest
	if proto.Unmarshal(body, &batch) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range batch.ResourceSpans {
		for _, within := range of.ScopeSpans {
			for _, s := range within.Spans {
				r.traces[string(s.TraceId)] = append(r.traces[string(s.TraceId)], s.Name)
			}
		}
	}
}

func tracer(t *testing.T, endpoint string, percent int, log io.Writer) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(trace.Config{Endpoint: endpoint, Percent: percent, Node: "node-1", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// signIn tells of a sign-in with a ticket, in both halves.
func signIn(check, session *trace.Tracer, ticket string) {
	check.Password(trace.Password{Ticket: ticket, Handle: "alice@example.com", Began: time.Now(), Outcome: "right"})
	s := session.Begin(time.Now())
	s.Command("USR I", s.Now())
	s.Step("ticket", s.Now(), s.Now())
	s.Proved(ticket)
	s.Command("USR S", s.Now())
	s.Is(trace.Subject{Handle: "alice@example.com", Connection: 7})
	s.Done("on_line")
}

// TestTwoNodesMakeOneTrace: the halves of a sign-in find each other, and are sent or left out together.
func TestTwoNodesMakeOneTrace(t *testing.T) {
	for _, percent := range []int{100, 30} {
		r := &receiver{traces: make(map[string][]string)}
		there := httptest.NewServer(r)
		a, b := tracer(t, there.URL, percent, io.Discard), tracer(t, there.URL+"/", percent, io.Discard)
		const signIns = 200
		for i := range signIns {
			signIn(a, b, "t="+strconv.Itoa(i))
		}
		for _, each := range []*trace.Tracer{a, b} {
			if err := each.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		there.Close()
		if n := len(r.traces); percent == 100 && n != signIns || percent == 30 && (n < 20 || n > 120) {
			t.Errorf("%d traces of %d sign-ins at %d%%", n, signIns, percent)
		}
		for _, spans := range r.traces {
			if len(spans) != 5 {
				t.Fatalf("a trace of %s", spans)
			}
		}
		sentA, _ := a.Counts()
		sentB, lost := b.Counts()
		if sentA+sentB != uint64(5*len(r.traces)) || lost != 0 {
			t.Errorf("%d and %d spans sent, %d lost", sentA, sentB, lost)
		}
	}
}

// TestACollectorThatHangsKeepsNobodyWaiting: what it does not take is dropped, and the end does not wait for it.
func TestACollectorThatHangsKeepsNobodyWaiting(t *testing.T) {
	release := make(chan struct{})
	there := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	var log bytes.Buffer
	tr := tracer(t, there.URL, 100, &log)
	for range 4000 {
		signIn(tr, tr, "t=1") // it would hang here
	}
	if _, lost := tr.Counts(); lost == 0 {
		t.Error("nothing was dropped")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = tr.Close(ctx) // it may say that ctx has ended
	close(release)
	there.Close()
	if sent, lost := tr.Counts(); sent != 0 || lost != 4000*5 {
		t.Errorf("%d spans sent, %d lost", sent, lost)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, &log)
	}
}

func TestConnectionsThatSayNothingAreNotTold(t *testing.T) {
	r := &receiver{traces: make(map[string][]string)}
	there := httptest.NewServer(r)
	defer there.Close()
	tr := tracer(t, there.URL, 100, io.Discard)
	tr.Begin(time.Now()).Failed("peer_closed")
	if err := tr.Close(t.Context()); err != nil || len(r.traces) != 0 {
		t.Errorf("%v, %v", err, r.traces)
	}
}

// TestWithoutACollectorThereIsNoCost: none of the calls allocates.
func TestWithoutACollectorThereIsNoCost(t *testing.T) {
	var none *trace.Tracer
	if n := testing.AllocsPerRun(1000, func() { signIn(none, none, "t=1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func BenchmarkWithout(b *testing.B) {
	var none *trace.Tracer
	b.ReportAllocs()
	began := time.Now()
	for b.Loop() {
		s := none.Begin(began)
		s.Command("USR I", s.Now())
		s.Step("ticket", began, began)
		s.Done("on_line")
	}
}

func BenchmarkSignIn(b *testing.B) {
	there := httptest.NewServer(&receiver{traces: make(map[string][]string)})
	defer there.Close()
	tr, err := trace.New(trace.Config{Endpoint: there.URL, Percent: 100, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		signIn(tr, tr, "t=1")
	}
	_ = tr.Close(b.Context())
}
