package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"monarch/internal/auth"
)

// maxKeys is how many keys there may be at a time. Whoever opens a cookie tries them all.
const maxKeys = 16

// ErrTooManyKeys says that there are as many keys as there may be.
var ErrTooManyKeys = errors.New("too many signing keys")

// Keys returns the keys of tickets and cookies, the one that signs first. A database that has
// none is given its first one.
func (s *Store) Keys(ctx context.Context) ([]auth.Key, error) {
	keys, err := view(ctx, s, "load signing keys", func(tx *transaction) ([]auth.Key, error) {
		return loadKeys(ctx, tx)
	})
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	return change(ctx, s, "make a signing key", func(tx *transaction) ([]auth.Key, error) {
		if err := tx.holdTables(ctx, "signing_key"); err != nil {
			return nil, err
		}
		// Another process may have been quicker.
		keys, err := loadKeys(ctx, tx)
		if err != nil || len(keys) > 0 {
			return keys, err
		}
		k := auth.NewKey(1, time.Now().Unix())
		return []auth.Key{k}, insertKey(ctx, tx, k)
	})
}

// RotateKey makes a key that signs from now on. The others accept what they signed until the
// given time at the latest, which may be now; those that accept nothing any more are deleted.
// It returns the rest, the new one first, or [ErrTooManyKeys].
func (s *Store) RotateKey(ctx context.Context, now, until time.Time) ([]auth.Key, error) {
	return change(ctx, s, "replace the signing key", func(tx *transaction) ([]auth.Key, error) {
		if err := tx.holdTables(ctx, "signing_key"); err != nil {
			return nil, err
		}
		before, err := loadKeys(ctx, tx)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE signing_key SET retires = $1 WHERE retires = 0 OR retires > $1`, until.Unix())
		if err != nil {
			return nil, err
		}
		if err := deleteRetired(ctx, tx, now); err != nil {
			return nil, err
		}
		left, err := loadKeys(ctx, tx)
		if err != nil {
			return nil, err
		}
		if len(left) >= maxKeys {
			return nil, ErrTooManyKeys
		}
		if err := insertKey(ctx, tx, auth.NewKey(freeKeyID(before), now.Unix())); err != nil {
			return nil, err
		}
		return loadKeys(ctx, tx)
	})
}

// RetireKeys deletes the keys that accept nothing any more, and returns the others as [Store.Keys]
// does.
func (s *Store) RetireKeys(ctx context.Context, now time.Time) ([]auth.Key, error) {
	keys, err := s.Keys(ctx)
	due := func(k auth.Key) bool { return k.Retired(now) }
	if err != nil || !slices.ContainsFunc(keys, due) {
		return keys, err
	}
	return change(ctx, s, "delete retired signing keys", func(tx *transaction) ([]auth.Key, error) {
		if err := deleteRetired(ctx, tx, now); err != nil {
			return nil, err
		}
		return loadKeys(ctx, tx)
	})
}

// freeKeyID returns the id after that of the first key which no key has. Ids are a byte; they
// begin again after the last one, and leave out 0.
func freeKeyID(keys []auth.Key) uint8 {
	var taken [256]bool
	taken[0] = true
	for _, k := range keys {
		taken[k.ID] = true
	}
	var id uint8
	if len(keys) > 0 {
		id = keys[0].ID
	}
	for id++; taken[id]; id++ { // it ends: there are fewer than maxKeys, and those just deleted
	}
	return id
}

func insertKey(ctx context.Context, tx *transaction, k auth.Key) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO signing_key (id, secret, created, retires) VALUES ($1, $2, $3, $4)`,
		k.ID, hex.EncodeToString(k.Secret), k.Created, k.Retires)
	return err
}

func deleteRetired(ctx context.Context, tx *transaction, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM signing_key WHERE retires <> 0 AND retires <= $1`, now.Unix())
	return err
}

func loadKeys(ctx context.Context, tx *transaction) ([]auth.Key, error) {
	scan := func(r row) (auth.Key, error) {
		var k auth.Key
		var secret string
		if err := r.Scan(&k.ID, &secret, &k.Created, &k.Retires); err != nil {
			return k, err
		}
		var err error
		if k.Secret, err = hex.DecodeString(secret); err != nil {
			// The error of hex would quote the secret.
			return k, fmt.Errorf("signing key %d is not in hex", k.ID)
		}
		return k, nil
	}
	return collect(ctx, tx, scan, `SELECT id, secret, created, retires FROM signing_key
		ORDER BY CASE WHEN retires = 0 THEN 0 ELSE 1 END, retires DESC, created DESC, id DESC`)
}
