package server_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/msntest"
)

// Who has come from Escargot signs in with the password of there; from then on there is a hash of ours,
// and what he was given before holds.
func TestSomebodyOfEscargotSignsIn(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	sum, err := pbkdf2.Key(sha256.New, "secret-alice", []byte("0f3b5a8c9d1e2f4"), 24000, 32)
	if err != nil {
		t.Fatal(err)
	}
	alice, err := f.Store.User(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	theirs := "pbkdf2_sha256$24000$0f3b5a8c9d1e2f4$" + base64.StdEncoding.EncodeToString(sum)
	if err := f.Store.SetPassword(t.Context(), alice.ID, theirs); err != nil {
		t.Fatal(err)
	}
	p := msntest.NewPlayer(t, f)
	p.Play(`login A`)
	after, err := f.Store.User(t.Context(), "alice@example.com")
	if err != nil || !strings.HasPrefix(after.PasswordHash, "$argon2id$") || after.Credential != alice.Credential+1 {
		t.Errorf("the account is %+v now, %v", after, err)
	}
	keys, err := f.Store.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := auth.NewSigner(keys).OpenTicket(p.Value("ticketA"), f.Clock.Steady(), time.Hour)
	if err != nil || got.Credential != after.Credential {
		t.Errorf("the ticket is %+v, %v", got, err)
	}
	p.Play(`login A`) // with the hash that is there now
}
