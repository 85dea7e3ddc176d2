package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"monarch/internal/auth"
)

// APIToken is what is kept of what a program manages the service with.
type APIToken struct {
	ID      string
	Name    string
	Scopes  []string
	Created int64  // Unix seconds
	MadeBy  string // for people
	Expires int64  // Unix seconds; 0: never
	Used    int64  // Unix seconds, about; 0: not yet
}

// MaxAPITokens is how many there may be.
const MaxAPITokens = 1000

var (
	// ErrNoToken says that there is no such token.
	ErrNoToken = errors.New("no such token")
	// ErrTokenName says that there is another token of that name.
	ErrTokenName = errors.New("there is a token of that name")
	// ErrTooManyTokens says that there are MaxAPITokens.
	ErrTooManyTokens = errors.New("too many tokens")
)

const apiColumns = `id, name, scopes, created, made_by, expires, used`

// AddAPIToken keeps a token. It refuses with ErrTokenName or ErrTooManyTokens.
func (s *Store) AddAPIToken(ctx context.Context, t APIToken, token string) error {
	return act(ctx, s, "add a token", func(tx *transaction) error {
		if err := tx.holdRoom(ctx, "api_token", MaxAPITokens, ErrTooManyTokens); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO api_token (`+apiColumns+`, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT DO NOTHING`,
			t.ID, t.Name, strings.Join(t.Scopes, " "), t.Created, t.MadeBy, t.Expires, t.Used, auth.TokenHash(token))
		return changedOne(res, err, ErrTokenName)
	})
}

// APITokens returns all of them, in the order of their names.
func (s *Store) APITokens(ctx context.Context) ([]APIToken, error) {
	return view(ctx, s, "list tokens", func(tx *transaction) ([]APIToken, error) {
		return collect(ctx, tx, scanAPIToken, `SELECT `+apiColumns+` FROM api_token ORDER BY name`)
	})
}

// APIToken finds a token that has not expired, or refuses with ErrNoToken.
func (s *Store) APIToken(ctx context.Context, token string, now time.Time) (APIToken, error) {
	return load(ctx, s, "look up a token", scanAPIToken,
		`SELECT `+apiColumns+` FROM api_token WHERE hash = $1 AND (expires = 0 OR expires > $2)`, auth.TokenHash(token), now.Unix())
}

// APITokenHashes returns the hashes of all tokens that have not expired, as [auth.TokenHash] makes them.
func (s *Store) APITokenHashes(ctx context.Context, now time.Time) ([]string, error) {
	return view(ctx, s, "list the hashes of tokens", func(tx *transaction) ([]string, error) {
		return collect(ctx, tx, scanLine, `SELECT hash FROM api_token WHERE expires = 0 OR expires > $1`, now.Unix())
	})
}

// UseAPIToken notes when a token was used.
func (s *Store) UseAPIToken(ctx context.Context, id string, now time.Time) error {
	return act(ctx, s, "note the use of a token", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE api_token SET used = $2 WHERE id = $1 AND used < $2`, id, now.Unix())
		return err
	})
}

// RevokeAPIToken deletes a token, by its id or its name, and returns what it was. It refuses with ErrNoToken.
func (s *Store) RevokeAPIToken(ctx context.Context, idOrName string) (APIToken, error) {
	return change(ctx, s, "revoke a token", func(tx *transaction) (APIToken, error) {
		// A name may look like the id of another: the id is what is meant.
		return scanAPIToken(tx.QueryRowContext(ctx, `DELETE FROM api_token WHERE id = (
			SELECT id FROM api_token WHERE id = $1 OR name = $1 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1)
			RETURNING `+apiColumns, idOrName))
	})
}

func scanAPIToken(r row) (APIToken, error) {
	var t APIToken
	var scopes string
	err := r.Scan(&t.ID, &t.Name, &scopes, &t.Created, &t.MadeBy, &t.Expires, &t.Used)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoToken
	}
	t.Scopes = strings.Fields(scopes)
	return t, err
}
