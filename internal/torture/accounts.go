package torture

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

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
	err = db.ImportUsers(ctx, func(yield func(store.NewUser) bool) {
		for n := range people {
			if !yield(store.NewUser{Handle: handleOf(n), Name: nickOf(n), PasswordHash: hash}) {
				return
			}
		}
	}, nil)
	if err != nil {
		return err
	}
	return db.ImportContacts(ctx, func(yield func(store.NewContact) bool) {
		for n := range people {
			for h := range hosts {
				if n == h {
					continue
				}
				pair := store.NewContact{Owner: handleOf(n), Peer: handleOf(h), Lists: im.Forward | im.Allow}
				if !yield(pair) {
					return
				}
				if n < hosts {
					continue // the other way round comes by itself
				}
				pair.Owner, pair.Peer = pair.Peer, pair.Owner
				if !yield(pair) {
					return
				}
			}
		}
	}, nil)
}
