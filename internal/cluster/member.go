package cluster

// Member is whoever the cluster carries messages for. Except for Shards and Snapshot its
// methods are called one at a time. They may send, but must not wait for an answer.
type Member interface {
	// Receive takes a message, which is lent for the time of the call. Messages of one node
	// come in the order in which it sent them. When some were lost a snapshot follows.
	Receive(from NodeID, msg []byte)

	// Answer takes a message of [Cluster.Ask]. reply is to be called once, at any time and on
	// any goroutine.
	Answer(from NodeID, msg []byte, reply func(msg []byte))

	// Shards returns into how many parts a snapshot is divided. It is always the same, and so
	// many that a part has no more than a MiB.
	Shards() int

	// Snapshot sends everything that this node says of itself, as messages for Receive. It
	// sends with the shard locked, and the member sends every change with the shard locked in
	// which it made it: so whatever a change says comes after the snapshot of what was before.
	// Snapshots for several nodes are made at the same time, on goroutines of their own.
	Snapshot(shard int, send func(msg []byte))

	// Begin and End are around a snapshot of a node. Between them come also changes, as
	// always. After End, what was known of the node and was not mentioned since Begin is over.
	// A Begin without an End, and with another Begin after it, is a snapshot that was
	// interrupted. Begin also tells that a node is there, for the first time or again.
	Begin(from NodeID)
	End(from NodeID)

	// Silent tells that a node has not been heard of for some time, or left: its people may
	// come back elsewhere. If it is heard of again, Begin is called.
	Silent(node NodeID)

	// Gone tells that a silent node is given up: its people are not coming back. If it is
	// heard of again nevertheless, Begin is called, as for a new one.
	Gone(node NodeID)
}
