package msntest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// user returns the account of a word: alice, alice@example.com or the actor A.
func (p *Player) user(word string) (im.User, error) {
	handle := word
	switch {
	case strings.Contains(word, "@"):
	case word[0] >= 'A' && word[0] <= 'Z':
		who, err := p.who(word)
		if err != nil {
			return im.User{}, err
		}
		handle = who.handle
	default:
		handle += "@example.com"
	}
	return p.fix.Store.User(p.t.Context(), handle)
}

// User returns the account of a word: alice, alice@example.com or the actor A.
func (p *Player) User(word string) im.User {
	p.t.Helper()
	u, err := p.user(word)
	p.check(err)
	return u
}

// two returns the accounts of two words.
func (p *Player) two(first, second string) (a, b im.User, err error) {
	if a, err = p.user(first); err == nil {
		b, err = p.user(second)
	}
	return a, b, err
}

// mutual puts each of two people on the other's forward and allow lists.
func (p *Player) mutual(words []string) error {
	a, b, err := p.two(words[0], words[1])
	if err != nil {
		return err
	}
	for _, pair := range [][2]im.User{{a, b}, {b, a}} {
		for _, l := range []im.List{im.Forward, im.Allow} {
			if err := p.add(pair[0], l, pair[1], -1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Player) add(owner im.User, l im.List, whom im.User, group int) error {
	_, err := p.fix.Store.Add(p.t.Context(), owner.ID, store.Addition{
		List: l, Handle: whom.Handle, Name: whom.Name, Group: group, Limit: 10000,
	})
	return err
}

// list puts a person on a list: list alice FL bob 1.
func (p *Player) list(words []string) error {
	l, ok := im.ParseList([]byte(words[1]))
	if !ok {
		return fmt.Errorf("no list is called %s", words[1])
	}
	owner, whom, err := p.two(words[0], words[2])
	if err != nil {
		return err
	}
	group := -1
	if len(words) == 4 {
		if group, err = strconv.Atoi(words[3]); err != nil {
			return fmt.Errorf("%s is no group number", words[3])
		}
	}
	return p.add(owner, l, whom, group)
}

func (p *Player) unlist(words []string) error {
	l, ok := im.ParseList([]byte(words[1]))
	if !ok {
		return fmt.Errorf("no list is called %s", words[1])
	}
	owner, whom, err := p.two(words[0], words[2])
	if err != nil {
		return err
	}
	_, err = p.fix.Store.Remove(p.t.Context(), owner.ID, store.Removal{List: l, Handle: whom.Handle, Group: -1})
	return err
}

func (p *Player) group(words []string) error {
	return p.change(words[0], func(owner im.UserID) error {
		_, err := p.fix.Store.AddGroup(p.t.Context(), owner, msnp.Unescape(words[1]))
		return err
	})
}

func (p *Player) policy(words []string) error {
	return p.change(words[0], func(owner im.UserID) error {
		_, err := p.fix.Store.SetPolicy(p.t.Context(), owner, im.Policy(words[1]))
		return err
	})
}

func (p *Player) prompt(words []string) error {
	return p.change(words[0], func(owner im.UserID) error {
		_, err := p.fix.Store.SetPrompt(p.t.Context(), owner, im.Prompt(words[1]))
		return err
	})
}

func (p *Player) property(words []string) error {
	return p.change(words[0], func(owner im.UserID) error {
		_, _, err := p.fix.Store.SetProperty(p.t.Context(), owner, words[1], msnp.Unescape(words[2]))
		return err
	})
}

func (p *Player) nick(words []string) error {
	return p.change(words[0], func(owner im.UserID) error {
		_, err := p.fix.Store.Rename(p.t.Context(), owner, msnp.Unescape(words[1]))
		return err
	})
}

func (p *Player) stored(words []string) error {
	whom, err := p.user(words[1])
	if err != nil {
		return err
	}
	return p.change(words[0], func(owner im.UserID) error {
		_, err := p.fix.Store.NameContact(p.t.Context(), owner, whom.Handle, msnp.Unescape(words[2]))
		return err
	})
}

func (p *Player) change(word string, apply func(im.UserID) error) error {
	u, err := p.user(word)
	if err != nil {
		return err
	}
	return apply(u.ID)
}

// account makes one more account and an actor for it: account F frank.
func (p *Player) account(words []string) error {
	letter, name := words[0], words[1]
	if len(letter) != 1 || letter[0] < 'A' || letter[0] > 'Z' || p.people[letter].handle != "" {
		return fmt.Errorf("%s is no letter for a new actor", letter)
	}
	if name == "" || name != strings.ToLower(name) {
		return errors.New("the name of an account is in lower case")
	}
	who := newPerson(strings.ToUpper(name[:1]) + name[1:])
	p.people[letter] = who
	return p.fix.addAccount(p.t.Context(), who)
}
