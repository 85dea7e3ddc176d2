package msntest

import (
	"fmt"
	"strconv"

	"monarch/internal/account"
	"monarch/internal/im"
	"monarch/msnp"
)

// web does what somebody may do with his own lists at the website, signed in with a client or
// not: whose lists, what, and the rest.
func (p *Player) web(words []string) error {
	p.log.add("", "", fmt.Sprintf("web %q", words))
	u, err := p.user(words[0])
	if err != nil {
		return err
	}
	ctx, users, rest := p.t.Context(), p.next().Server.Users(), append(words[2:], "", "", "")
	group := func(word string) int {
		n, err := strconv.Atoi(word)
		if err != nil {
			return -1
		}
		return n
	}
	switch words[1] {
	case "nick":
		return users.RenameOwn(ctx, u, msnp.Unescape(rest[0]))
	case "policy":
		return users.SetPolicy(ctx, u, im.Policy(rest[0]))
	case "prompt":
		return users.SetPrompt(ctx, u, im.Prompt(rest[0]))
	case "group":
		return users.AddGroup(ctx, u, msnp.Unescape(rest[0]))
	case "rename":
		return users.RenameGroup(ctx, u, group(rest[0]), msnp.Unescape(rest[1]))
	case "dissolve":
		return users.RemoveGroup(ctx, u, group(rest[0]))
	}
	whom, err := p.user(rest[0])
	if err != nil {
		return err
	}
	switch words[1] {
	case "add":
		return users.AddContact(ctx, u, account.Addition{Email: whom.Handle, Name: msnp.Unescape(rest[1]), Group: group(rest[2])})
	case "remove":
		return users.RemoveContact(ctx, u, whom.Handle)
	case "name":
		return users.NameContact(ctx, u, whom.Handle, msnp.Unescape(rest[1]))
	case "move":
		return users.MoveContact(ctx, u, whom.Handle, group(rest[1]), group(rest[2]))
	case "allow":
		return users.Allow(ctx, u, whom.Handle)
	case "block":
		return users.Block(ctx, u, whom.Handle)
	case "unblock":
		return users.Unblock(ctx, u, whom.Handle)
	case "undecide":
		return users.Undecide(ctx, u, whom.Handle)
	}
	return fmt.Errorf("nobody can %s at the website", words[1])
}
