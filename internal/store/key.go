package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"monarch/internal/auth"
)

// Keys returns the keys that sign tickets and cookies, newest first. A database that has
// none is given its first one.
func (s *Store) Keys(ctx context.Context) ([]auth.Key, error) {
	keys, err := view(ctx, s, "load signing keys", func(tx *transaction) ([]auth.Key, error) {
		return loadKeys(ctx, tx)
	})
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	return change(ctx, s, "make a signing key", func(tx *transaction) ([]auth.Key, error) {
		// Another process may have been quicker.
		keys, err := loadKeys(ctx, tx)
		if err != nil || len(keys) > 0 {
			return keys, err
		}
		k := auth.NewKey(1, time.Now().Unix())
		_, err = tx.ExecContext(ctx, `INSERT INTO signing_key (id, secret, created) VALUES ($1, $2, $3)`,
			k.ID, hex.EncodeToString(k.Secret), k.Created)
		return []auth.Key{k}, err
	})
}

func loadKeys(ctx context.Context, tx *transaction) ([]auth.Key, error) {
	scan := func(rows *sql.Rows) (auth.Key, error) {
		var k auth.Key
		var secret string
		if err := rows.Scan(&k.ID, &secret, &k.Created); err != nil {
			return k, err
		}
		var err error
		if k.Secret, err = hex.DecodeString(secret); err != nil {
			// The error of hex would quote the secret.
			return k, fmt.Errorf("signing key %d is not in hex", k.ID)
		}
		return k, nil
	}
	return collect(ctx, tx, scan, `SELECT id, secret, created FROM signing_key ORDER BY created DESC, id DESC`)
}
