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

// database is the url of that of a single server.
func (r *run) database() string { return "sqlite://" + filepath.Join(r.dir, "monarch.db") }

// crowd makes accounts, before any server runs. The first of them, the hosts, have and allow each
// other and all guests, and those have and allow them; strangers know nobody.
func (r *run) crowd(ctx context.Context, url string, hosts, guests, strangers int) (err error) {
	hash, err := auth.NewHasher(1, 1, auth.DefaultParams).Hash(ctx, everybodysPassword)
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var users []store.NewUser
	var contacts []store.NewContact
	for n := range hosts + guests + strangers {
		users = append(users, store.NewUser{Handle: handleOf(n), Name: nickOf(n), PasswordHash: hash})
		for h := range hosts {
			if n == h || n >= hosts+guests {
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
