package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"monarch/internal/msntest"
	"monarch/internal/trace"
	"monarch/msnclient"
)

// collector is a receiver of OTLP over HTTP.
type collector struct {
	t *testing.T
	*httptest.Server
	arrived chan struct{} // something has; buffered

	mu    sync.Mutex
	spans []*otlp.Span
	text  []byte // everything that came, for what must not be in it
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, arrived: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP takes a batch.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	var batch coltrace.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &batch)); err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("%s: %v", r.URL.Path, err)
	}
	c.mu.Lock()
	for _, of := range batch.ResourceSpans {
		for _, within := range of.ScopeSpans {
			c.spans = append(c.spans, within.Spans...)
		}
	}
	c.text = append(c.text, body...)
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// String returns everything that came.
func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) == 0 {
		c.t.Error("there are no traces")
	}
	return string(c.text)
}

// find waits for a span with a name and an outcome, and returns it with all of its trace.
func (c *collector) find(name, outcome string) (*otlp.Span, []*otlp.Span) {
	c.t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		all := slices.Clone(c.spans)
		c.mu.Unlock()
		for _, s := range all {
			if s.Name == name && attribute(s, "monarch.outcome") == outcome {
				return s, slices.DeleteFunc(all, func(other *otlp.Span) bool { return !bytes.Equal(other.TraceId, s.TraceId) })
			}
		}
		select {
		case <-c.arrived:
		case <-timeout.C:
			c.t.Fatalf("no span %s, %s, but %v", name, outcome, all)
		}
	}
}

func attribute(s *otlp.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// dialled signs somebody of the fixture in with msnclient, until the test ends.
func dialled(t *testing.T, f *msntest.Fixture, nick, password string) error {
	t.Helper()
	names := map[string]string{
		"messenger.hotmail.com:1863": "dispatch", "nexus.passport.com:443": "https", "login.passport.com:443": "https",
	}
	c, err := msnclient.Dial(t.Context(), msnclient.Config{
		Handle: nick + "@example.com", Password: password, TLS: &tls.Config{RootCAs: f.Roots()},
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if name, ok := names[addr]; ok {
				addr = f.Server.Addr(name)
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return err
}

// outline is a trace as a tree: each span's name, then what is below it, in the order of time.
func outline(all []*otlp.Span, parent []byte) string {
	var within []*otlp.Span
	for _, s := range all {
		if bytes.Equal(s.ParentSpanId, parent) {
			within = append(within, s)
		}
	}
	slices.SortFunc(within, func(a, b *otlp.Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	var names []string
	for _, s := range within {
		name := s.Name
		if below := outline(all, s.SpanId); below != "" {
			name += "(" + below + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// TestSignInsAreTraced: one trace has the password check and all that came of the ticket.
func TestSignInsAreTraced(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	f := msntest.Start(t, map[string]string{"ops.trace_endpoint": c.URL})
	if err := dialled(t, f, "alice", "secret-alice"); err != nil {
		t.Fatal(err)
	}
	c.find("password", "right") // which is sent first: the other spans end later, and that of all last
	root, all := c.find("sign-in", "on_line")
	const want = "sign-in(VER CVR USR I password USR S(ticket account displacement mailbox) SYN(roster) CHG)"
	if got := outline(all, nil); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, s := range all {
		if s.StartTimeUnixNano < root.StartTimeUnixNano || s.EndTimeUnixNano > root.EndTimeUnixNano || s.StartTimeUnixNano > s.EndTimeUnixNano {
			t.Errorf("%s is from %d to %d, all from %d to %d", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano, root.StartTimeUnixNano, root.EndTimeUnixNano)
		}
		if s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR {
			t.Errorf("%s has failed", s.Name)
		}
	}
	if who := attribute(root, "monarch.user"); who != trace.Pseudonym("alice@example.com") || attribute(root, "monarch.version") != "MSNP9" {
		t.Errorf("attributes %v", root.Attributes)
	}
	c.hides(root, "secret-alice", "alice@example.com", "t=", "127.0.0.1")
}

// hides reports secrets and people's addresses in what came.
func (c *collector) hides(root *otlp.Span, words ...string) {
	c.t.Helper()
	text := c.String()
	for _, word := range words {
		if strings.Contains(text, word) {
			c.t.Errorf("%q is in the traces, of which one is %s", word, hex.EncodeToString(root.TraceId))
		}
	}
}

func TestSignInsThatFailAreTraced(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	f := msntest.Start(t, map[string]string{"ops.trace_endpoint": c.URL})
	if err := dialled(t, f, "alice", "wrong-pass-word"); !errors.Is(err, msnclient.ErrPassword) {
		t.Fatal(err)
	}
	wrong, all := c.find("password", "refused")
	if wrong.Status.GetCode() != otlp.Status_STATUS_CODE_ERROR || len(all) != 1 {
		t.Errorf("%v of %d spans", wrong, len(all))
	}
	msntest.NewPlayer(t, f).Play(`B.ns> VER 1 MSNP9 CVR0
B.ns< VER 1 MSNP9 CVR0
B.ns> USR 2 TWN I bob@example.com
B.ns< USR 2 TWN S {challenge}
B.ns> USR 3 TWN S t=forged&p=0
B.ns< 911 3
B.ns x`)
	refused, all := c.find("sign-in", "refused")
	if got := outline(all, nil); got != "sign-in(VER USR I USR S(ticket))" || refused.Status.GetCode() != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("%s, %v", got, refused.Status)
	}
	c.hides(refused, "wrong-pass-word", "forged", "bob@example.com")
}

// TestACollectorThatIsAwayCostsNobodyAnything: people sign in as ever, and the log says so once.
func TestACollectorThatIsAwayCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"closes":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := httptest.NewServer(away)
			defer there.Close()
			f := msntest.Start(t, map[string]string{"ops.trace_endpoint": there.URL})
			for i := range 3 {
				if err := dialled(t, f, []string{"alice", "bob", "carol"}[i], fmt.Sprint("secret-", []string{"alice", "bob", "carol"}[i])); err != nil {
					t.Fatal(err)
				}
				before := gauge(t, f, "monarch_trace_spans_lost_total")
				await(t, "spans are not lost", func() bool { return before > 0 || gauge(t, f, "monarch_trace_spans_lost_total") > before })
			}
			if sent := gauge(t, f, "monarch_trace_spans_sent_total"); sent != 0 {
				t.Errorf("%v spans were sent", sent)
			}
			if warned := gauge(t, f, `monarch_log_lines_total{level="warn"}`); warned != 1 {
				t.Errorf("%v lines in the log", warned)
			}
		})
	}
}
