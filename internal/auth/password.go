package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"monarch/internal/turns"
)

// ErrBusy says that too many passwords wait to be hashed; the person should try again.
var ErrBusy = errors.New("too many sign-ins at once")

// Params is the cost of an argon2id hash.
type Params struct {
	Memory uint32 // KiB
	Time   uint32 // passes
}

// DefaultParams costs about 40 ms and 19 MiB per password.
var DefaultParams = Params{Memory: 19 * 1024, Time: 2}

// What a stored hash may ask for, so that one that is damaged, or imported, cannot take all memory
// from whoever tries to sign in with it: about a second of one core.
const (
	maxMemory = 1 << 18 // KiB
	maxWork   = 1 << 20 // KiB, of all passes together
	maxHash   = 512     // bytes of the whole
)

const (
	saltLen = 16
	hashLen = 32
)

// Hasher hashes and checks passwords, a bounded number at a time.
type Hasher struct {
	params   Params
	turns    *turns.Queue
	computed atomic.Uint64
	decoy    string // a hash of nobody's password
}

// NewHasher returns a hasher that computes parallel hashes at a time and lets queue more
// wait, as long as it takes.
func NewHasher(parallel, queue int, p Params) *Hasher {
	h := &Hasher{params: p, turns: turns.New(turns.Limits{Parallel: parallel, Queue: queue})}
	h.decoy = encodeHash(p, make([]byte, saltLen), make([]byte, hashLen))
	return h
}

// Turns returns the queue of those who wait for a hash.
func (h *Hasher) Turns() *turns.Queue { return h.turns }

// Computed returns how many hashes were computed. Each is much work, so that two answers
// before which as many were can hardly be told apart by their time.
func (h *Hasher) Computed() uint64 { return h.computed.Load() }

// Hash returns the hash of a password with a fresh salt, in the form
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. It is for operators, and for people who have shown
// theirs: they come before all whose passwords are checked. The error is that of ctx.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.turns.Await(ctx); err != nil {
		return "", err
	}
	defer h.turns.Done()
	return h.salted(password), nil
}

// HashFor is Hash for a stranger at an address, who takes his turn with those whose passwords are
// checked. The error is [ErrBusy] or that of ctx.
func (h *Hasher) HashFor(ctx context.Context, from netip.Addr, password string) (string, error) {
	if err := h.take(ctx, from); err != nil {
		return "", err
	}
	defer h.turns.Done()
	return h.salted(password), nil
}

// salted hashes with a fresh salt, by somebody whose turn it is.
func (h *Hasher) salted(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	return encodeHash(h.params, salt, h.sum(password, salt, h.params))
}

// take waits for a turn.
func (h *Hasher) take(ctx context.Context, from netip.Addr) error {
	err := h.turns.Take(ctx, from)
	if errors.Is(err, turns.ErrBusy) {
		return ErrBusy
	}
	return err
}

// Check reports whether the password, which came from an address, has this hash. An empty hash
// stands for an account that does not exist, or whose password nobody knows: the answer is no and
// takes as long. One that was made elsewhere takes longer by as much as it takes itself. The error
// is [ErrBusy], that of ctx, or tells that the hash is damaged.
func (h *Hasher) Check(ctx context.Context, from netip.Addr, hash, password string) (bool, error) {
	foreign, err := decodeForeign(hash)
	if err != nil {
		return false, err
	}
	nobody := hash == ""
	if nobody || foreign != nil {
		hash = h.decoy
	}
	p, salt, want, err := decodeHash(hash)
	if err != nil {
		return false, err
	}
	if err := h.take(ctx, from); err != nil {
		return false, err
	}
	defer h.turns.Done()
	ok := subtle.ConstantTimeCompare(h.sum(password, salt, p), want) == 1
	if foreign != nil { // the rest is there to take time
		return foreign(password), nil
	}
	return ok && !nobody, nil
}

// Outdated reports whether a hash was made elsewhere or with other parameters than the hasher's, and
// should be made anew when the password is next known.
func (h *Hasher) Outdated(hash string) bool {
	p, _, _, err := decodeHash(hash)
	return err != nil || p != h.params
}

// sum computes a hash, by somebody whose turn it is.
func (h *Hasher) sum(password string, salt []byte, p Params) []byte {
	h.computed.Add(1)
	return argon2.IDKey([]byte(password), salt, p.Time, p.Memory, 1, hashLen)
}

var b64 = base64.RawStdEncoding

func encodeHash(p Params, salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s",
		argon2.Version, p.Memory, p.Time, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decodeHash(s string) (p Params, salt, sum []byte, err error) {
	if len(s) > maxHash {
		return p, nil, nil, errors.New("password hash: too long")
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errors.New("password hash: not argon2id")
	}
	var threads int
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &threads); err != nil || threads != 1 {
		return p, nil, nil, errors.New("password hash: bad parameters")
	}
	if p.Memory < 8 || p.Memory > maxMemory || p.Time < 1 || p.Time > maxWork/p.Memory {
		return p, nil, nil, errors.New("password hash: parameters out of range")
	}
	if salt, err = b64.DecodeString(parts[4]); err == nil {
		sum, err = b64.DecodeString(parts[5])
	}
	if err != nil || len(sum) != hashLen {
		return p, nil, nil, errors.New("password hash: bad encoding")
	}
	return p, salt, sum, nil
}
