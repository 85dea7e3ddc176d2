package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/msnp"
)

// WebSession is somebody's being signed in at the website, in one browser.
type WebSession struct {
	ID      string // names it; it is a hash of the token, which is kept nowhere else than in the browser
	Created int64  // Unix seconds
	Seen    int64  // when it was used last, more or less
	Agent   string // what the browser calls itself
	Address string // where it was used last
}

// WebSessionIdle is how long a session lasts in which nothing happens.
const WebSessionIdle = 30 * 24 * time.Hour

// mostWebSessions is how many an account may have. One more ends the one that was not used for
// the longest time.
const mostWebSessions = 20

// ErrNoWebSession says that a token is of no session: of none at all, or one that is over.
var ErrNoWebSession = errors.New("no such web session")

const webSessionColumns = `token, created, seen, agent, address`

// AddWebSession begins a session of an account as u has it, whose token is in a browser at an
// address. It refuses with im.ErrNoUser.
func (s *Store) AddWebSession(ctx context.Context, u im.User, token string, w WebSession) error {
	return act(ctx, s, fmt.Sprintf("begin a web session of %d", u.ID), func(tx *transaction) error {
		if err := tx.holdUser(ctx, u.ID); err != nil {
			return err
		}
		if _, err := loadUser(ctx, tx, u.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO web_session (owner, credential, `+webSessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			u.ID, u.Credential, auth.TokenHash(token), w.Created, w.Seen, msnp.Escape(w.Agent), w.Address)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			DELETE FROM web_session WHERE owner = $1 AND (seen <= $2 OR token IN (
				SELECT token FROM web_session WHERE owner = $1 ORDER BY seen DESC, token LIMIT 1000 OFFSET $3))`,
			u.ID, w.Created-int64(WebSessionIdle/time.Second), mostWebSessions)
		return err
	})
}

// WebSession returns the session with a token, and whose it is. It refuses with ErrNoWebSession,
// also when the account is locked or has another password since.
func (s *Store) WebSession(ctx context.Context, token string, now time.Time) (im.User, WebSession, error) {
	type both struct {
		user    im.User
		session WebSession
	}
	scan := func(r row) (both, error) {
		var b both
		var err error
		w := &b.session
		b.user, err = scanUserAnd(r, &w.ID, &w.Created, &w.Seen, &w.Agent, &w.Address)
		if errors.Is(err, im.ErrNoUser) {
			err = ErrNoWebSession
		}
		w.Agent = msnp.Unescape(w.Agent)
		return b, err
	}
	got, err := load(ctx, s, "load a web session", scan, `
		SELECT `+userColumns+`, token, began, seen, agent, address
		FROM account
		JOIN (
			SELECT owner, credential AS valid_for, token, created AS began, seen, agent, address
			FROM web_session WHERE token = $1 AND seen > $2
		) w ON w.owner = account.id AND w.valid_for = account.credential
		WHERE `+unlocked(3), auth.TokenHash(token), now.Add(-WebSessionIdle).Unix(), now.Unix())
	return got.user, got.session, err
}

// WebSessionLasts reports whether a session is as good as [Store.WebSession] wants it.
func (s *Store) WebSessionLasts(ctx context.Context, id string, now time.Time) (bool, error) {
	scan := func(r row) (lasts bool, err error) {
		err = r.Scan(&lasts)
		return lasts, err
	}
	return load(ctx, s, "look for a web session", scan, `
		SELECT EXISTS (SELECT 1 FROM web_session w JOIN account a ON a.id = w.owner AND a.credential = w.credential
			WHERE w.token = $1 AND w.seen > $2 AND `+unlocked(3)+`)`, id, now.Add(-WebSessionIdle).Unix(), now.Unix())
}

// SeeWebSession notes that a session is used, and where. To do so now and then is enough.
func (s *Store) SeeWebSession(ctx context.Context, id, address string, now time.Time) error {
	return act(ctx, s, "note that a web session is used", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE web_session SET seen = $2, address = $3 WHERE token = $1`, id, now.Unix(), address)
		return err
	})
}

// WebSessions returns the sessions that an account has, those used last before the others.
func (s *Store) WebSessions(ctx context.Context, owner im.UserID, now time.Time) ([]WebSession, error) {
	return view(ctx, s, fmt.Sprintf("list web sessions of %d", owner), func(tx *transaction) ([]WebSession, error) {
		scan := func(r row) (w WebSession, err error) {
			err = r.Scan(&w.ID, &w.Created, &w.Seen, &w.Agent, &w.Address)
			w.Agent = msnp.Unescape(w.Agent)
			return w, err
		}
		return collect(ctx, tx, scan, `
			SELECT `+webSessionColumns+` FROM web_session
			WHERE owner = $1 AND seen > $2 AND credential = (SELECT credential FROM account WHERE id = $1)
			ORDER BY seen DESC, token`, owner, now.Add(-WebSessionIdle).Unix())
	})
}

// EndWebSession ends one session of an account, or refuses with ErrNoWebSession.
func (s *Store) EndWebSession(ctx context.Context, owner im.UserID, id string) error {
	return act(ctx, s, fmt.Sprintf("end a web session of %d", owner), func(tx *transaction) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM web_session WHERE owner = $1 AND token = $2`, owner, id)
		return changedOne(res, err, ErrNoWebSession)
	})
}

// EndWebSessions ends all sessions of an account but one, which may be "".
func (s *Store) EndWebSessions(ctx context.Context, owner im.UserID, but string) error {
	return act(ctx, s, fmt.Sprintf("end web sessions of %d", owner), func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM web_session WHERE owner = $1 AND token <> $2`, owner, but)
		return err
	})
}

// SweepWeb deletes what is over: sessions, codes and letters. None of them counts for anything
// before that either.
func (s *Store) SweepWeb(ctx context.Context, now time.Time) error {
	return act(ctx, s, "sweep what is over", func(tx *transaction) error {
		if err := tx.holdTables(ctx, "invite_code", "letter_token", "web_session"); err != nil {
			return err
		}
		for _, each := range []struct {
			text string
			at   time.Time
		}{
			{`DELETE FROM web_session WHERE seen <= $1 OR NOT EXISTS (
				SELECT 1 FROM account WHERE id = owner AND account.credential = web_session.credential)`, now.Add(-WebSessionIdle)},
			{`DELETE FROM invite_code WHERE expires <> 0 AND expires <= $1`, now},
			{`DELETE FROM letter_token WHERE expires <= $1`, now},
		} {
			if _, err := tx.ExecContext(ctx, each.text, each.at.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
}
