package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Queue is what is known of a queue, asked for when somebody looks. What is nil is not known, or
// has no limit of its own.
type Queue struct {
	Name    string
	Length  func() int                     // how many wait
	Limit   func() int                     // how many may
	Waits   func() (uint64, time.Duration) // how many have waited, and how long all together
	Refused func() uint64                  // how many were turned away
}

// Queue publishes a queue, under its name beside the others.
func (m *Metrics) Queue(q Queue) {
	is := prometheus.Labels{"queue": q.Name}
	gauge := func(name, help string, value func() int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: is},
			func() float64 { return float64(value()) }))
	}
	total := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: is}, value))
	}
	gauge("monarch_queue_length", "How many wait in a queue.", q.Length)
	if q.Limit != nil {
		gauge("monarch_queue_limit", "How many may.", q.Limit)
	}
	if q.Waits != nil {
		total("monarch_queue_waits_total", "How many had to wait.", func() float64 { n, _ := q.Waits(); return float64(n) })
		total("monarch_queue_wait_seconds_total", "How long they have waited, all together.", func() float64 { _, d := q.Waits(); return d.Seconds() })
	}
	if q.Refused != nil {
		total("monarch_queue_refused_total", "How many were turned away because too many waited, or for too long.", func() float64 { return float64(q.Refused()) })
	}
}
