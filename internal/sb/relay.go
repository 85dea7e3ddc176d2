package sb

import (
	"time"

	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// msg relays a message and tells its sender, as far as he asked, what became of it. Nothing
// here looks into the payload but the check of data messages.
// docs/protocol/switchboard.md#msg
func (m *member) msg(f msnp.Frame) error {
	msg, err := msnp.ParseMSG(f)
	if err != nil {
		return err
	}
	if msg.Ack == msnp.AckData && !m.data {
		return errOutOfPlace
	}
	now := m.srv.Clock.Elapsed()
	m.throttle(now, len(msg.Payload))
	if msg.Ack == msnp.AckData && !msnp.IsData(msg.Payload) {
		m.srv.Metrics.Message(byte(msg.Ack), metrics.Refused, 0)
		m.failed(now)
		return msnp.CodeDataMessage
	}
	if m.room.relay(m, msg, now) {
		m.srv.Metrics.Message(byte(msg.Ack), metrics.Delivered, len(msg.Payload))
		return nil
	}
	m.srv.Metrics.Message(byte(msg.Ack), metrics.Undelivered, 0)
	if msg.Ack.Failure() {
		m.failed(now)
	}
	return nil
}

// failed counts answers that make some clients send the same again at once; whoever does
// nothing else is closed. docs/protocol/switchboard.md#rates
func (m *member) failed(now time.Duration) {
	if now-m.failedAt > failureWindow {
		m.failures, m.failedAt = 0, now
	}
	if m.failures++; m.failures >= maxFailures && m.srv.Rates {
		m.conn.Close(conn.Flood)
	}
}
