package transfer

import (
	"context"
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"monarch/internal/store"
)

// How much is stored at a time. Whoever interrupts an import waits for one of these.
const (
	accountsAtATime = 1000
	contactsAtATime = 5000

	hashesAtATime = 50 // of passwords, which take longer
)

// mostWrong is how many items are remembered as to be left out.
const mostWrong = 100_000

// Hash hashes a password.
type Hash func(ctx context.Context, password string) (string, error)

// Importer takes what a source has into a store that nobody else uses. All of it but Findings and Tell
// is required.
type Importer struct {
	Source   Source
	Store    *store.Store
	Conflict store.Conflict
	Partial  bool // what is wrong is left out, the rest imported
	Hash     Hash

	Findings io.Writer      // gets a line for each; nil: nobody does
	Tell     func(Progress) // now and then; nil: nobody is told
}

// Summary is what an import would do, or has done.
type Summary struct {
	Accounts, Contacts  int // in order, those accounts among them that are there already
	New, Replaced, Kept int // accounts
	Listed              int // contacts that were put on lists
	Wrong, Noted        int // findings
	LeftOut             int // accounts and lines that cannot be imported
	There               int // accounts that are there already
	NoPassword          int // accounts whose password nobody knows
	Roles               int // accounts that have a role by it
	Findings            []Finding
}

// mostFindings is how many a summary has; there may be more.
const mostFindings = 20

// ErrWrong says that nothing was imported because something is wrong.
var ErrWrong = errors.New("nothing was imported")

// Check finds out what an import would do, and what is wrong. It changes nothing.
func (i *Importer) Check(ctx context.Context) (Summary, error) {
	c, err := i.check(ctx)
	return c.sum, err
}

func (i *Importer) tell(doing string, accounts, contacts int) {
	if i.Tell != nil {
		done, total := i.Source.Position()
		i.Tell(Progress{Doing: doing, Done: done, Total: total, Accounts: accounts, Contacts: contacts})
	}
}

// Import checks everything first, and imports nothing if anything is wrong, unless that is to be left
// out. The end of ctx ends it between two batches; what is imported then stays, and the summary says
// how much that is.
func (i *Importer) Import(ctx context.Context) (Summary, error) {
	c, err := i.check(ctx)
	if err != nil {
		return c.sum, err
	}
	if c.sum.Wrong > 0 && !i.Partial {
		return c.sum, ErrWrong
	}
	conflict := i.Conflict
	if conflict == store.Refuse {
		conflict = store.Keep // of accounts that are left out the lists stay, too
	}
	m, err := i.Store.BeginMerge(ctx, conflict, i.Source.HasLists())
	if err != nil {
		return c.sum, err
	}
	w := &writing{Importer: i, sum: &c.sum, merge: m, leave: c.leave}
	c.known = nil
	err = i.Source.Read(ctx, func(item Item) error { return w.take(ctx, item) })
	if err == nil {
		err = w.flush(ctx)
	}
	w.tell("Finishing", w.sum.New+w.sum.Replaced+w.sum.Kept, w.sum.Listed)
	return c.sum, errors.Join(err, m.End(context.WithoutCancel(ctx)))
}

// writing is the second look, which stores what it sees.
type writing struct {
	*Importer
	sum      *Summary
	merge    *store.Merge
	leave    map[int]bool
	item     int
	accounts []Account
	plain    int // of them have passwords to be hashed
	lists    []store.Lists
	people   int // on them
}

func (w *writing) take(ctx context.Context, item Item) error {
	w.item++
	if w.leave[w.item] {
		return nil
	}
	item.inspect()
	if a := item.Account; a != nil {
		if a.Password != "" {
			w.plain++
		}
		if w.accounts = append(w.accounts, *a); len(w.accounts) < accountsAtATime && w.plain < hashesAtATime {
			return nil
		}
		return w.flush(ctx)
	}
	last := len(w.lists) - 1
	another := last < 0 || w.lists[last].Owner != item.Lists.Owner
	if another && (len(w.accounts) > 0 || w.people >= contactsAtATime) {
		if err := w.flush(ctx); err != nil {
			return err
		}
		last = -1
	}
	w.people += len(item.Lists.People)
	if another {
		w.lists = append(w.lists, *item.Lists)
	} else {
		w.lists[last].People = append(w.lists[last].People, item.Lists.People...)
	}
	return nil
}

// flush stores a batch. A batch that has begun is not interrupted.
func (w *writing) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(w.accounts) > 0 {
		batch, err := w.hashed(ctx)
		if err != nil {
			return err
		}
		done, err := w.merge.Accounts(context.WithoutCancel(ctx), batch)
		if err != nil {
			return err
		}
		w.sum.New, w.sum.Replaced, w.sum.Kept = w.sum.New+done.Made, w.sum.Replaced+done.Replaced, w.sum.Kept+done.Kept
		w.accounts, w.plain = w.accounts[:0], 0
	}
	if len(w.lists) > 0 {
		done, err := w.merge.Lists(context.WithoutCancel(ctx), w.lists)
		if err != nil {
			return err
		}
		w.sum.Listed += done.Made
		w.lists, w.people = w.lists[:0], 0
	}
	w.tell("Importing", w.sum.New+w.sum.Replaced+w.sum.Kept, w.sum.Listed)
	return nil
}

// hashed returns the accounts with hashes in place of passwords, but for those that will be kept.
func (w *writing) hashed(ctx context.Context) ([]store.Account, error) {
	var plain []string
	for _, a := range w.accounts {
		if a.Password != "" {
			plain = append(plain, a.Handle)
		}
	}
	var kept map[string]bool
	if w.Conflict == store.Keep && len(plain) > 0 {
		var err error
		if kept, err = w.Store.Existing(ctx, plain); err != nil {
			return nil, err
		}
	}
	batch := make([]store.Account, len(w.accounts))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for n, a := range w.accounts {
		batch[n] = a.Account
		if a.Password == "" || kept[a.Handle] {
			continue
		}
		work.Go(func() error {
			hash, err := w.Hash(ctx, a.Password)
			batch[n].PasswordHash = &hash
			return err
		})
	}
	return batch, work.Wait()
}
