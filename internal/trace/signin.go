package trace

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otel "go.opentelemetry.io/otel/trace"
)

// mostParts is how many commands and steps of one sign-in are kept; a client that says more before it is on line is
// not told of to the end.
const mostParts = 32

// SignIn is the record of one sign-in while it goes on. Whoever runs the connection's handler may call its methods, and
// each of them does nothing for a nil one.
type SignIn struct {
	tracer  *Tracer
	began   time.Time
	ids     pair // zero: there is no ticket
	subject Subject
	parts   []part // the steps of a command stand before it
}

// Subject is who signs in, and with what.
type Subject struct {
	Handle, Client, Version string
	Connection              uint64 // its number in the log
}

// part is a command or a step of one.
type part struct {
	name         string
	command      bool
	began, ended time.Time
}

// Begin begins the record of a sign-in, of which nothing is told before it has ended.
func (t *Tracer) Begin(began time.Time) *SignIn {
	if t == nil {
		return nil
	}
	return &SignIn{tracer: t, began: began}
}

// Now returns the time, for [SignIn.Command] and [SignIn.Step].
func (s *SignIn) Now() (now time.Time) {
	if s != nil {
		now = time.Now()
	}
	return now
}

// Command notes a command of the client that has just been carried out. Its name must stay as it is.
func (s *SignIn) Command(name string, began time.Time) {
	if s != nil {
		s.note(part{name, true, began, time.Now()})
	}
}

// Step notes what was done for the command under way.
func (s *SignIn) Step(name string, began, ended time.Time) {
	if s != nil {
		s.note(part{name, false, began, ended})
	}
}

func (s *SignIn) note(p part) {
	if len(s.parts) < mostParts {
		s.parts = append(s.parts, p)
	}
}

// Proved notes the ticket that the client has shown, if it is a good one.
func (s *SignIn) Proved(ticket string) {
	if s != nil {
		s.ids = idsOf(ticket)
	}
}

// Is notes whose sign-in it is.
func (s *SignIn) Is(who Subject) {
	if s != nil {
		s.subject = who
	}
}

// Done tells of a sign-in that has come to its end.
func (s *SignIn) Done(outcome string) { s.tell(outcome, codes.Unset) }

// Failed tells of one that did not.
func (s *SignIn) Failed(outcome string) { s.tell(outcome, codes.Error) }

// tell makes the spans. Connections on which nothing was said are none.
func (s *SignIn) tell(outcome string, status codes.Code) {
	if s == nil || len(s.parts) == 0 {
		return
	}
	ctx, t := context.Background(), s.tracer.tracer
	if s.ids != (pair{}) {
		ctx = context.WithValue(ctx, wanted{}, s.ids)
	}
	ctx, all := t.Start(ctx, "sign-in", otel.WithTimestamp(s.began), otel.WithSpanKind(otel.SpanKindServer))
	if all.IsRecording() {
		all.SetAttributes(s.attributes(outcome)...)
	}
	if status == codes.Error {
		all.SetStatus(status, outcome)
	}
	first := 0 // of the steps of the next command
	for i, p := range s.parts {
		if !p.command {
			continue
		}
		within, command := t.Start(ctx, p.name, otel.WithTimestamp(p.began))
		for _, step := range s.parts[first:i] {
			step.tell(within, t)
		}
		command.End(otel.WithTimestamp(p.ended))
		first = i + 1
	}
	for _, step := range s.parts[first:] { // of a command that did not end
		step.tell(ctx, t)
	}
	all.End()
}

func (p part) tell(ctx context.Context, t otel.Tracer) {
	_, span := t.Start(ctx, p.name, otel.WithTimestamp(p.began))
	span.End(otel.WithTimestamp(p.ended))
}

func (s *SignIn) attributes(outcome string) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("monarch.outcome", outcome),
		attribute.Int64("monarch.connection", int64(s.subject.Connection)), // it has 32 bits
	}
	for key, value := range map[string]string{"monarch.client": s.subject.Client, "monarch.version": s.subject.Version} {
		if value != "" {
			all = append(all, attribute.String(key, value))
		}
	}
	if s.subject.Handle != "" {
		all = append(all, attribute.String("monarch.user", Pseudonym(s.subject.Handle)))
	}
	return all
}
