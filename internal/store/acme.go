package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"
)

// SiteCertificate is the website's certificate that an authority issued over ACME, as all nodes
// have it.
type SiteCertificate struct {
	Chain, Key string // PEM; "" until there is one
	Busy       int64  // Unix seconds; until then, at most, some node is asking for one
	Retry      int64  // Unix seconds; before then nobody is to ask again
	Failures   int    // how often in a row that came to nothing
}

// Challenge is what an authority asks for to see whose a name is.
type Challenge struct {
	Token, Host, Answer string
	Expires             int64 // Unix seconds
}

// ErrNoChallenge says that no authority asks for such a thing at present.
var ErrNoChallenge = errors.New("no such challenge")

// AccountKey returns the key of the account at the authority with this directory. Where there is
// none, fresh becomes it. Keys are in the form of PKCS #8.
func (s *Store) AccountKey(ctx context.Context, directory string, fresh []byte) ([]byte, error) {
	return change(ctx, s, "load the account at an authority", func(tx *transaction) ([]byte, error) {
		_, err := tx.ExecContext(ctx, `INSERT INTO acme_account (directory, private_key) VALUES ($1, $2) ON CONFLICT (directory) DO NOTHING`,
			directory, hex.EncodeToString(fresh))
		if err != nil {
			return nil, err
		}
		var text string
		if err := tx.QueryRowContext(ctx, `SELECT private_key FROM acme_account WHERE directory = $1`, directory).Scan(&text); err != nil {
			return nil, err
		}
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, errors.New("its key is not in hex") // the error of hex would quote it
		}
		return key, nil
	})
}

// SiteCertificate returns what there is for a name, which may be nothing yet.
func (s *Store) SiteCertificate(ctx context.Context, directory, host string) (SiteCertificate, error) {
	return load(ctx, s, "load the website's certificate", scanSiteCertificate, siteCertificate, directory, host)
}

const siteCertificate = `SELECT chain, private_key, busy, retry, failures FROM acme_certificate WHERE directory = $1 AND host = $2`

func scanSiteCertificate(r row) (c SiteCertificate, err error) {
	err = r.Scan(&c.Chain, &c.Key, &c.Busy, &c.Retry, &c.Failures)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return c, err
}

// ClaimCertificate reports whether the caller is to ask for a certificate, until a time at the
// latest: then some other node may, or once [Store.SetSiteCertificate] says how it went. It also
// returns what there is now.
func (s *Store) ClaimCertificate(ctx context.Context, directory, host string, now, until time.Time) (c SiteCertificate, mine bool, err error) {
	type claim struct {
		SiteCertificate
		mine bool
	}
	got, err := change(ctx, s, "claim the website's certificate", func(tx *transaction) (claim, error) {
		res, err := tx.ExecContext(ctx, `
			INSERT INTO acme_certificate (directory, host, chain, private_key, busy, retry, failures) VALUES ($1, $2, '', '', $4, 0, 0)
			ON CONFLICT (directory, host) DO UPDATE SET busy = excluded.busy WHERE acme_certificate.busy <= $3`,
			directory, host, now.Unix(), until.Unix())
		if err != nil {
			return claim{}, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return claim{}, err
		}
		c, err := scanSiteCertificate(tx.QueryRowContext(ctx, siteCertificate, directory, host))
		return claim{c, n == 1}, err
	})
	return got.SiteCertificate, got.mine, err
}

// SetSiteCertificate says what became of a claim.
func (s *Store) SetSiteCertificate(ctx context.Context, directory, host string, c SiteCertificate) error {
	return act(ctx, s, "keep the website's certificate", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE acme_certificate SET chain = $3, private_key = $4, busy = $5, retry = $6, failures = $7
			WHERE directory = $1 AND host = $2`, directory, host, c.Chain, c.Key, c.Busy, c.Retry, c.Failures)
		return err
	})
}

// AddChallenge keeps a challenge for all nodes, and deletes those that have expired.
func (s *Store) AddChallenge(ctx context.Context, c Challenge, now time.Time) error {
	return act(ctx, s, "keep a challenge", func(tx *transaction) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM acme_challenge WHERE expires <= $1`, now.Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO acme_challenge (token, host, answer, expires) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token) DO UPDATE SET expires = excluded.expires`, c.Token, c.Host, c.Answer, c.Expires)
		return err
	})
}

// DeleteChallenge forgets a challenge.
func (s *Store) DeleteChallenge(ctx context.Context, token string) error {
	return act(ctx, s, "forget a challenge", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM acme_challenge WHERE token = $1`, token)
		return err
	})
}

// Challenge returns the challenge with a token, or refuses with ErrNoChallenge.
func (s *Store) Challenge(ctx context.Context, token string, now time.Time) (Challenge, error) {
	return load(ctx, s, "look up a challenge", scanChallenge,
		`SELECT token, host, answer, expires FROM acme_challenge WHERE token = $1 AND expires > $2`, token, now.Unix())
}

// ChallengeFor returns the youngest challenge for a name, or refuses with ErrNoChallenge.
func (s *Store) ChallengeFor(ctx context.Context, host string, now time.Time) (Challenge, error) {
	return load(ctx, s, "look up a challenge", scanChallenge, `
		SELECT token, host, answer, expires FROM acme_challenge WHERE host = $1 AND expires > $2
		ORDER BY expires DESC, token LIMIT 1`, host, now.Unix())
}

func scanChallenge(r row) (c Challenge, err error) {
	err = r.Scan(&c.Token, &c.Host, &c.Answer, &c.Expires)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoChallenge
	}
	return c, err
}
