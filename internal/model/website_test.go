package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"monarch/internal/account"
	"monarch/internal/im"
	"monarch/msnp"
)

// This file is what people do at the website, while their clients are signed in or not.
// docs/protocol/lists.md#elsewhere

// follows reports whether somebody has a client with lists.
func (w *world) follows(who int) bool {
	s := w.people[who].at
	return s != nil && s.synced
}

// webAdd puts somebody on the forward list, or into one more of its groups.
func (w *world) webAdd(c command) {
	me := &w.people[c.who]
	peer, named := w.byHandle(strings.ToLower(c.arg(0))), atoi(c.arg(2))
	l, group := me.links[peer], max(named, 0)
	first := l.lists&forward == 0
	if _, exists := me.groups[group]; peer < 0 || !exists || first && w.count(c.who) >= maxContacts || !first && named < 0 || slices.Contains(l.groups, group) {
		return
	}
	l.lists |= forward
	l.groups = slices.Sorted(slices.Values(append(slices.Clone(l.groups), group)))
	if first {
		l.stored = msnp.Unescape(c.arg(1))
	}
	me.links[peer] = l
	w.step(c.who)
	if !first {
		return
	}
	if peer != c.who {
		w.step(peer)
	}
	if w.follows(c.who) {
		handle := w.people[peer].handle
		w.inform(c.key, heard{tells: []int{me.version}, on: handle, group: group}, "ADD 0 FL", newest, handle, msnp.Escape(l.stored), place)
		w.introduce(c, peer, "NLN")
	}
	w.enlist(c.who, peer)
}

// webRemove takes somebody off the forward list.
func (w *world) webRemove(c command) {
	me := &w.people[c.who]
	peer := w.byHandle(c.arg(0))
	if me.links[peer].lists&forward == 0 {
		return
	}
	w.step(c.who)
	if w.follows(c.who) {
		w.inform(c.key, heard{tells: []int{me.version}, off: []string{c.arg(0)}}, "REM 0 FL", newest, c.arg(0))
	}
	w.off(c.who, peer)
	w.listing(removed, c.who, peer)
}

// webName gives somebody another stored name, which no client is told.
func (w *world) webName(c command) {
	me := &w.people[c.who]
	peer := w.byHandle(c.arg(0))
	l := me.links[peer]
	if peer < 0 || l.lists == 0 && !w.on(c.who, reverse, peer) {
		return
	}
	if l.lists&forward != 0 {
		l.stored = msnp.Unescape(c.arg(1))
		me.links[peer] = l
	}
	w.step(c.who)
}

// webMove takes somebody from one group to another.
func (w *world) webMove(c command) {
	me := &w.people[c.who]
	peer, from, to := w.byHandle(c.arg(0)), atoi(c.arg(1)), atoi(c.arg(2))
	l := me.links[peer]
	if _, exists := me.groups[to]; !exists || !slices.Contains(l.groups, from) {
		return
	}
	l.groups = moved(l.groups, from, to)
	me.links[peer] = l
	w.step(c.who)
}

// moved returns groups with one in place of another.
func moved(groups []int, from, to int) []int {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g int) bool { return g == from })
	groups = append(groups, to)
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (w *world) webAllow(c command) {
	w.webTake(c, "BL")
	w.webPut(c, "AL")
}

func (w *world) webBlock(c command) {
	w.webTake(c, "AL")
	w.webPut(c, "BL")
}

func (w *world) webUnblock(c command) {
	if w.webTake(c, "BL") {
		w.webPut(c, "AL")
	}
}

func (w *world) webUndecide(c command) {
	w.webTake(c, "AL")
	w.webTake(c, "BL")
}

// webTake takes somebody off the allow or the block list, and reports whether he was there.
func (w *world) webTake(c command, list string) bool {
	me := &w.people[c.who]
	peer := w.byHandle(c.arg(0))
	l := me.links[peer]
	if l.lists&lists[list] == 0 {
		return false
	}
	l.lists &^= lists[list]
	me.links[peer] = l
	w.step(c.who)
	if w.follows(c.who) {
		w.inform(c.key, heard{tells: []int{me.version}}, "REM 0", list, newest, c.arg(0))
	}
	w.look(c.who)
	return true
}

// webPut puts somebody there.
func (w *world) webPut(c command, list string) {
	me := &w.people[c.who]
	peer := w.byHandle(c.arg(0))
	l := me.links[peer]
	if peer < 0 || l.lists&lists[list] != 0 {
		return
	}
	l.lists |= lists[list]
	me.links[peer] = l
	w.step(c.who)
	if w.follows(c.who) {
		name := w.people[peer].name
		if l.lists&forward != 0 {
			name = l.stored
		}
		w.inform(c.key, heard{tells: []int{me.version}}, "ADD 0", list, newest, c.arg(0), msnp.Escape(name))
	}
	w.look(c.who)
}

func (w *world) webNick(c command) {
	w.people[c.who].name = msnp.Unescape(c.arg(0))
	w.step(c.who)
	w.look(c.who)
}

func (w *world) webPolicy(c command) { w.webSet(c, &w.people[c.who].policy) }

func (w *world) webPrompt(c command) { w.webSet(c, &w.people[c.who].prompt) }

// webSet is a setting that no client is told.
func (w *world) webSet(c command, mode *string) {
	if *mode != c.arg(0) {
		*mode = c.arg(0)
		w.step(c.who)
		w.look(c.who)
	}
}

// webGroup makes a group.
func (w *world) webGroup(c command) {
	me := &w.people[c.who]
	if _, taken := w.group(c.who, msnp.Unescape(c.arg(0))); taken {
		return
	}
	number := 0
	for me.groups[number] != "" {
		number++
	}
	me.groups[number] = msnp.Unescape(c.arg(0))
	w.step(c.who)
}

// webRename gives a group another name.
func (w *world) webRename(c command) {
	me := &w.people[c.who]
	number, name := atoi(c.arg(0)), msnp.Unescape(c.arg(1))
	other, taken := w.group(c.who, name)
	if _, exists := me.groups[number]; exists && (!taken || other == number) {
		me.groups[number] = name
		w.step(c.who)
	}
}

// webDissolve removes a group. Nobody leaves the forward list with it.
func (w *world) webDissolve(c command) {
	me := &w.people[c.who]
	number := atoi(c.arg(0))
	if _, exists := me.groups[number]; !exists || number == 0 {
		return
	}
	delete(me.groups, number)
	w.step(c.who)
	for peer, l := range me.links {
		switch {
		case !slices.Contains(l.groups, number):
			continue
		case len(l.groups) == 1:
			l.groups = []int{0}
		default:
			l.groups = slices.DeleteFunc(slices.Clone(l.groups), func(g int) bool { return g == number })
		}
		me.links[peer] = l
	}
}

// errands are what people do at the website, the frequent ones several times. Those behind the
// first half may be two changes, between which there may be one of somebody else.
var (
	errands = []string{
		"add", "add", "add", "remove", "remove", "name", "move", "nick", "policy", "policy", "prompt", "group", "rename", "dissolve",
	}
	decisions = []string{"allow", "block", "block", "unblock", "undecide"}
)

// errand draws what somebody does at the website.
func (s *stage) errand(t *rapid.T, who int, errands []string) command {
	name, group := one(t, "name", names...), one(t, "group", "0", "0", "1", "1", "2", "7")
	verb := one(t, "errand", errands...)
	var args []string
	switch verb {
	case "add":
		args = []string{s.handle(t), name, one(t, "named", "-1", group)}
	case "name":
		args = []string{strings.ToLower(s.handle(t)), name}
	case "move":
		args = []string{strings.ToLower(s.handle(t)), group, one(t, "to", "0", "1", "2")}
	case "nick", "group":
		args = []string{name}
	case "policy":
		args = []string{one(t, "policy", "AL", "BL")}
	case "prompt":
		args = []string{one(t, "prompt", "A", "N")}
	case "rename":
		args = []string{group, name}
	case "dissolve":
		args = []string{group}
	default:
		args = []string{strings.ToLower(s.handle(t))}
	}
	return s.command(who, "web "+verb, args...)
}

// visitors are those whose clients have what they change at the website told, or who have none, or
// one that knows nothing of lists yet. Left out are those whose client is on line and has not asked
// for its lists, as no client does, and those whose departure is held back: of them a transcript
// tells (S05).
func (s *stage) visitors() (who []int) {
	for i, p := range s.worlds[0].people {
		if p.at == nil || p.held < 0 && (p.at.synced || !p.at.linked) {
			who = append(who, i)
		}
	}
	return who
}

// visits lets somebody do something at the website.
func (s *stage) visits(t *rapid.T) {
	if all := s.visitors(); len(all) > 0 {
		s.do(s.errand(t, one(t, "who", all...), slices.Concat(errands, decisions)))
	}
}

// doubles lets somebody do something at the website while somebody, perhaps he, says something.
func (s *stage) doubles(t *rapid.T) {
	all, there := s.visitors(), s.there()
	if len(all) == 0 || len(there) == 0 {
		return
	}
	visitor, whom := one(t, "who", all...), one(t, "whom", there...)
	if at := s.worlds[0].people[visitor].at; whom == visitor && !at.synced {
		return
	}
	other := s.notification(t, whom)
	if rapid.Bool().Draw(t, "about him") {
		other = s.about(t, whom, visitor)
	}
	s.together(other, s.errand(t, visitor, errands))
}

// refusals are what the website may say to that.
var refusals = []error{
	account.ErrBadEmail, im.ErrNoUser, im.ErrListFull, im.ErrNoGroup, im.ErrNotListed, im.ErrNotInGroup, im.ErrGroupName, im.ErrGroupZero,
}

// visit does something at the website.
func (s *stage) visit(what string, c command) {
	ctx, users := context.Background(), s.node(c.key).Server.Users()
	u, err := s.fix.Store.User(ctx, s.users[c.who].Handle)
	s.check(err)
	switch text := msnp.Unescape(c.arg(0)); what {
	case "add":
		err = users.AddContact(ctx, u, account.Addition{Email: c.arg(0), Name: msnp.Unescape(c.arg(1)), Group: atoi(c.arg(2))})
	case "remove":
		err = users.RemoveContact(ctx, u, c.arg(0))
	case "name":
		err = users.NameContact(ctx, u, c.arg(0), msnp.Unescape(c.arg(1)))
	case "move":
		err = users.MoveContact(ctx, u, c.arg(0), atoi(c.arg(1)), atoi(c.arg(2)))
	case "allow":
		err = users.Allow(ctx, u, c.arg(0))
	case "block":
		err = users.Block(ctx, u, c.arg(0))
	case "unblock":
		err = users.Unblock(ctx, u, c.arg(0))
	case "undecide":
		err = users.Undecide(ctx, u, c.arg(0))
	case "nick":
		err = users.RenameOwn(ctx, u, text)
	case "policy":
		err = users.SetPolicy(ctx, u, im.Policy(text))
	case "prompt":
		err = users.SetPrompt(ctx, u, im.Prompt(text))
	case "group":
		err = users.AddGroup(ctx, u, text)
	case "rename":
		err = users.RenameGroup(ctx, u, atoi(c.arg(0)), msnp.Unescape(c.arg(1)))
	case "dissolve":
		err = users.RemoveGroup(ctx, u, atoi(c.arg(0)))
	default:
		err = fmt.Errorf("nobody can %s at the website", what)
	}
	if err != nil && !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }) {
		s.check(err)
	}
}
