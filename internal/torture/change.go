package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"monarch/msnclient"
)

// change is something somebody does to his lists: with one command or with several, of which a
// killed server may have carried out the first.
type change struct {
	what  string
	do    func(ctx context.Context, c *msnclient.Client) error
	steps []func(b *book) // what each command does
}

// states are the books after none, one and so on of the steps.
func (c change) states(from *book) []*book {
	all := []*book{from}
	for _, step := range c.steps {
		next := all[len(all)-1].clone()
		step(next)
		all = append(all, next)
	}
	return all
}

// chooser chooses changes that must succeed, given the book.
type chooser struct {
	random *rand.Rand
	handle string
	others []string
	serial int // of names
	book   *book
}

// choices are the kinds of changes; each returns false when the book leaves nothing to do.
var choices = []func(*chooser) (change, bool){
	(*chooser).rename, (*chooser).renameContact, (*chooser).add, (*chooser).add, (*chooser).join, (*chooser).quit,
	(*chooser).remove, (*chooser).move, (*chooser).allow, (*chooser).block, (*chooser).unblock,
	(*chooser).addGroup, (*chooser).renameGroup, (*chooser).removeGroup,
	(*chooser).privacy, (*chooser).prompt, (*chooser).property,
}

// next chooses a change.
func (c *chooser) next(b *book) change {
	c.book = b
	for {
		if made, ok := choices[c.random.IntN(len(choices))](c); ok {
			c.serial++
			return made
		}
	}
}

// pick chooses one of the contacts that fit, in an order that a seed repeats.
func (c *chooser) pick(fits func(handle string, e entry) bool) (string, entry, bool) {
	var some []string
	for _, h := range c.others {
		if fits(h, c.book.contacts[h]) {
			some = append(some, h)
		}
	}
	if len(some) == 0 {
		return "", entry{}, false
	}
	h := some[c.random.IntN(len(some))]
	return h, c.book.contacts[h], true
}

// group chooses one of the groups that fit.
func (c *chooser) group(fits func(number int) bool) (int, bool) {
	some := slices.DeleteFunc(slices.Sorted(maps.Keys(c.book.groups)), func(n int) bool { return !fits(n) })
	if len(some) == 0 {
		return 0, false
	}
	return some[c.random.IntN(len(some))], true
}

func (c *chooser) rename() (change, bool) {
	name := number(c.handle[:1], c.serial)
	return change{
		"rename himself " + name,
		func(ctx context.Context, cl *msnclient.Client) error { return cl.SetName(ctx, name) },
		[]func(*book){func(b *book) { b.name = name }},
	}, true
}

func onForward(_ string, e entry) bool { return e.lists.Has(msnclient.Forward) }

func (c *chooser) renameContact() (change, bool) {
	h, _, ok := c.pick(onForward)
	name := number("friend", c.serial)
	return change{
		"rename " + h + " " + name,
		func(ctx context.Context, cl *msnclient.Client) error { return cl.Rename(ctx, h, name) },
		[]func(*book){func(b *book) { b.put(h, func(e *entry) { e.stored = name }) }},
	}, ok
}

func (c *chooser) add() (change, bool) {
	h, _, ok := c.pick(func(h string, e entry) bool { return !onForward(h, e) })
	g, _ := c.group(func(int) bool { return true })
	name := number("friend", c.serial)
	return change{
		fmt.Sprintf("add %s to group %d", h, g),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.Add(ctx, h, name, g) },
		[]func(*book){func(b *book) {
			b.put(h, func(e *entry) {
				e.join(g)
				e.stored = name
			})
		}},
	}, ok
}

func (c *chooser) join() (change, bool) {
	h, e, ok := c.pick(onForward)
	g, free := c.group(func(n int) bool { return !slices.Contains(e.groups, n) })
	return change{
		fmt.Sprintf("put %s into group %d", h, g),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.AddToGroup(ctx, h, g) },
		[]func(*book){func(b *book) { b.put(h, func(e *entry) { e.join(g) }) }},
	}, ok && free
}

// quit takes somebody out of a group, which may be his last.
func (c *chooser) quit() (change, bool) {
	h, e, ok := c.pick(onForward)
	if !ok {
		return change{}, false
	}
	g := e.groups[c.random.IntN(len(e.groups))]
	return change{
		fmt.Sprintf("take %s out of group %d", h, g),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.RemoveFromGroup(ctx, h, g) },
		[]func(*book){func(b *book) { b.put(h, func(e *entry) { e.quit(g) }) }},
	}, true
}

func (c *chooser) remove() (change, bool) {
	h, _, ok := c.pick(onForward)
	return change{
		"remove " + h,
		func(ctx context.Context, cl *msnclient.Client) error { return cl.Remove(ctx, h) },
		[]func(*book){func(b *book) { b.put(h, func(e *entry) { e.groups = nil }) }},
	}, ok
}

func (c *chooser) move() (change, bool) {
	h, e, ok := c.pick(onForward)
	to, free := c.group(func(n int) bool { return !slices.Contains(e.groups, n) })
	if !ok || !free {
		return change{}, false
	}
	from := e.groups[c.random.IntN(len(e.groups))]
	return change{
		fmt.Sprintf("move %s from group %d to %d", h, from, to),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.Move(ctx, h, from, to) },
		[]func(*book){
			func(b *book) { b.put(h, func(e *entry) { e.join(to) }) },
			func(b *book) { b.put(h, func(e *entry) { e.quit(from) }) },
		},
	}, true
}

func (c *chooser) allow() (change, bool) {
	return c.swap("allow ", msnclient.Blocked, msnclient.Allowed, (*msnclient.Client).Allow)
}

func (c *chooser) block() (change, bool) {
	return c.swap("block ", msnclient.Allowed, msnclient.Blocked, (*msnclient.Client).Block)
}

// swap moves somebody from one list to its opposite, or only to the latter.
func (c *chooser) swap(what string, from, to msnclient.Lists, do func(*msnclient.Client, context.Context, string) error) (change, bool) {
	h, e, ok := c.pick(func(_ string, e entry) bool { return !e.lists.Has(to) })
	made := change{what: what + h, do: func(ctx context.Context, cl *msnclient.Client) error { return do(cl, ctx, h) }}
	if e.lists.Has(from) {
		made.steps = append(made.steps, func(b *book) { b.put(h, func(e *entry) { e.lists &^= from }) })
	}
	made.steps = append(made.steps, func(b *book) { b.put(h, func(e *entry) { e.lists |= to }) })
	return made, ok
}

func (c *chooser) unblock() (change, bool) {
	h, _, ok := c.pick(func(_ string, e entry) bool { return e.lists.Has(msnclient.Blocked) })
	return change{
		"unblock " + h,
		func(ctx context.Context, cl *msnclient.Client) error { return cl.Unblock(ctx, h) },
		[]func(*book){func(b *book) { b.put(h, func(e *entry) { e.lists &^= msnclient.Blocked }) }},
	}, ok
}

func (c *chooser) addGroup() (change, bool) {
	name, n := number("group", c.serial), c.book.freeGroup()
	return change{
		"add group " + name,
		func(ctx context.Context, cl *msnclient.Client) error {
			g, err := cl.AddGroup(ctx, name)
			if err == nil && g.Number != n {
				return fmt.Errorf("%w: group %d, not %d", errWrong, g.Number, n)
			}
			return err
		},
		[]func(*book){func(b *book) { b.groups[n] = name }},
	}, len(c.book.groups) < maxGroups
}

// errWrong is an answer that says yes to something else.
var errWrong = errors.New("a wrong answer")

func (c *chooser) renameGroup() (change, bool) {
	name := number("group", c.serial)
	g, ok := c.group(func(int) bool { return true })
	return change{
		fmt.Sprintf("rename group %d %s", g, name),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.RenameGroup(ctx, g, name) },
		[]func(*book){func(b *book) { b.groups[g] = name }},
	}, ok
}

func (c *chooser) removeGroup() (change, bool) {
	g, ok := c.group(func(n int) bool { return n != 0 })
	return change{
		fmt.Sprintf("remove group %d", g),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.RemoveGroup(ctx, g) },
		[]func(*book){func(b *book) {
			delete(b.groups, g)
			for h := range maps.Clone(b.contacts) {
				b.put(h, func(e *entry) { e.quit(g) })
			}
		}},
	}, ok
}

func (c *chooser) privacy() (change, bool) {
	p := msnclient.BlockOthers
	if c.book.privacy == p {
		p = msnclient.AllowOthers
	}
	return change{
		"set privacy " + string(p),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.SetPrivacy(ctx, p) },
		[]func(*book){func(b *book) { b.privacy = p }},
	}, true
}

func (c *chooser) prompt() (change, bool) {
	p := msnclient.AddSilently
	if c.book.prompt == p {
		p = msnclient.AskWhenAdded
	}
	return change{
		"set prompt " + string(p),
		func(ctx context.Context, cl *msnclient.Client) error { return cl.SetPrompt(ctx, p) },
		[]func(*book){func(b *book) { b.prompt = p }},
	}, true
}

func (c *chooser) property() (change, bool) {
	typ := ownProperties[c.random.IntN(len(ownProperties))]
	value := number("tel", c.serial)
	if c.book.properties[typ] != "" && c.random.IntN(2) == 0 {
		value = ""
	}
	return change{
		"set " + typ + " " + value,
		func(ctx context.Context, cl *msnclient.Client) error { return cl.SetProperty(ctx, typ, value) },
		[]func(*book){func(b *book) {
			if value == "" {
				delete(b.properties, typ)
			} else {
				b.properties[typ] = value
			}
		}},
	}, true
}
