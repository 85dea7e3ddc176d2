package conn

import (
	"net"
	"time"
)

// A peer that vanished without a word is noticed within deadPeer: by probes when nothing is
// under way, by missing acknowledgements when something is.
// docs/protocol/presence.md#ping
const (
	probeIdle     = time.Minute
	probeInterval = 30 * time.Second
	probeCount    = 5
	deadPeer      = probeIdle + probeCount*probeInterval
)

// keepAlive lets the kernel find dead peers.
func keepAlive(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	// A connection without the options is no worse than one over another transport.
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: probeIdle, Interval: probeInterval, Count: probeCount,
	})
	limitUnacknowledged(tcp, deadPeer)
}
