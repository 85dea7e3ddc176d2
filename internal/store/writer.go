package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// mostTogether is how many changes one commit takes.
const mostTogether = 64

// writer makes changes, one after the other. Those that wait at the same time are committed
// together: what takes long is to wait for the disk, and one wait does for all.
type writer struct {
	database
	turn chan struct{} // holds an element while somebody is changing something

	mu      sync.Mutex // leaf
	waiting []*pending
}

// pending is a change on its way. Whoever has the turn carries it out for its owner.
type pending struct {
	do     func(tx *transaction) error
	ended  chan struct{} // closed once err or broken is set
	err    error
	broken string // what it panicked with, and where, if it did
}

// errAbandoned is the end of changes whose leader's goroutine has ended before they were made.
var errAbandoned = errors.New("abandoned with another change")

// errBroken is how a change ends that panics, until its owner panics.
var errBroken = errors.New("the change panicked")

// run carries out the change. If it panics, so does its owner, who need not be the one who runs
// it.
func (c *pending) run(tx *transaction) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.broken, err = fmt.Sprintf("%v\n\n%s", v, debug.Stack()), errBroken
		}
	}()
	return c.do(tx)
}

// result returns to its owner how the change has ended.
func (c *pending) result() error {
	if c.broken != "" {
		panic(c.broken)
	}
	return c.err
}

func newWriter(db *sql.DB) *writer {
	db.SetMaxOpenConns(1)
	return &writer{database: database{DB: db}, turn: make(chan struct{}, 1)}
}

// change runs do in a transaction, and once more in one of its own if that of several changes
// is lost. It returns nil when do has been committed, and an error when it has been rolled back
// or not begun with, and panics if do does. The end of ctx ends no more than the wait for the
// turn.
func (w *writer) change(ctx context.Context, do func(tx *transaction) error) error {
	c := &pending{do: do, ended: make(chan struct{}), err: errAbandoned}
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	w.mu.Unlock()
	for {
		select {
		case <-c.ended:
			return c.result()
		case w.turn <- struct{}{}:
			if err := w.lead(ctx, c); err != nil {
				return err
			}
		case <-ctx.Done():
			if w.withdraw(c) {
				return ctx.Err()
			}
			<-c.ended
			return c.result()
		}
	}
}

// lead carries out changes that wait, c among them unless many have waited for longer. Where
// it cannot begin, c is withdrawn and the others take their turn; where it cannot begin again,
// none of those it has taken waits for what another has waited for in vain.
func (w *writer) lead(ctx context.Context, c *pending) error {
	defer func() { <-w.turn }()
	select {
	case <-c.ended: // just before it was our turn
		return nil
	default:
	}
	tx, err := w.begin(ctx)
	if err != nil {
		w.withdraw(c)
		return err
	}
	group := w.take()
	defer func() { // also when a change ends this goroutine
		for _, c := range group {
			close(c.ended)
		}
	}()
	ctx = context.WithoutCancel(ctx) // which is that of one of them
	if w.commit(ctx, tx, group) {
		return nil
	}
	for len(group) > 0 {
		if group[0].broken == "" {
			tx, err := w.begin(ctx)
			if err != nil {
				for _, c := range group {
					c.err = err
				}
				return nil
			}
			w.commit(ctx, tx, group[:1])
		}
		close(group[0].ended)
		group = group[1:]
	}
	return nil
}

// take returns the changes that have waited longest, and there are some.
func (w *writer) take() []*pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), mostTogether)
	group := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	return group
}

// withdraw takes back a change, unless somebody has begun with it.
func (w *writer) withdraw(c *pending) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, c)
	if i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
	}
	return i >= 0
}

// commit carries out changes and sets their errors. If it reports false nothing has been
// changed, and each that did not panic is to be carried out alone: SQLite gives up a whole
// transaction for some troubles of one statement.
func (w *writer) commit(ctx context.Context, tx *transaction, group []*pending) bool {
	defer tx.end(ctx)
	if len(group) == 1 {
		c := group[0]
		err := c.run(tx)
		if err == nil {
			err = tx.commit(ctx)
		}
		c.err = err
		return true
	}
	refusals := make([]error, len(group))
	for i, c := range group {
		var err error
		if refusals[i], err = tx.attempt(ctx, c); err != nil {
			return false
		}
	}
	err := tx.commit(ctx)
	for i, c := range group {
		if c.err = refusals[i]; c.err == nil {
			c.err = err
		}
	}
	return true
}

// attempt carries out one of several changes. If that is refused it is as if it had not been
// begun with. An error says that the whole transaction is lost.
func (t *transaction) attempt(ctx context.Context, c *pending) (refusal, err error) {
	if _, err := t.ExecContext(ctx, `SAVEPOINT one`); err != nil {
		return nil, err
	}
	if refusal = c.run(t); c.broken != "" {
		return nil, refusal
	}
	if refusal != nil {
		if _, err := t.ExecContext(ctx, `ROLLBACK TO SAVEPOINT one`); err != nil {
			return nil, err
		}
	}
	_, err = t.ExecContext(ctx, `RELEASE SAVEPOINT one`)
	return refusal, err
}

// commit hides that of *sql.Tx, after whose failure the transaction may still be open.
func (t *transaction) commit(ctx context.Context) error {
	err := t.Commit()
	if err != nil {
		t.conn.ExecContext(ctx, `ROLLBACK`) //nolint:errcheck // it may be gone as well
	}
	return err
}
