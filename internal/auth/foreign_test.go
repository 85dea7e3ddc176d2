package auth_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"monarch/internal/auth"
)

// Hashes of "open sesame" that others have made.
const (
	// By Python: hashlib.pbkdf2_hmac("sha256", b"open sesame", b"0f3b5a8c9d1e2f4", 24000).
	escargotHash = "pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$Rfd8Um0mwor8yJO0xvyCdVPbP2ogiiYGfxHmqJaQ6KI="
	// By Python: hashlib.md5(b"saltopen sesame").
	escargotMD5 = "md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="
	// By crypt of the C library.
	bcryptHash = "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"
)

func TestHashesOfOtherServicesAreChecked(t *testing.T) {
	h := auth.NewHasher(1, 8, cheap)
	for _, c := range []struct {
		name, hash, password string
		want                 bool
	}{
		{"PBKDF2", escargotHash, "open sesame", true},
		{"PBKDF2, another password", escargotHash, "open sesamE", false},
		{"PBKDF2, none", escargotHash, "", false},
		{"salted MD5", escargotMD5, "open sesame", true},
		{"salted MD5, another password", escargotMD5, "sesame", false},
		{"bcrypt", bcryptHash, "open sesame", true},
		{"bcrypt, another password", bcryptHash, "not the password", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.Computed()
			ok, err := h.Check(t.Context(), netip.Addr{}, c.hash, c.password)
			if ok != c.want || err != nil {
				t.Errorf("%t, %v", ok, err)
			}
			if h.Computed() != before+1 {
				t.Error("it takes less than the password of nobody")
			}
			if !h.Outdated(c.hash) || auth.Usable(c.hash) != nil {
				t.Errorf("outdated %t, usable: %v", h.Outdated(c.hash), auth.Usable(c.hash))
			}
		})
	}
}

func TestHashesThatCannotBeKept(t *testing.T) {
	sum := base64.StdEncoding.EncodeToString(make([]byte, 32))
	ours := strings.TrimSuffix(sum, "=")
	h := auth.NewHasher(1, 8, cheap)
	for _, hash := range []string{
		"hunter2", "plain$hunter2", "$1$salt$hash", "$argon2id$v=19$m=1,t=1,p=1$$", "$argon2i$v=19$m=64,t=1,p=1$c2FsdA$" + sum,
		"pbkdf2_sha256$", "pbkdf2_sha256$0$salt$" + sum, "pbkdf2_sha256$2000001$salt$" + sum, "pbkdf2_sha256$1$salt$" + sum[:40],
		"pbkdf2_sha256$1$salt$" + sum + "$", "pbkdf2_sha256$1$" + strings.Repeat("s", 600) + "$" + sum, "pbkdf2_sha256$-1$salt$" + sum,
		"md5$salt", "md5$salt$" + sum, "md5$salt$!", "$2a$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "$2b$10$short",
		// Of ours, but a bomb: a machine has no gibibyte for each who tries to sign in.
		"$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + ours, "$argon2id$v=19$m=262144,t=16,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + ours,
		"$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("c2FsdA", 500) + "$" + ours,
	} {
		if err := auth.Usable(hash); err == nil {
			t.Errorf("%s is usable", hash)
		} else if strings.Contains(err.Error(), hash) {
			t.Errorf("the error repeats %s", hash)
		}
		if ok, err := h.Check(t.Context(), netip.Addr{}, hash, "password"); ok || err == nil {
			t.Errorf("%s: %t, %v", hash, ok, err)
		}
	}
	if err := auth.Usable("{SSHA}whatever"); !errors.Is(err, auth.ErrForm) {
		t.Errorf("a form nobody knows: %v", err)
	}
}

// FuzzForeignHash looks for a hash that breaks the decoders, asks for too much, or lets a password in
// that it is not of.
func FuzzForeignHash(f *testing.F) {
	for _, seed := range []string{escargotHash, escargotMD5, bcryptHash, "pbkdf2_sha256$1$$", "md5$$", "$2y$04$", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$"} {
		f.Add(seed, "open sesame")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		err := auth.Usable(hash)
		h := auth.NewHasher(1, 1, cheap)
		if !h.Outdated(hash) && err != nil {
			t.Errorf("%q is up to date and cannot be used: %v", hash, err)
		}
		parts := strings.Split(hash, "$")
		if err != nil || parts[0] != "pbkdf2_sha256" {
			return
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil || n > 2_000_000 {
			t.Fatalf("%q is usable", hash)
		}
		if n > 1000 {
			return // it takes long
		}
		sum, err := pbkdf2.Key(sha256.New, password, []byte(parts[2]), n, 32)
		if err != nil {
			return
		}
		want := base64.StdEncoding.EncodeToString(sum) == parts[3]
		if ok, err := h.Check(t.Context(), netip.Addr{}, hash, password); ok != want || err != nil {
			t.Errorf("%q: %t, %v", hash, ok, err)
		}
	})
}
