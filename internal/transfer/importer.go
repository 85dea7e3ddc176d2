package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
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
	Accounts, Contacts  int // in order
	New, Replaced, Kept int // accounts
	Listed              int // contacts that were put on lists
	Wrong, Noted        int // findings
	LeftOut             int // accounts and lines that cannot be imported
	There               int // accounts that are there already
	NoPassword          int // accounts whose password nobody knows
	Findings            []Finding
}

// mostFindings is how many a summary has; there may be more.
const mostFindings = 20

// ErrWrong says that nothing was imported because something is wrong.
var ErrWrong = errors.New("nothing was imported")

// known is what a check remembers of an account of the source, besides its address: its groups, and
// whether its lists have come.
type known uint32

const listsCame known = 1 << 31

// check is a first look at everything.
type check struct {
	*Importer
	sum     Summary
	seed    maphash.Seed
	known   map[uint64]known // by hash of the address: so a million accounts are some ten megabytes
	leave   map[int]bool     // items by their numbers
	item    int
	owner   string          // of the last lists
	people  map[string]bool // on them
	waiting []waiting
	asked   int
}

// waiting is an item for which the service must be asked who has an account.
type waiting struct {
	item    int
	where   string
	account string
	absent  []string // contacts who are not in the source
}

// Check finds out what an import would do, and what is wrong. It changes nothing.
func (i *Importer) Check(ctx context.Context) (Summary, error) {
	c, err := i.check(ctx)
	return c.sum, err
}

func (i *Importer) check(ctx context.Context) (*check, error) {
	c := &check{Importer: i, seed: maphash.MakeSeed(), known: make(map[uint64]known), leave: make(map[int]bool)}
	err := i.Source.Read(ctx, func(item Item) error {
		c.item++
		if err := c.look(ctx, item); err != nil {
			return err
		}
		c.tell("Checking", c.sum.Accounts, c.sum.Contacts)
		return nil
	})
	if err == nil {
		err = c.ask(ctx)
	}
	return c, err
}

func (i *Importer) tell(doing string, accounts, contacts int) {
	if i.Tell != nil {
		done, total := i.Source.Position()
		i.Tell(Progress{Doing: doing, Done: done, Total: total, Accounts: accounts, Contacts: contacts})
	}
}

// look checks one item.
func (c *check) look(ctx context.Context, item Item) error {
	item.inspect()
	if a := item.Account; a != nil && item.fit() {
		c.lookAtAccount(&item, a)
	}
	var absent []string
	if l := item.Lists; l != nil && l.Owner != "" {
		absent = c.lookAtLists(&item, l)
	}
	for _, f := range item.Findings {
		f.Where = item.Where
		if err := c.find(f); err != nil {
			return err
		}
	}
	if !c.accept(&item) {
		c.leave[c.item] = true
		c.sum.LeftOut++
		if len(c.leave) > mostWrong {
			return fmt.Errorf("%w: more than %d lines are wrong; is this the right file?", ErrWrong, mostWrong)
		}
		return nil
	}
	w := waiting{item: c.item, where: item.Where, absent: absent}
	if a := item.Account; a != nil {
		c.sum.Accounts++
		w.account = a.Handle
	} else {
		c.sum.Contacts += len(item.Lists.People)
	}
	if w.account == "" && len(absent) == 0 {
		return nil
	}
	c.waiting = append(c.waiting, w)
	if c.asked += 1 + len(absent); c.asked < accountsAtATime {
		return nil
	}
	return c.ask(ctx)
}

// accept reports whether an item is imported: of lists, whatever of them is in order.
func (c *check) accept(item *Item) bool {
	if item.Lists != nil {
		return len(item.Lists.People) > 0 && item.Lists.Owner != "" && c.known[c.key(item.Lists.Owner)] != 0
	}
	return item.fit()
}

func (c *check) key(handle string) uint64 { return maphash.String(c.seed, handle) }

func (c *check) lookAtAccount(item *Item, a *Account) {
	k := c.key(a.Handle)
	if _, twice := c.known[k]; twice {
		item.find(wrong("address", "%s is there twice; remove one", a.Handle))
		return
	}
	groups := known(1)
	for _, g := range a.Groups {
		groups |= 1 << g.Number
	}
	c.known[k] = groups
	if a.Password == "" && (a.PasswordHash == nil || *a.PasswordHash == "") {
		c.sum.NoPassword++
		item.find(noted("password", "%s has none that anybody knows; to give one: monarch user passwd %s", a.Handle, a.Handle))
	}
}

// lookAtLists checks people against the accounts of the source, and returns who is not among them.
func (c *check) lookAtLists(item *Item, l *store.Lists) (absent []string) {
	k := c.key(l.Owner)
	owner, ok := c.known[k]
	switch {
	case !ok:
		item.find(wrong("owner", "%s is not among the accounts before it", l.Owner))
		return nil
	case c.owner != l.Owner && owner&listsCame != 0:
		item.find(wrong("owner", "the contacts of %s must come one after the other", l.Owner))
		l.People = nil
		return nil
	}
	if c.owner != l.Owner {
		c.people = make(map[string]bool)
	}
	c.owner, c.known[k] = l.Owner, owner|listsCame
	for _, e := range l.People {
		if c.people[e.Handle] {
			item.find(wrong("contact "+e.Handle, "there twice"))
		}
		c.people[e.Handle] = true
		for _, n := range e.Groups {
			if owner&(1<<n) == 0 {
				item.find(noted("contact "+e.Handle, "%s has no group %d; another group, or group 0, in its place", l.Owner, n))
			}
		}
		if _, ok := c.known[c.key(e.Handle)]; !ok {
			absent = append(absent, e.Handle)
		}
	}
	return absent
}

// ask finds out who has an account at the service.
func (c *check) ask(ctx context.Context) error {
	var handles []string
	for _, w := range c.waiting {
		if w.account != "" {
			handles = append(handles, w.account)
		}
		handles = append(handles, w.absent...)
	}
	if len(handles) == 0 {
		return nil
	}
	there, err := c.Store.Existing(ctx, handles)
	if err != nil {
		return err
	}
	for _, w := range c.waiting {
		if there[w.account] {
			c.sum.There++
		}
		if there[w.account] && c.Conflict == store.Refuse {
			f := wrong("address", "%s has an account here already; --on-conflict says what becomes of it", w.account)
			f.Where = w.where
			if err := c.find(f); err != nil {
				return err
			}
			c.leave[w.item] = true
			c.sum.Accounts--
			c.sum.LeftOut++
		}
		for _, h := range w.absent {
			if there[h] {
				continue
			}
			c.sum.Contacts--
			f := noted("contact "+h, "there is no such account, neither with the others nor here; left out")
			f.Where = w.where
			if err := c.find(f); err != nil {
				return err
			}
		}
	}
	c.waiting, c.asked = c.waiting[:0], 0
	return nil
}

// find counts a finding and passes it on.
func (c *check) find(f Finding) error {
	if f.Note {
		c.sum.Noted++
	} else {
		c.sum.Wrong++
	}
	if len(c.sum.Findings) < mostFindings || !f.Note && c.sum.Wrong <= mostFindings {
		c.sum.Findings = append(c.sum.Findings, f)
	}
	if c.Importer.Findings == nil {
		return nil
	}
	_, err := fmt.Fprintln(c.Importer.Findings, f)
	return err
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
	m, err := i.Store.BeginMerge(ctx, i.Conflict, i.Source.HasLists())
	if err != nil {
		return c.sum, err
	}
	w := &writing{Importer: i, sum: &c.sum, merge: m, leave: c.leave}
	c.known = nil
	if err := i.Source.Read(ctx, func(item Item) error { return w.take(ctx, item) }); err != nil {
		return c.sum, err
	}
	return c.sum, w.flush(ctx)
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
