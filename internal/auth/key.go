// Package auth makes and checks secrets: password hashes, challenges, and signed tickets
// and cookies. It does no input or output and keeps no state; who an account is belongs
// to store.
package auth

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"strconv"
	"time"
)

// MaxLife is the longest that anything signed may be accepted. A key that was replaced is kept
// for so long, and a little more for what was being signed just then.
const MaxLife = 24 * time.Hour

// Key signs tickets and cookies. Its id is part of what it signs, so that keys can be
// exchanged while the things they signed are still about.
type Key struct {
	ID      uint8
	Secret  []byte // 32 random bytes
	Created int64  // Unix seconds
	Retires int64  // Unix seconds from which on it accepts nothing; 0 for the one that signs
}

// Retired reports whether the key accepts nothing any more.
func (k Key) Retired(now time.Time) bool { return k.Retires != 0 && now.Unix() >= k.Retires }

// Equal reports whether two keys are the same.
func (k Key) Equal(other Key) bool {
	return k.ID == other.ID && k.Created == other.Created && k.Retires == other.Retires && bytes.Equal(k.Secret, other.Secret)
}

// String leaves the secret out, whoever prints a key.
func (k Key) String() string { return "key " + strconv.Itoa(int(k.ID)) }

// GoString does the same for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue does the same for logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// NewKey makes a key with a fresh secret.
func NewKey(id uint8, created int64) Key {
	secret := make([]byte, 32)
	rand.Read(secret)
	return Key{ID: id, Secret: secret, Created: created}
}
