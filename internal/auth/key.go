// Package auth makes and checks secrets: password hashes, challenges, and signed tickets
// and cookies. It does no input or output and keeps no state; who an account is belongs
// to store.
package auth

import "crypto/rand"

// Key signs tickets and cookies. Its id is part of what it signs, so that keys can be
// exchanged while the things they signed are still about.
type Key struct {
	ID      uint8
	Secret  []byte // 32 random bytes
	Created int64  // Unix seconds
}

// NewKey makes a key with a fresh secret.
func NewKey(id uint8, created int64) Key {
	secret := make([]byte, 32)
	rand.Read(secret)
	return Key{ID: id, Secret: secret, Created: created}
}
