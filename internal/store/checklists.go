package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"monarch/internal/im"
)

// contradictions say in words what no change leaves behind and the schema cannot forbid.
var contradictions = []string{
	`SELECT 'account ' || id || ' has no group 0' FROM account
		WHERE NOT EXISTS (SELECT 1 FROM contact_group WHERE owner = id AND number = 0)`,
	`SELECT 'account ' || owner || ' has ' || peer || ' in a group there is not' FROM contact
		WHERE in_groups & ~ (SELECT COALESCE(CAST(SUM(CAST(1 AS BIGINT) << CAST(number AS INTEGER)) AS BIGINT), 0) FROM contact_group g WHERE g.owner = contact.owner) <> 0`,
	`SELECT 'account ' || id || ' has a number that was not given' FROM account
		WHERE id > (SELECT MAX(id) FROM last_account)`,
	`SELECT 'account ' || owner || ' keeps a name for ' || peer || ', who has nothing to do with him' FROM contact
		WHERE lists = 0 AND NOT EXISTS (
			SELECT 1 FROM contact his WHERE his.owner = contact.peer AND his.peer = contact.owner AND (his.lists & 1) <> 0)`,
}

// CheckLists reads everybody's lists in the database that url names, which has the newest
// schema, and returns what contradicts itself: groups there are not, and rosters kept packed
// that are not what the lists say. It changes nothing, and a server may be running. [Check] is
// for the file itself.
func CheckLists(ctx context.Context, url string) ([]string, error) {
	where, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	e, err := openToRead(where)
	if err != nil {
		return nil, fmt.Errorf("check lists in %s: %w", where, err)
	}
	defer e.close() //nolint:errcheck // nothing was written
	var faults []string
	err = e.view(ctx, func(tx *transaction) (err error) {
		faults = nil
		for _, query := range contradictions {
			found, err := collect(ctx, tx, scanLine, query)
			if err != nil {
				return err
			}
			faults = append(faults, found...)
		}
		stale, err := staleRecords(ctx, tx)
		faults = append(faults, stale...)
		return err
	})
	if err != nil {
		return faults, fmt.Errorf("check lists in %s: %w", where, explain(ctx, err))
	}
	return faults, nil
}

// openToRead returns what a database can be read with. Nothing is connected yet.
func openToRead(where location) (engine, error) {
	if where.postgres != nil {
		return connect(where.postgres, 1), nil
	}
	db, err := sql.Open("sqlite", dataSource(where.path, []string{"mode=ro", "_pragma=query_only(1)"}))
	if err != nil {
		return nil, err
	}
	return &file{writer: newWriter(db), reader: &database{DB: db}, copier: db}, nil
}

func scanLine(r row) (line string, err error) {
	err = r.Scan(&line)
	return line, err
}

// staleRecords compares every record that is valid with the roster of today.
func staleRecords(ctx context.Context, tx *transaction) ([]string, error) {
	ids, err := collect(ctx, tx, scanID, `SELECT id FROM account ORDER BY id`)
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, id := range ids {
		same, err := recordIsRight(ctx, tx, id)
		if err != nil {
			return faults, err
		}
		if !same {
			faults = append(faults, fmt.Sprintf("the packed roster of account %d is not what its lists say", id))
		}
	}
	return faults, nil
}

// recordIsRight reports whether an account's record, if it has a valid one, is its roster.
func recordIsRight(ctx context.Context, tx *transaction, id im.UserID) (bool, error) {
	r, epoch, err := gatherRoster(ctx, tx, id)
	if err != nil {
		return false, err
	}
	var body packed
	err = tx.QueryRowContext(ctx, `SELECT body FROM roster_record WHERE owner = $1 AND version = $2 AND epoch = $3`,
		id, r.User.Version, epoch).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return bytes.Equal([]byte(body), packRoster(r)), err
}
