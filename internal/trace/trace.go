// Package trace tells a collector of OpenTelemetry how sign-ins went: a trace for each, with a span for every
// command of the client and every step that the server took for it. What happens is told to it by those who
// sign people in; which collector that is, and that there is one at all, is up to the operator.
//
// The password is checked on another connection than the one that signs in, perhaps at another node. Both meet in the
// ticket: the trace's id and that of its first span are made from it, so that the two halves find each other
// without anything being passed along. docs/adr/0033-opentelemetry.md
package trace

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// Config says where traces go, and from whom they come.
type Config struct {
	Endpoint string // http or https URL of the collector; without a path it is /v1/traces
	Percent  int    // of so many sign-ins of a hundred
	Node     string // what this node is called
	Release  string
	Log      *slog.Logger
}

// Tracer sends traces. A nil one does nothing at all, and neither does what it returns.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
	sender   *sender
	client   *http.Client
}

// New returns a tracer, which must be closed. Nothing is connected yet: a collector that is away is no error.
func New(cfg Config) (*Tracer, error) {
	u, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("read the address of the collector: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(u.String()),
		otlptracehttp.WithHTTPClient(client), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("make traces: %w", err)
	}
	s := newSender(exporter, cfg.Log)
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(s), sdk.WithIDGenerator(ids{}), sdk.WithSampler(sdk.TraceIDRatioBased(float64(cfg.Percent)/100)),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "monarch"), attribute.String("service.version", cfg.Release),
			attribute.String("service.instance.id", cfg.Node),
		)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("monarch"), sender: s, client: client}, nil
}

// Close sends what is left, or gives up when ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	err := t.sender.close(ctx)
	err = errors.Join(err, t.provider.Shutdown(context.Background())) // from here on it makes no spans
	t.client.CloseIdleConnections()
	return err
}

// Counts returns how many spans the collector took, and how many were lost: it was away, or slower than they came.
func (t *Tracer) Counts() (sent, lost uint64) { return t.sender.sent.Load(), t.sender.lost.Load() }

// Password is a check of a password.
type Password struct {
	Ticket  string // what was given for the right one, or ""
	Handle  string
	Began   time.Time
	Outcome string
}

// Password tells of a check that has just ended. One that was not passed is a trace of its own.
func (t *Tracer) Password(p Password) {
	if t == nil {
		return
	}
	ctx := context.Background()
	if p.Ticket != "" {
		ctx = otel.ContextWithRemoteSpanContext(ctx, idsOf(p.Ticket).parent())
	}
	_, span := t.tracer.Start(ctx, "password", otel.WithTimestamp(p.Began), otel.WithSpanKind(otel.SpanKindServer))
	span.SetAttributes(attribute.String("monarch.user", Pseudonym(p.Handle)), attribute.String("monarch.outcome", p.Outcome))
	if p.Ticket == "" {
		span.SetStatus(codes.Error, p.Outcome)
	}
	span.End()
}

// Pseudonym is what stands for a handle in traces: the beginning of a hash.
func Pseudonym(handle string) string {
	sum := sha256.Sum256([]byte("monarch:" + handle))
	return hex.EncodeToString(sum[:8])
}

// ids makes the ids of traces and spans: those that a context asks for, else random ones.
type ids struct{}

type wanted struct{}

// pair is a trace's id with that of its first span.
type pair struct {
	trace otel.TraceID
	span  otel.SpanID
}

// idsOf returns those of the sign-in with a ticket. They tell nothing of it: it holds a number and a signature
// that nobody could try all of.
func idsOf(ticket string) (p pair) {
	sum := sha256.Sum256([]byte("monarch trace " + ticket))
	copy(p.trace[:], sum[:])
	copy(p.span[:], sum[len(p.trace):])
	return p
}

// parent is the first span as the parent of others.
func (p pair) parent() otel.SpanContext {
	return otel.NewSpanContext(otel.SpanContextConfig{TraceID: p.trace, SpanID: p.span, TraceFlags: otel.FlagsSampled, Remote: true})
}

// NewIDs implements sdk.IDGenerator.
func (ids) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	p, ok := ctx.Value(wanted{}).(pair)
	if !ok {
		rand.Read(p.trace[:])
		rand.Read(p.span[:])
	}
	return p.trace, p.span
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(context.Context, otel.TraceID) (id otel.SpanID) {
	rand.Read(id[:])
	return id
}
