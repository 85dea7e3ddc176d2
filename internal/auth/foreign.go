package auth

import (
	"crypto/md5" //nolint:gosec // it is what others have hashed with
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// What a hash that was made elsewhere may ask for: some seconds of one core.
const (
	maxIterations = 2_000_000 // of PBKDF2
	maxBcryptCost = 14
)

// ErrForm says that nobody could sign in with a hash.
var ErrForm = errors.New("password hash: of a form that is not known here")

// forms are the hashes of other services that passwords are checked against until their owners
// sign in and get one of ours. Each returns what checks a password.
var forms = []struct {
	prefix string
	decode func(hash string) (func(password string) bool, error)
}{
	{"pbkdf2_sha256$", decodePBKDF2}, // Escargot, and Django
	{"md5$", decodeMD5},              // Escargot, for MSNP before version 8
	{"$2a$", decodeBcrypt},
	{"$2b$", decodeBcrypt},
	{"$2y$", decodeBcrypt},
}

// Usable reports as an error why a hash cannot be kept, if it cannot: nobody could sign in with it.
// Errors do not repeat it.
func Usable(hash string) error {
	if check, err := decodeForeign(hash); check != nil || err != nil {
		return err
	}
	if !strings.HasPrefix(hash, "$argon2id$") {
		return ErrForm
	}
	_, _, _, err := decodeHash(hash)
	return err
}

// decodeForeign returns what checks a password against a hash that was made elsewhere, or nil for
// one of ours.
func decodeForeign(hash string) (func(password string) bool, error) {
	for _, f := range forms {
		if !strings.HasPrefix(hash, f.prefix) {
			continue
		}
		if len(hash) > maxHash {
			return nil, errors.New("password hash: too long")
		}
		return f.decode(hash)
	}
	return nil, nil //nolint:nilnil // it is one of ours
}

// decodePBKDF2 reads pbkdf2_sha256$iterations$salt$hash. The salt is a text, the hash in base64.
func decodePBKDF2(hash string) (func(string) bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 4 {
		return nil, errors.New("password hash: not PBKDF2")
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil || n < 1 || n > maxIterations {
		return nil, errors.New("password hash: iterations out of range")
	}
	want, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil || len(want) != sha256.Size {
		return nil, errors.New("password hash: bad encoding")
	}
	return func(password string) bool {
		got, err := pbkdf2.Key(sha256.New, password, []byte(parts[2]), n, len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}, nil
}

// decodeMD5 reads md5$salt$hash: salt and password one after the other, hashed once, in base64.
func decodeMD5(hash string) (func(string) bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 3 {
		return nil, errors.New("password hash: not MD5")
	}
	want, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(want) != md5.Size {
		return nil, errors.New("password hash: bad encoding")
	}
	return func(password string) bool {
		got := md5.Sum([]byte(parts[1] + password)) //nolint:gosec // as above
		return subtle.ConstantTimeCompare(got[:], want) == 1
	}, nil
}

func decodeBcrypt(hash string) (func(string) bool, error) {
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil || len(hash) != 60:
		return nil, errors.New("password hash: not bcrypt")
	case cost > maxBcryptCost:
		return nil, errors.New("password hash: cost out of range")
	}
	return func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}, nil
}
