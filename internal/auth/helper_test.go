package auth_test

import (
	"bytes"
	"time"

	"monarch/internal/auth"
)

// now is when the tests take place.
var now = time.Unix(1_100_000_000, 0)

// fixedKey returns a key whose secret is one byte repeated.
func fixedKey(id uint8, b byte) auth.Key {
	return auth.Key{ID: id, Secret: bytes.Repeat([]byte{b}, 32), Created: now.Unix()}
}

// signer returns a signer with the given keys, or with a fixed one.
func signer(keys ...auth.Key) *auth.Signer {
	if len(keys) == 0 {
		keys = []auth.Key{fixedKey(1, 'k')}
	}
	return auth.NewSigner(keys)
}

var (
	alice     = auth.Ticket{User: 1234567890123, Credential: 7, Issued: now}
	admission = auth.Admission{Board: "192.0.2.1:1865", Session: 4711, User: alice.User, Login: 42}
)
