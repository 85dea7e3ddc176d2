package swarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"monarch/internal/auth"
	"monarch/internal/store"
)

const (
	databaseFile = "monarch.db" // where a server looks for it in its data directory
	crowdFile    = "crowd.json" // written last: the accounts beside it are complete
)

// crowd is what signing people in takes: their accounts' numbers, and the keys that sign
// tickets in place of a check of passwords.
type crowd struct {
	Plan plan       `json:"plan"`
	Keys []auth.Key `json:"keys"`
	IDs  []int64    `json:"ids"` // of the accounts, by the numbers of the plan
}

// ticket is what the login would give somebody for his password.
func (c crowd) ticket(i int, now time.Time) string {
	return auth.NewSigner(c.Keys).Ticket(auth.Ticket{User: c.IDs[i], Credential: 1, Issued: now})
}

// accounts makes the accounts of a plan, unless an earlier run has, and returns the directory
// that has them. Nothing there changes any more: each server gets a copy.
func (r *run) accounts(ctx context.Context, p plan) (dir string, c crowd, err error) {
	if err := p.check(); err != nil {
		return "", c, err
	}
	dir = filepath.Join(r.dir, p.name())
	text, err := os.ReadFile(filepath.Join(dir, crowdFile))
	switch {
	case err == nil:
		if err = json.Unmarshal(text, &c); err == nil && c.Plan == p {
			return dir, c, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", c, err
	}
	if err := os.RemoveAll(dir); err != nil { // the rest of a run that was interrupted
		return "", c, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", c, err
	}
	if c, err = r.populate(ctx, "sqlite:"+filepath.Join(dir, databaseFile), p); err != nil {
		return "", c, fmt.Errorf("make the accounts: %w", err)
	}
	text, err = json.Marshal(c)
	if err != nil {
		return "", c, err
	}
	return dir, c, os.WriteFile(filepath.Join(dir, crowdFile), text, 0o600)
}

// populate fills a new database.
func (r *run) populate(ctx context.Context, database string, p plan) (c crowd, err error) {
	db, err := store.Open(ctx, database)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r.say("making %d accounts (%s)", p.everybody(), p.name())
	if err := db.ImportUsers(ctx, p.users(), r.counting("accounts")); err != nil {
		return c, err
	}
	writers := 1
	if strings.HasPrefix(database, "postgres:") {
		writers = runtime.NumCPU() // at the same time
	}
	share := (p.People + writers - 1) / writers
	progress := r.counting("contacts")
	err = each(ctx, writers, writers, func(ctx context.Context, i int) error {
		from := min(i*share, p.People)
		return db.ImportContacts(ctx, p.lists(from, min(from+share, p.People)), progress)
	})
	if err != nil {
		return c, err
	}
	c.Plan = p
	if c.Keys, err = db.Keys(ctx); err != nil {
		return c, err
	}
	c.IDs, err = ids(ctx, db, p.everybody())
	return c, err
}

// counting returns what tells of the progress of one import, or of several at the same time.
func (r *run) counting(what string) func(int) {
	var mu sync.Mutex
	var batches int64
	told := time.Now()
	return func(int) {
		mu.Lock()
		defer mu.Unlock()
		if batches++; time.Since(told) > 5*time.Second {
			told = time.Now()
			r.say("made %d batches of %s", batches, what)
		}
	}
}

// ids reads the accounts' numbers. Handles sort in the order of the plan's numbers.
func ids(ctx context.Context, db *store.Store, people int) ([]int64, error) {
	all := make([]int64, 0, people)
	for after := ""; len(all) < people; {
		page, err := db.Users(ctx, after, 5000)
		if err != nil {
			return nil, err
		}
		for _, u := range page {
			if want := handle(len(all)); u.Handle != want {
				return nil, fmt.Errorf("found the account %s where %s should be", u.Handle, want)
			}
			all = append(all, int64(u.ID))
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("%d accounts of %d are missing", people-len(all), people)
		}
		after = page[len(page)-1].Handle
	}
	return all, nil
}

// copyAccounts gives a server a data directory of its own.
func copyAccounts(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(from, databaseFile))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(to, databaseFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
