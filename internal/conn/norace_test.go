//go:build !race

package conn_test

// relayAllocs is how often a relayed message may allocate.
const relayAllocs = 0
