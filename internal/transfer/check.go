package transfer

import (
	"context"
	"fmt"

	"monarch/internal/im"
	"monarch/internal/store"
)

// known is what a check remembers of an account of the source, besides its address: its groups, and
// more.
type known uint32

const (
	listsCame known = 1 << 31
	isHere    known = 1 << 30 // the service has it
)

// check is a first look at everything.
type check struct {
	*Importer
	sum     Summary
	known   *addresses
	leave   map[int]bool // items by their numbers
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
	none    bool     // it has no password,
	told    bool     // as the source says
	role    im.Role  // that the source gives it
	owner   string   // of lists, if he is here and his lists may stay as they are
	people  int      // on them
	absent  []string // contacts who are not in the source
}

// check looks at everything.
func (i *Importer) check(ctx context.Context) (*check, error) {
	c := &check{Importer: i, known: newAddresses(), leave: make(map[int]bool)}
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

// look checks one item.
func (c *check) look(ctx context.Context, item Item) error {
	item.inspect()
	if a := item.Account; a != nil && item.fit() {
		c.lookAtAccount(&item, a)
	}
	var absent []string
	if l := item.Lists; l != nil && l.Owner != "" {
		if err := c.askFirst(ctx); err != nil {
			return err
		}
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
	return c.wait(ctx, &item, absent)
}

// wait counts an item that is in order, and notes what the service must be asked about it.
func (c *check) wait(ctx context.Context, item *Item, absent []string) error {
	w := waiting{item: c.item, where: item.Where, absent: absent}
	if a := item.Account; a != nil {
		c.sum.Accounts++
		w.account = a.Handle
		w.none, w.told = a.Password == "" && (a.PasswordHash == nil || *a.PasswordHash == ""), a.PasswordHash != nil
		if a.Role != nil {
			w.role = *a.Role
		}
	} else {
		c.sum.Contacts += len(item.Lists.People)
		if c.Conflict != store.Replace && *c.known.of(item.Lists.Owner)&isHere != 0 {
			w.owner, w.people = item.Lists.Owner, len(item.Lists.People)-len(absent)
		}
	}
	if w.account == "" && w.owner == "" && len(absent) == 0 {
		return nil
	}
	c.waiting = append(c.waiting, w)
	if c.asked += 1 + len(absent); c.asked < accountsAtATime {
		return nil
	}
	return c.ask(ctx)
}

// askFirst asks for the accounts, before the first lists.
func (c *check) askFirst(ctx context.Context) error {
	if len(c.waiting) == 0 || c.waiting[len(c.waiting)-1].account == "" {
		return nil
	}
	return c.ask(ctx)
}

// accept reports whether an item is imported: of lists, whatever of them is in order.
func (c *check) accept(item *Item) bool {
	if item.Lists != nil {
		return len(item.Lists.People) > 0 && item.Lists.Owner != "" && c.known.of(item.Lists.Owner) != nil
	}
	return item.fit()
}

func (c *check) lookAtAccount(item *Item, a *Account) {
	if c.known.of(a.Handle) != nil {
		item.find(wrong("address", "%s is there twice; remove one", a.Handle))
		return
	}
	groups := known(1)
	for _, g := range a.Groups {
		groups |= 1 << g.Number
	}
	c.known.add(a.Handle, groups)
}

// lookAtLists checks people against the accounts of the source, and returns who is not among them.
func (c *check) lookAtLists(item *Item, l *store.Lists) (absent []string) {
	owner := c.known.of(l.Owner)
	switch {
	case owner == nil:
		item.find(wrong("owner", "%s is not among the accounts before it", l.Owner))
		return nil
	case c.owner != l.Owner && *owner&listsCame != 0:
		item.find(wrong("owner", "the contacts of %s must come one after the other", l.Owner))
		l.People = nil
		return nil
	}
	if c.owner != l.Owner {
		c.people = make(map[string]bool)
	}
	c.owner = l.Owner
	*owner |= listsCame
	for _, e := range l.People {
		if c.people[e.Handle] {
			item.find(wrong("contact "+e.Handle, "there twice"))
		}
		c.people[e.Handle] = true
		for _, n := range e.Groups {
			if *owner&(1<<n) == 0 {
				item.find(noted("contact "+e.Handle, "%s has no group %d; another group, or group 0, in its place", l.Owner, n))
			}
		}
		if c.known.of(e.Handle) == nil {
			absent = append(absent, e.Handle)
		}
	}
	return absent
}

// ask finds out who has an account at the service, and whose lists stay as they are.
func (c *check) ask(ctx context.Context) error {
	var handles, owners []string
	for _, w := range c.waiting {
		if w.account != "" {
			handles = append(handles, w.account)
		}
		if w.owner != "" {
			owners = append(owners, w.owner)
		}
		handles = append(handles, w.absent...)
	}
	there, err := c.Store.Existing(ctx, handles)
	if err != nil {
		return err
	}
	listed, err := c.Store.Listed(ctx, owners)
	if err != nil {
		return err
	}
	for _, w := range c.waiting {
		if listed[w.owner] {
			c.sum.Contacts -= w.people
		}
		if err := c.settle(w, there, listed[w.owner]); err != nil {
			return err
		}
	}
	c.waiting, c.asked = c.waiting[:0], 0
	return nil
}

// settle completes the check of an item. Lists that stay take nobody in.
func (c *check) settle(w waiting, there map[string]bool, stay bool) error {
	var findings []Finding
	here := there[w.account]
	if here {
		c.sum.There++
		*c.known.of(w.account) |= isHere
	}
	if here && c.Conflict == store.Refuse {
		findings = append(findings, wrong("address", "%s has an account here already; --on-conflict says what becomes of it", w.account))
		c.leave[w.item] = true
		c.sum.LeftOut++
	}
	if w.none && (!here || c.Conflict == store.Replace && w.told) {
		c.sum.NoPassword++
		findings = append(findings, noted("password", "%s has none that anybody knows; to give one: monarch user passwd %s", w.account, w.account))
	}
	if w.role != im.NoRole && (!here || c.Conflict == store.Replace) {
		c.sum.Roles++
		findings = append(findings, noted("role", "%s is %s of the service by it", w.account, w.role))
	}
	for _, h := range w.absent {
		if !there[h] {
			findings = append(findings, noted("contact "+h, "there is no such account, neither with the others nor here; left out"))
		}
		if !there[h] || stay {
			c.sum.Contacts--
		}
	}
	for _, f := range findings {
		f.Where = w.where
		if err := c.find(f); err != nil {
			return err
		}
	}
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
	if c.Findings == nil {
		return nil
	}
	_, err := fmt.Fprintln(c.Findings, f)
	return err
}
