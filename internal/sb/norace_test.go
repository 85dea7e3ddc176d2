//go:build !race

package sb

// relayAllocs is how often a message and its acknowledgement may allocate.
const relayAllocs = 0
