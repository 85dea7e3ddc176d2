package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Timing is a distribution of times. Measuring allocates nothing.
type Timing struct{ seconds prometheus.Observer }

// Took counts something that has taken so long.
func (t Timing) Took(d time.Duration) { t.seconds.Observe(d.Seconds()) }

// Step is a part of signing in that the server works at or waits for.
type Step uint8

// The steps, in their order.
const (
	PasswordStep     Step = iota // the password check over HTTPS or at the website, with its wait
	TicketStep                   // the ticket's signature
	AccountStep                  // the account is read, with the wait for a turn
	DisplacementStep             // an older sign-in ends, and all nodes know of this one
	MailboxStep                  // the account is read again, with its mailbox
	RosterStep                   // the lists are read, with the wait for a turn
	steps
)

var stepNames = [steps]string{
	PasswordStep: "password", TicketStep: "ticket", AccountStep: "account", DisplacementStep: "displacement",
	MailboxStep: "mailbox", RosterStep: "roster",
}

// String returns the step's name, as it stands in metrics and traces.
func (s Step) String() string { return stepNames[s] }

// Operation is a kind of work for the database.
type Operation uint8

// The operations.
const (
	Change Operation = iota // a transaction that changes something, with its wait for others and for the disk
	View                    // a transaction that only reads
	Load                    // one query for one row
	operations
)

var operationNames = [operations]string{Change: "change", View: "view", Load: "load"}

// What times are told apart by. Those of computing begin at microseconds, those of people go on for
// minutes.
var (
	quickBuckets  = []float64{1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, .001, .005, .01, .05, .1, .5, 1}
	usualBuckets  = []float64{1e-4, 2.5e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	peopleBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
)

// timings are those of one server.
type timings struct {
	SignIn   Timing // from accept to USR OK
	Fanout   Timing // telling one change of presence to everybody here who watches
	Ringing  Timing // from CAL until the invitation was delivered
	Answered Timing // from CAL until the callee had joined

	steps       [steps]Timing
	operations  [operations]Timing
	unavailable [operations]prometheus.Counter
}

func (m *Metrics) addTimings() {
	m.SignIn = m.timing("monarch_sign_in_seconds", "From the connection to the notification server until USR OK, with what the client takes for it.", peopleBuckets)
	step := m.distribution("monarch_sign_in_step_seconds", "The parts of signing in that the server works at or waits for.", usualBuckets, "step")
	for i, name := range stepNames {
		m.steps[i] = Timing{step.WithLabelValues(name)}
	}
	m.Fanout = m.timing("monarch_presence_fanout_seconds", "Telling one change of presence to all watchers of this node.", quickBuckets)
	call := m.distribution("monarch_switchboard_call_seconds", "From CAL until the invitation was delivered, and until the callee had joined.", peopleBuckets, "until")
	m.Ringing, m.Answered = Timing{call.WithLabelValues("ringing")}, Timing{call.WithLabelValues("answered")}
	store := m.distribution("monarch_store_seconds", "Work for the database, with its waits, by kind.", usualBuckets, "operation")
	failed := m.vector("monarch_store_errors_total", "Work for the database that failed because it was not available, by kind.", "operation")
	for i, name := range operationNames {
		m.operations[i], m.unavailable[i] = Timing{store.WithLabelValues(name)}, failed.WithLabelValues(name)
	}
}

// Step counts a step of signing in.
func (m *Metrics) Step(s Step, took time.Duration) { m.steps[s].Took(took) }

// Stored counts work of the database, and whether it failed because that was not available.
func (m *Metrics) Stored(o Operation, took time.Duration, unavailable bool) {
	m.operations[o].Took(took)
	if unavailable {
		m.unavailable[o].Inc()
	}
}

func (m *Metrics) timing(name, help string, buckets []float64) Timing {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return Timing{h}
}

func (m *Metrics) distribution(name, help string, buckets []float64, label string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
	m.registry.MustRegister(v)
	return v
}
