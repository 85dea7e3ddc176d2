package sb

import (
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
	m.throttle(now)
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
