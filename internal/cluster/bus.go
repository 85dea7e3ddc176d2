package cluster

// Bus carries packets between nodes, each at most once. Those of one sender to one receiver
// arrive in the order in which they were sent, whether they were told to all or to one; what
// is lost or changes places nevertheless costs a snapshot.
type Bus interface {
	// Start joins, as self. Start returns when packets can be sent to the nodes that are there; it
	// does not wait long for those that are not. When it fails, nothing is left of it.
	Start(self NodeID, r Receiver) error

	// Broadcast and SendTo borrow the packet too, and do not wait for anybody to receive it.
	// They may be called from several goroutines. An error means that it was not sent.
	Broadcast(packet []byte) error
	SendTo(node NodeID, packet []byte) error

	// Close sends what is on its way, leaves, and returns when the receiver is not running and
	// will not be called again.
	Close() error
}

// Receiver is called by a [Bus], one call at a time.
type Receiver struct {
	// Packet takes a packet, which is lent to it for the time of the call. Those of self may be
	// among them.
	Packet func(packet []byte)

	// Absent is told the [NodeID.Run] of a node that was sent something and that the bus knows not
	// to be there: after everything that came from it. A bus that does not know calls nobody.
	Absent func(run string)
}

// MaxPacket is the size of the largest packet that a Bus must carry: a batch that was nearly
// full, and one more message.
const MaxPacket = fullBatch + MaxMessage + 256
