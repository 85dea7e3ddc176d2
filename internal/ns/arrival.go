package ns

import (
	"time"

	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/internal/trace"
	"monarch/msnp"
)

// arrival is what is known of a sign-in while it goes on.
type arrival struct {
	began  time.Time     // when the client connected
	client client        // named in CVR
	trace  *trace.SignIn // until the first CHG; nil: nobody wants to know
}

// client is what a client calls itself.
type client struct{ library, version string }

// left returns what remains of it once USR OK is near: nothing, unless it is traced.
func (a *arrival) left() *private {
	if a.trace == nil {
		return nil
	}
	return &private{arrival: a}
}

// tracing returns the record of the sign-in under way, or nil. Only the running handler may call it.
func (s *session) tracing() *trace.SignIn {
	if s.private == nil || s.private.arrival == nil {
		return nil
	}
	return s.private.arrival.trace
}

// stepped says that a step of the sign-in is done. Only the running handler may call it.
func (s *session) stepped(step metrics.Step, began time.Time) (now time.Time) {
	now = time.Now()
	s.srv.Metrics.Step(step, now.Sub(began))
	s.tracing().Step(step.String(), began, now)
	return now
}

// phases are the commands that a trace tells of; the rest of what a client says is nobody's business.
var phases = map[msnp.Verb]string{
	msnp.VER: "VER", msnp.CVR: "CVR", msnp.USR: "USR", msnp.SYN: "SYN", msnp.CHG: "CHG",
}

// traced notes a command that was carried out. With the first CHG the sign-in is complete.
func (s *session) traced(f msnp.Frame, began time.Time) {
	record := s.tracing()
	name := phases[f.Verb]
	if record == nil || name == "" {
		return
	}
	if f.Verb == msnp.USR {
		name = "USR I"
		if f.Arg(2) == "S" {
			name = "USR S"
		}
	}
	record.Command(name, began)
	if f.Verb == msnp.CHG && s.isOnline() {
		record.Done("on_line")
		s.forget()
	}
}

func (s *session) isOnline() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.online
}

// untraced tells of a sign-in whose connection ends before it was complete.
func (s *session) untraced(why conn.Reason) {
	record := s.tracing()
	switch {
	case record == nil:
		return
	case s.state == signedIn, why == conn.PeerClosed, why == conn.SignedOut: // the client has gone of itself, perhaps to another node
		record.Done(why.String())
	default:
		record.Failed(why.String())
	}
	s.forget()
}

// forget lets go of the record of the sign-in.
func (s *session) forget() {
	if s.private.arrival = nil; *s.private == (private{}) {
		s.private = nil
	}
}
