// Package metrics counts what the server does, as typed fields over Prometheus. What the
// numbers mean for an operator is told by their help texts; nothing here decides anything.
package metrics

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Counter is a number that only grows.
type Counter interface{ Inc() }

// Metrics holds every metric of one server. Label values come from closed sets.
type Metrics struct {
	Panics         Counter // faults caught at a connection's edge
	SignIns        Counter // sessions that reached USR OK
	Moved          Counter // sessions that were sent to another node
	Rooms          Counter // switchboard sessions created
	RoomsIdle      Counter // switchboard sessions cleared for idleness
	CookieFailures Counter // USR and ANS with a cookie that did not pass

	timings

	registry *prometheus.Registry
	opened   *prometheus.CounterVec
	closed   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	outside  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	messages [len(acks)][outcomes]prometheus.Counter
	bytes    prometheus.Counter
	limited  [limits]prometheus.Counter
	lines    [levels]prometheus.Counter
}

// Outcome is what became of a message on a switchboard.
type Outcome uint8

// The outcomes.
const (
	Delivered   Outcome = iota
	Undelivered         // nobody was there, or somebody did not take it
	Refused             // it was no data message
	outcomes
)

// acks are the letters for the acknowledgement that a message asks for.
const acks = "UNASD"

// Limit is something that nobody may do too often.
type Limit uint8

// The limits. docs/protocol/limits.md#rates
const (
	Statuses Limit = iota
	Names
	Lists
	Commands
	Switchboards
	OpenSwitchboards
	Calls
	FailedCalls
	Messages
	FailedMessages
	Bytes
	Invitations
	SignIns
	limits
)

var limitNames = [limits]string{
	Statuses: "status", Names: "names", Lists: "lists", Commands: "commands", Switchboards: "switchboards",
	OpenSwitchboards: "open_switchboards", Calls: "calls", FailedCalls: "failed_calls", Messages: "messages",
	FailedMessages: "failed_messages", Bytes: "bytes", Invitations: "invitations", SignIns: "sign_ins",
}

// The levels that lines of the log are counted by.
var levelNames = [...]string{"debug", "info", "warn", "error"}

const levels = len(levelNames)

// ofTheRuntime selects what tells where the runtime's time and memory go.
var ofTheRuntime = regexp.MustCompile(`^/(cpu|gc|memory|sched)/`)

// New returns metrics on a registry of their own, with those of the Go runtime and the
// process.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: ofTheRuntime})),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.Panics = m.counter("monarch_panics_total", "Faults of the server caught at a connection's edge.")
	m.SignIns = m.counter("monarch_sign_ins_total", "Sessions that signed in to the notification server.")
	m.Moved = m.counter("monarch_sessions_moved_total", "Sessions that were sent to another node, because this one drains.")
	m.Rooms = m.counter("monarch_switchboard_sessions_created_total", "Conversations begun.")
	m.RoomsIdle = m.counter("monarch_switchboard_sessions_idle_total", "Conversations ended because nothing was said.")
	m.CookieFailures = m.counter("monarch_switchboard_cookie_failures_total", "Switchboard entrances refused for their cookie.")
	m.opened = m.vector("monarch_connections_opened_total", "Connections accepted, by role.", "role")
	m.closed = m.vector("monarch_connections_closed_total", "Connections ended, by role and reason.", "role", "reason")
	m.refusals = m.vector("monarch_refusals_total", "Error codes sent, by role and code.", "role", "code")
	m.outside = m.vector("monarch_connections_refused_total", "Connections not let in, by listener and cause.", "listener", "cause")
	messages := m.vector("monarch_switchboard_messages_total", "Messages relayed, by acknowledgement type and outcome.", "ack", "outcome")
	for i := range m.messages {
		for o, name := range [outcomes]string{"delivered", "undelivered", "refused"} {
			m.messages[i][o] = messages.WithLabelValues(acks[i:i+1], name)
		}
	}
	m.calls = m.vector("monarch_switchboard_calls_total", "Invitations, by answer.", "answer")
	m.bytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "monarch_switchboard_relayed_bytes_total", Help: "Payload bytes accepted for relaying.",
	})
	m.registry.MustRegister(m.bytes)
	limited := m.vector("monarch_limited_total", "Times that somebody was refused or slowed down for doing something too often, by the limit.", "what")
	for i, name := range limitNames {
		m.limited[i] = limited.WithLabelValues(name)
	}
	lines := m.vector("monarch_log_lines_total", "Lines of the log, by level.", "level")
	for i, name := range levelNames {
		m.lines[i] = lines.WithLabelValues(name)
	}
	m.addTimings()
	return m
}

func (m *Metrics) counter(name, help string) Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) vector(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

// Gauge publishes a number that is asked for when somebody looks.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Labelled publishes one of several such numbers that are told apart by labels.
func (m *Metrics) Labelled(name, help string, labels map[string]string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

// Total publishes a number that only grows and is counted elsewhere.
func (m *Metrics) Total(name, help string, value func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
		return float64(value())
	}))
}

// Duration publishes a sum of times that is kept elsewhere, in seconds.
func (m *Metrics) Duration(name, help string, value func() time.Duration) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
		return value().Seconds()
	}))
}

// Info publishes what does not change, as the labels of a number that is always 1: whoever reads the
// other metrics can join it to them.
func (m *Metrics) Info(name, help string, labels map[string]string) {
	m.Labelled(name, help, labels, func() float64 { return 1 })
}

// Expect has the connections of a role show with zero before there are any, and so each reason for
// which they may end: what nobody has seen yet can be watched, too.
func (m *Metrics) Expect(role string, reasons []string) {
	m.opened.WithLabelValues(role)
	for _, reason := range reasons {
		m.closed.WithLabelValues(role, reason)
	}
}

// ExpectRefusals does so with the causes for which connections to a listener may be refused.
func (m *Metrics) ExpectRefusals(listener string, causes []string) {
	for _, cause := range causes {
		m.outside.WithLabelValues(listener, cause)
	}
}

// Logged counts a line of the log.
func (m *Metrics) Logged(l slog.Level) {
	m.lines[min(max((int(l)+4)/4, 0), levels-1)].Inc()
}

// Opened counts an accepted connection.
func (m *Metrics) Opened(role string) { m.opened.WithLabelValues(role).Inc() }

// Closed counts the end of a connection.
func (m *Metrics) Closed(role, reason string) { m.closed.WithLabelValues(role, reason).Inc() }

// Refused counts an error code sent to a client.
func (m *Metrics) Refused(role, code string) { m.refusals.WithLabelValues(role, code).Inc() }

// RefusedConnection counts a connection that was not let in.
func (m *Metrics) RefusedConnection(listener, cause string) {
	m.outside.WithLabelValues(listener, cause).Inc()
}

// Message counts a message on a switchboard, by the letter of its acknowledgement, and its
// payload's bytes. It is on the way of every message, so it looks nothing up.
func (m *Metrics) Message(ack byte, o Outcome, bytes int) {
	if i := strings.IndexByte(acks, ack); i >= 0 {
		m.messages[i][o].Inc()
	}
	m.bytes.Add(float64(bytes))
}

// Call counts an invitation.
func (m *Metrics) Call(answer string) { m.calls.WithLabelValues(answer).Inc() }

// Limited counts that a limit was met. It is on the way of messages, so it looks nothing up.
func (m *Metrics) Limited(l Limit) { m.limited[l].Inc() }

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
