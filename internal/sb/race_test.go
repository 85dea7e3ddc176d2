//go:build race

package sb

// relayAllocs is larger than without the race detector, which makes pools forget.
const relayAllocs = 2
