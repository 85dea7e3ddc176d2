//go:build !linux

package conn

import (
	"net"
	"time"
)

// limitUnacknowledged does nothing here: the system's own retransmission limit applies.
func limitUnacknowledged(*net.TCPConn, time.Duration) {}
