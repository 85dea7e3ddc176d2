//go:build race

package conn_test

// relayAllocs is larger than without the race detector, which makes pools forget.
const relayAllocs = 4
