package torture

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// everybodysPassword is that of all accounts of a crowd: to hash one takes long enough.
const everybodysPassword = "secret"

// crowd makes accounts, before any server runs. All of them have and allow all of the first
// hosts, and the other way round.
func (r *run) crowd(ctx context.Context, people, hosts int) (err error) {
	hash, err := auth.NewHasher(1, 1, auth.DefaultParams).Hash(ctx, everybodysPassword)
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	db, err := store.Open(ctx, "sqlite://"+filepath.Join(r.dir, "monarch.db"))
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var users []store.NewUser
	var contacts []store.NewContact
	for n := range people {
		users = append(users, store.NewUser{Handle: handleOf(n), Name: nickOf(n), PasswordHash: hash})
		for h := range hosts {
			if n == h {
				continue
			}
			pair := store.NewContact{Owner: handleOf(n), Peer: handleOf(h), Lists: im.Forward | im.Allow}
			contacts = append(contacts, pair)
			if n >= hosts { // else the other way round comes by itself
				pair.Owner, pair.Peer = pair.Peer, pair.Owner
				contacts = append(contacts, pair)
			}
		}
	}
	if err := db.ImportUsers(ctx, slices.Values(users), nil); err != nil {
		return err
	}
	return db.ImportContacts(ctx, slices.Values(contacts), nil)
}
