package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// SignedIn returns how many sessions have signed in so far.
func (m *Metrics) SignedIn() float64 {
	if c, ok := m.SignIns.(prometheus.Metric); ok {
		return value(c)
	}
	return 0
}

// Messages returns how many messages were taken for relaying so far.
func (m *Metrics) Messages() (n float64) {
	for i := range m.messages {
		n += value(m.messages[i][Delivered]) + value(m.messages[i][Undelivered])
	}
	return n
}

// value reads a counter. It is not for the way of messages.
func value(c prometheus.Metric) float64 {
	var read dto.Metric
	if c.Write(&read) != nil {
		return 0
	}
	return read.GetCounter().GetValue()
}
