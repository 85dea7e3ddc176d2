package conn

import (
	"net"
	"time"
)

// probes is how many keep-alive probes may go without an answer.
const probes = 5

// keepAlive lets the kernel find a peer that vanished without a word, within d: by probes
// when nothing is under way, by missing acknowledgements when something is.
// docs/protocol/presence.md#ping
func keepAlive(tcp *net.TCPConn, d time.Duration) {
	interval := d / (probes + 2)
	// A connection without the options is no worse than one over another transport.
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: d - probes*interval, Interval: interval, Count: probes,
	})
	limitUnacknowledged(tcp, d)
}
